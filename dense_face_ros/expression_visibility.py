"""Which activations can be told: behind a hand a mouth has an everyday one in the fit, which no picture tells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel

_MOVED = 0.5  # of what an activation moves a landmark at most, from which on a landmark shows it
_SEEN = 0.25  # of those landmarks that must be visible: from the side half of a mouth is


class ExpressionVisibility:
    """Knows by which landmarks the activations of ``model`` are seen."""

    def __init__(self, model: FaceModel) -> None:
        basis = model.at(model.landmarks, model.basis)[:, :, model.identity_size :]
        moved = np.linalg.norm(basis.astype(np.float64), axis=1)
        shown_by = moved >= _MOVED * moved.max(axis=0)
        self._shares = (shown_by / shown_by.sum(axis=0)).T

    def __call__(self, visible: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Whether each activation (E,) can be told where these landmarks (68,) are visible."""
        return np.asarray(self._shares @ visible >= _SEEN)
