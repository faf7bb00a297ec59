"""How noisy the picture of a face is: what is left of it without all that is smooth or an edge (Immerkær 1996)."""

from __future__ import annotations

from math import pi, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.exposure import middle_of

_RESIDUE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)  # blind to planes, and to straight edges
_GAIN = 6.0  # on the standard deviation of white noise


def grain(crop: npt.NDArray[np.uint8]) -> float:
    """Standard deviation of the noise in the middle of a crop (S, S, 3) or (S, S), grey values.

    Skin in full light has 2, of its own pattern; in 1.5 % of the light, stretched, it has 12.
    """
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    looked_at = middle_of(len(grey))
    residue = cv2.norm(cv2.filter2D(grey, cv2.CV_16S, _RESIDUE), cv2.NORM_L1, looked_at)
    return sqrt(0.5 * pi) / _GAIN * residue / float(np.count_nonzero(looked_at))
