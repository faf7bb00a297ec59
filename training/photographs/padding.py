"""The black borders with which cut-out photographs are filled up to squares."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLACK = 10  # grey levels up to which compressed black reaches
_BRIGHT = 0.02  # share of a row or column that is brighter, where it is more than specks beside the picture
_LEAST = 16  # pixels of a window: with less left, the picture itself is dark


def unpadded(image: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The window (x0, y0, x1, y1) of a picture (h, w) or (h, w, 3) without the rows and columns around it that are
    black throughout; all of a picture that is nearly black everywhere."""
    height, width = image.shape[:2]
    bright = image.reshape(height, width, -1).max(axis=2) > _BLACK
    rows = np.flatnonzero(bright.mean(axis=1) > _BRIGHT)
    columns = np.flatnonzero(bright.mean(axis=0) > _BRIGHT)
    if len(rows) < _LEAST or len(columns) < _LEAST:
        return 0, 0, width, height
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
