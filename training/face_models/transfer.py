"""Reading a source's per-vertex values off on our mesh: linear, so that whole bases can be carried over."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from dense_face_ros.face_model import FaceModel
from dense_face_ros.head_size import eyeballs
from training.face_models.decimation import Array
from training.face_models.registration import Registration, graph_laplacian, landmark_matrix

_LIDS = (slice(42, 48), slice(36, 42))  # of the 68 landmarks: around the left eye, around the right
_SIGMA = 0.003  # metres by which our model's guess of a displacement may be wrong; neighbours share their errors


class Transfer:
    """Carries values of the source's vertices to ours.

    On the source's surface they are interpolated; where it does not reach, they are continued smoothly (the graph
    Laplacian of our mesh is zero there). Eyeballs, which few sources have, move with a new person as they do in our
    own model for the same change of the skin.
    """

    def __init__(self, model: FaceModel, registration: Registration, triangles: npt.NDArray[np.int32]) -> None:
        self._model, self._registration = model, registration
        self.ball = np.logical_or(*eyeballs(model))
        self._on = np.flatnonzero(registration.supported)
        self._corners = triangles[registration.feet.triangle[self._on]]
        self._weights = registration.feet.weights[self._on]
        self._off = np.flatnonzero(~self.ball & ~registration.supported)
        smooth = graph_laplacian(model.triangles, len(model.mean))[self._off]
        self._to_on = smooth[:, self._on]
        if len(self._off):
            # The small diagonal: a piece of mesh without any support keeps still.
            self._solve = splu((smooth[:, self._off] + 1e-9 * sparse.identity(len(self._off))).tocsc()).solve

    def skin(self, values: npt.NDArray[np.floating]) -> Array:
        """Displacements or colours (..., S, 3) -> (..., V, 3); eyeballs are 0."""
        out = np.empty((*values.shape[:-2], len(self._model.mean), 3))
        for index in np.ndindex(values.shape[:-2]):
            corners = values[index][self._corners].astype(np.float64)
            out[index] = self._extended(np.einsum("vc,vcd->vd", self._weights, corners))
        return out

    def identity(self, modes: npt.NDArray[np.floating]) -> tuple[Array, Array]:
        """Identity modes (K, S, 3) -> (K, V, 3) with their eyeballs, and the motion (K, 3) of the eyes' midpoint.

        Minimises ``sum_v |mode_v - t - B_v a|^2 / sigma^2 + |a|^2`` for our identity basis B, whose eyes' midpoint
        keeps still: t is that motion, and the eyeballs go to ``t + B_v a``. Each mode is first scaled to a millimetre,
        as sources give theirs in all units.
        """
        out = self.skin(modes)
        strength = np.sqrt((out[:, self._on] ** 2).mean(axis=(1, 2)))[:, None] / 1e-3
        basis = self._model.identity_basis.astype(np.float64)
        rows = np.concatenate([basis[:, self._on].reshape(len(basis), -1), np.tile(np.eye(3), len(self._on))]) / _SIGMA
        prior = np.diag([*np.ones(len(basis)), 0.0, 0.0, 0.0])
        right = out[:, self._on].reshape(len(out), -1) / np.maximum(strength, 1e-12) / _SIGMA
        found = strength * np.linalg.solve(rows @ rows.T + prior, rows @ right.T).T
        coefficients, motion = found[:, : len(basis)], found[:, len(basis) :]
        out[:, self.ball] = np.einsum("kb,bvd->kvd", coefficients, basis[:, self.ball]) + motion[:, None]
        return out, motion

    def mean(self) -> Array:
        """(V, 3) the source's mean face on our mesh, our head frame; eyeballs keep their place behind the lids."""
        found = self._registration
        out = found.vertices + self._extended(found.feet.points[self._on] - found.vertices[self._on])
        bent = landmark_matrix(self._model) @ (out - found.fitted)
        for ball, lids in zip(eyeballs(self._model), _LIDS, strict=True):
            out[ball] = found.fitted[ball] + bent[lids].mean(axis=0)
        return out

    def _extended(self, values: Array) -> Array:
        """Values (N, 3) of the supported vertices -> (V, 3), eyeballs 0."""
        out = np.zeros((len(self._model.mean), 3))
        out[self._on] = values
        if len(self._off):
            out[self._off] = self._solve(-(self._to_on @ values))
        return out
