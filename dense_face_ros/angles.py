"""How far angles and rotations are apart, in degrees."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from dense_face_ros.geometry import Array

_Degrees = TypeVar("_Degrees", float, Array)


def wrap_degrees(degrees: _Degrees) -> _Degrees:
    """The same angle, or angles, in [-180, 180)."""
    return (degrees + 180.0) % 360.0 - 180.0


def geodesic(a: Array, b: Array) -> Array:
    """Angles (...) of the rotations that take rotation matrices (..., 3, 3) to others; NaN where either is."""
    # The chord |A - B| = 2 sqrt(2) sin(angle / 2) keeps its precision near 0, where the trace loses it.
    chord = np.linalg.norm(a - b, axis=(-2, -1))
    return np.asarray(np.degrees(2.0 * np.arcsin(np.minimum(chord / np.sqrt(8.0), 1.0))))
