"""Reading ``.npz`` files that may be of any origin: nothing in them is unpickled, and errors name the file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]

#: What numpy raises where a file or an array in it is damaged, or of Python objects.
DAMAGED = (ValueError, EOFError, OSError, NotImplementedError, zipfile.BadZipFile, zlib.error)


def read_npz(path: Path, needed: Sequence[str], cure: str, optional: Sequence[str] = ()) -> Arrays:
    """The arrays ``needed``, and those of ``optional`` that are there.

    Args:
        cure: what to do about a file that is of no use; ends the message of the error.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no whole .npz file, lacks an array, or has one that cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"'{path}' does not exist; {cure}")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"'{path}' is no .npz file, or was cut short; {cure}")
    with np.load(path, allow_pickle=False) as file:
        missing = [name for name in needed if name not in file.files]
        if missing:
            raise ValueError(f"'{path}' lacks {', '.join(missing)}, it has {', '.join(file.files)}; {cure}")
        found = [*needed, *(name for name in optional if name in file.files)]
        return {name: _array(file, name, path, cure) for name in found}


def _array(file: Any, name: str, path: Path, cure: str) -> npt.NDArray[Any]:
    try:
        array = file[name]
    except DAMAGED as error:
        # numpy's own message names no file, and advises to unpickle what is of Python objects.
        raise ValueError(f"'{path}': {name} is damaged, or of Python objects, which are not read; {cure}") from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"'{path}': {name} is no array; {cure}")
    return array
