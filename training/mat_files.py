"""Reading MATLAB files of other people's data sets."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

# What scipy raises for files that are cut, damaged, or of MATLAB 7.3.
_UNREADABLE = (
    MatReadError, zlib.error, ValueError, NotImplementedError, OSError, TypeError, IndexError, KeyError, MemoryError,
    OverflowError,
)  # fmt: skip


def read_mat(path: Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays called ``names`` that the file has; ValueError naming a file that cannot be read."""
    try:
        read = loadmat(path, variable_names=list(names))
    except _UNREADABLE as error:
        raise ValueError(f"'{path}' is not a whole MATLAB 5 file ({error}); copy the data set again") from error
    return {name: np.asarray(read[name]) for name in names if name in read}
