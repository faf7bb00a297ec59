"""Label arrays (``.npy``) as 3DDFA's release stores them in its folder ``test.configs``: a row per image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dense_face_ros.geometry import Array


def read_array(path: Path, benchmark: str) -> Array:
    """An array of numbers, as float64.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: it holds no array of numbers.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{benchmark}: '{path}' does not exist; copy it from 3DDFA's test.configs")
    cure = "copy it anew from 3DDFA's test.configs"
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        # numpy's own message advises to unpickle what is of Python objects.
        raise ValueError(f"{benchmark}: '{path}' is no array file, or damaged; {cure}") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "biuf":
        raise ValueError(f"{benchmark}: '{path}' holds no array of numbers; {cure}")
    return found.astype(np.float64)


def read_point_array(path: Path, images: int, points: int, benchmark: str) -> Array:
    """Points (images, points, 2) in pixels, stored as (images, 2 or 3, points); raises as :func:`read_array`."""
    array = read_array(path, benchmark)
    if array.ndim != 3 or array.shape[1] not in (2, 3) or (len(array), array.shape[2]) != (images, points):
        raise ValueError(
            f"{benchmark}: '{path}' is of shape {array.shape}, expected ({images}, 2 or 3, {points}): a row for each "
            "image"
        )
    odd = np.flatnonzero(~np.isfinite(array[:, :2]).all(axis=(1, 2)))
    if len(odd):
        raise ValueError(f"{benchmark}: '{path}' has points that are not finite, first in row {odd[0]}; copy it anew")
    return np.ascontiguousarray(array[:, :2].transpose(0, 2, 1))
