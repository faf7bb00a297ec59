"""Eyelid openness from the fitted lids: the gap in three dimensions, so that turning the head does not close an eye."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array

#: Landmark indices of (upper lid, lower lid) pairs and of the corners; left and right are the person's.
_EYES = {"left": ((43, 44), (47, 46), (42, 45)), "right": ((37, 38), (41, 40), (36, 39))}
_VISIBLE = 0.5


class EyeOpenness:
    """Openness of each eye relative to the same person's relaxed, open eye."""

    def __init__(self, model: FaceModel) -> None:
        self._identity_size = model.identity_size
        self._mean = model.at(model.landmarks, model.mean)
        self._basis = model.at(model.landmarks, model.basis)

    def __call__(self, coefficients: npt.NDArray[np.floating], visibility: Array) -> tuple[float, float]:
        """(left, right): 0 closed, 1 open as in the person's neutral face, NaN where the lids cannot be seen.

        coefficients: (K + E,); visibility: (68,) probability of each landmark.
        """
        neutral = np.array(coefficients, dtype=np.float64)
        neutral[self._identity_size :] = 0.0
        now, relaxed = (self._landmarks(c) for c in (coefficients, neutral))
        out = []
        for upper, lower, corners in _EYES.values():
            seen = visibility[[*upper, *lower, *corners]].mean() >= _VISIBLE
            ratio = _gap(now, upper, lower) / max(_gap(relaxed, upper, lower), 1e-6)
            out.append(float(np.clip(ratio, 0.0, 1.0)) if seen else float("nan"))
        return out[0], out[1]

    def _landmarks(self, coefficients: npt.NDArray[np.floating]) -> Array:
        return np.asarray(self._mean + self._basis @ coefficients, dtype=np.float64)


def _gap(landmarks: Array, upper: tuple[int, int], lower: tuple[int, int]) -> float:
    """Signed height of the lids' gap along the head's up axis: lids that cross count as closed."""
    return float((landmarks[list(upper), 2] - landmarks[list(lower), 2]).mean())
