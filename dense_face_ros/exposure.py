"""Exposure of the network's crop: what is dark or pale is stretched to the contrast that networks are used to.

A camera at night, a sensor of 12 bits in a message of 16, haze on the lens or in the cabin leave a face a few grey
values. Networks answer such a crop with a face all the same, turned by several degrees and hardly less sure of it.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

#: Grey values between the darkest and the brightest of a face below which it is stretched. Of photographs of faces 5 %
#: have less; more of it changes those, and makes dark ones no better.
CONTRAST = 110.0
#: Noise alone, of one grey value, has this many: more stretching would show nothing else.
_LEAST = 3.0
_DARKEST, _BRIGHTEST = 0.02, 0.98  # shares of the pixels looked at
_RADIUS = 0.35  # of the crop: around the face, so that a window behind it does not hide that it is dark


def exposed(crop: npt.NDArray[np.uint8], shown: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
    """A crop (S, S, 3) or (S, S), its grey values stretched about their middle if they are few, else the crop itself.

    The stretching sets in gradually, so that nothing jumps between two frames.

    shown: (N, N) cells over the crop, 0 where the image ends: the black there is no part of the picture. None: nowhere.
    """
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    looked_at = middle_of(len(grey))
    if shown is not None:
        inner = cv2.erode(shown, np.ones((3, 3), np.uint8))  # the resampling mixes black into the outermost
        looked_at = looked_at * cv2.resize(inner, grey.shape[::-1], interpolation=cv2.INTER_NEAREST)
    counts = cv2.calcHist([grey], [0], looked_at, [256], [0.0, 256.0]).ravel().cumsum()
    if not counts[-1]:
        return crop
    low, high = np.searchsorted(counts, [_DARKEST * counts[-1], _BRIGHTEST * counts[-1]])
    gain = CONTRAST / max(float(high - low), _LEAST)
    if gain <= 1.0:
        return crop
    middle = 0.5 * (low + high)
    level = np.clip(middle, 0.5 * CONTRAST, 255.0 - 0.5 * CONTRAST)
    table = np.rint(np.clip((np.arange(256) - middle) * gain + level, 0.0, 255.0)).astype(np.uint8)
    return np.asarray(cv2.LUT(crop, table), dtype=np.uint8)


@cache
def middle_of(size: int) -> npt.NDArray[np.uint8]:
    """Which pixels (size, size) of a crop are the face's and around it: 1, else 0."""
    away = np.arange(size) - 0.5 * (size - 1)
    return np.asarray(np.hypot(away[:, None], away) < _RADIUS * size, dtype=np.uint8)
