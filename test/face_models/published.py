"""A made-up published model for the importers: a person of the shipped model on another mesh, in other axes.

Its skin is cut finer than ours and its vertices are shuffled; it nods and lies elsewhere. So what an importer should
find is known at every vertex of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_vector

NOD, SHIFT = rotation_from_vector([0.0, 0.05, 0.0]), np.array([0.02, 0.0, -0.03])


@dataclass(frozen=True)
class Published:
    """Metres. ``fine``: every triangle of ours cut in four."""

    ours: FaceModel
    fine: bool = True

    @cached_property
    def person(self) -> np.ndarray:
        """(V, 3) the mean face of the published model on our vertices, our axes."""
        coefficients = np.zeros(self.ours.identity_size + self.ours.expression_size)
        coefficients[:8] = [1.0, -1.2, 0.8, 1.0, -0.8, 0.6, 1.0, -0.7]
        return self.ours.shape(coefficients).astype(np.float64)

    @cached_property
    def identity(self) -> np.ndarray:
        """(3, V, 3) its identity modes on our vertices."""
        return self.ours.identity_basis[10:13].astype(np.float64)

    @cached_property
    def expression(self) -> np.ndarray:
        """(2, V, 3) its expression modes on our vertices, one standard deviation."""
        index = [self.ours.expression_names.index(name) for name in ("jawOpen", "mouthSmile_L")]
        return self.ours.expression_basis[index].astype(np.float64) / 3.0

    @cached_property
    def skin(self) -> np.ndarray:
        """(T,) bool, our triangles that are not eyeball."""
        eyes = [i for i, name in enumerate(self.ours.region_names) if name.startswith("eye_")]
        return ~np.isin(self.ours.regions, eyes)[self.ours.triangles].any(axis=1)

    @cached_property
    def _mesh(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Ends (S, 2) of the edge of ours that each vertex halves (twice the same for our own), triangles, order."""
        own = self.ours.triangles[self.skin]
        edges = np.sort(np.concatenate([own[:, [0, 1]], own[:, [1, 2]], own[:, [2, 0]]]), axis=1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        used = np.unique(own)
        number = np.full(len(self.ours.mean), -1)
        number[used] = np.arange(len(used))
        ab, bc, ca = (len(used) + part for part in index.reshape(3, -1))
        a, b, c = number[own].T
        parts = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)] if self.fine else [(a, b, c)]
        triangles = np.concatenate([np.column_stack(part) for part in parts])
        ends = np.column_stack([used, used])
        if self.fine:
            ends = np.concatenate([ends, unique])
        order = np.random.default_rng(0).permutation(len(ends))
        place = np.argsort(order)
        return ends[order], place[triangles], place[number]

    def cut(self, values: np.ndarray) -> np.ndarray:
        """Our values (..., V, 3) on the source's vertices (..., S, 3)."""
        ends = self._mesh[0]
        return 0.5 * (values[..., ends[:, 0], :] + values[..., ends[:, 1], :])

    @property
    def triangles(self) -> np.ndarray:
        """(T', 3) of the source."""
        return self._mesh[1]

    @cached_property
    def keypoints(self) -> np.ndarray:
        """(68,) vertices of the source nearest to our landmarks."""
        heavy = self.ours.landmarks.weights.argmax(axis=1)
        return self._mesh[2][self.ours.triangles[self.ours.landmarks.triangle, heavy]]

    def axes(self, vectors: np.ndarray) -> np.ndarray:
        """Displacements in our axes -> the source's: nodding, x left, y up, z out of the face."""
        return (vectors @ NOD.T)[..., [1, 2, 0]]

    def points(self) -> np.ndarray:
        """(S, 3) mean face in the source's axes, metres."""
        return self.axes(self.cut(self.person)) + SHIFT


class Ch:
    """As chumpy's."""

    def __init__(self, x: Any) -> None:
        self.x, self._dirty_vars, self._parents = x, {1, 2}, {}


class Select(Ch):
    """As chumpy's."""

    def __init__(self, a: Any, idxs: Any, preferred_shape: Any) -> None:
        self.a, self.idxs, self.preferred_shape = a, idxs, preferred_shape
