"""Files that are written completely or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, ``NAME.unfinished`` beside ``path``, which is then at any moment the old file or the new one.

    What is interrupted by an error leaves nothing behind.

    Raises:
        OSError: the file cannot be written; naming it.
    """
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with open(unfinished, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException as error:
        unfinished.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:  # of a full disk
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8, so that ``path`` is at any moment either the old file or the new one, whole.

    Raises:
        OSError: the file cannot be written.
    """
    with whole_file(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content`` as JSON, as :func:`write_text`.

    Raises:
        OSError: the file cannot be written.
        ValueError: a figure is not finite.
    """
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")
