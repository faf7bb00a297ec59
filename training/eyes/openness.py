"""How far eyes are open, of points on their lids.

The mean gap between points of the upper lid and those beneath them, of which the public face mesh has three pairs and
the 68 landmarks two, over the distance of the eye's corners, in three dimensions, on a scale from shut to the relaxed
mean face.
"""

from __future__ import annotations

import numpy as np

from dense_face_ros.geometry import Array

_Eye = tuple[int, int, tuple[int, ...], tuple[int, ...]]
#: Outer and inner corner, upper lid, lower lid beneath it, of the left and the right eye: points of the face mesh ...
MESH_EYES: tuple[_Eye, _Eye] = (
    (263, 362, (387, 386, 385), (373, 374, 380)),
    (33, 133, (160, 159, 158), (144, 145, 153)),
)
#: ... and of the 68 landmarks, which lie on our own lids.
LANDMARK_EYES: tuple[_Eye, _Eye] = ((45, 42, (44, 43), (46, 47)), (36, 39, (37, 38), (41, 40)))
_SHUT, _RELAXED = 0.06, 0.31  # gap over width of lids that touch, and of the mean face


def openness(points: Array, eyes: tuple[_Eye, _Eye]) -> tuple[float, float]:
    """(left, right) openness of points (N, 3) in any unit: 0 shut, 1 as the relaxed mean face.

    eyes: which of the points those of the eyes are, ``MESH_EYES`` or ``LANDMARK_EYES``.
    """
    values = []
    for outer, inner, upper, lower in eyes:
        gap = np.linalg.norm(points[list(upper)] - points[list(lower)], axis=1).mean()
        ratio = gap / max(float(np.linalg.norm(points[outer] - points[inner])), 1e-9)
        values.append(float(np.clip((ratio - _SHUT) / (_RELAXED - _SHUT), 0.0, 1.3)))
    return values[0], values[1]
