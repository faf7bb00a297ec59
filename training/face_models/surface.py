"""Nearest points on a dense triangle mesh, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dense_face_ros.face_model import vertex_normals
from training.face_models.decimation import Array, IntArray

_CANDIDATES = 8  # triangles tried per point, those with the nearest middles
_AGREE = 0.3  # cosine between normals from which two surfaces count as facing the same way


@dataclass(frozen=True)
class Feet:
    """Nearest surface points of N points: ``triangle`` (N,), ``weights`` (N, 3), ``points`` (N, 3), ``distance`` (N,).

    ``agrees`` (N,) bool: the surface faces the way the point does; ``on_rim`` (N,) bool: it ends there.
    """

    triangle: IntArray
    weights: Array
    points: Array
    distance: Array
    agrees: npt.NDArray[np.bool_]
    on_rim: npt.NDArray[np.bool_]


class Surface:
    """A mesh to drop points on: vertices (S, 3), triangles (T, 3)."""

    def __init__(self, vertices: Array, triangles: IntArray) -> None:
        self.vertices, self.triangles = vertices, triangles
        self._corners = vertices[triangles]
        self._tree = cKDTree(self._corners.mean(axis=1))
        smooth = vertex_normals(vertices, triangles)[triangles].mean(axis=1)
        self._normals = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)

    @cached_property
    def _open(self) -> npt.NDArray[np.bool_]:
        """(T, 3): whether the edge opposite to each corner is the mesh's boundary."""
        edges = np.sort(np.stack([self.triangles[:, [1, 2]], self.triangles[:, [2, 0]], self.triangles[:, [0, 1]]], 1))
        _, index, count = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True, return_counts=True)
        return np.asarray((count[index.reshape(-1)] == 1).reshape(-1, 3))

    def feet(self, points: Array, normals: npt.NDArray[np.floating]) -> Feet:
        """Drop points (N, 3) with unit normals (N, 3) onto the surface, where it can be onto parts facing their way."""
        count = min(_CANDIDATES, len(self.triangles))
        _, candidates = self._tree.query(points, k=count)
        candidates = candidates.reshape(len(points), count)
        weights = nearest_weights(self._corners[candidates], points[:, None])
        at = np.einsum("nkc,nkcd->nkd", weights, self._corners[candidates])
        distance = np.linalg.norm(at - points[:, None], axis=2)
        agrees = np.einsum("nkd,nd->nk", self._normals[candidates], normals) > _AGREE
        # Lips touch: without this the upper one would be tied to the lower.
        best = np.argmin(np.where(agrees, distance, distance + 1e3), axis=1)
        row = np.arange(len(points))
        triangle, chosen = candidates[row, best], weights[row, best]
        on_rim = (self._open[triangle] & (chosen < 1e-6)).any(axis=1)
        return Feet(
            triangle.astype(np.int32), chosen, at[row, best], distance[row, best], agrees[row, best], on_rim
        )  # fmt: skip


def nearest_weights(corners: Array, points: Array) -> Array:
    """Barycentric weights (..., 3) of the point of each triangle (..., 3, 3) nearest to a point (..., 3)."""
    a, b, c = (corners[..., i, :] for i in range(3))
    ab, ac, ap = b - a, c - a, points - a
    aa, bb, cross = (ab * ab).sum(-1), (ac * ac).sum(-1), (ab * ac).sum(-1)
    pa, pb = (ap * ab).sum(-1), (ap * ac).sum(-1)
    det = np.maximum(aa * bb - cross * cross, 1e-30)
    second, third = (bb * pa - cross * pb) / det, (aa * pb - cross * pa) / det
    inner = np.stack([1.0 - second - third, second, third], axis=-1)
    best, best_gap = inner, np.where(inner.min(axis=-1) >= 0.0, -1.0, np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[..., i, :], corners[..., j, :] - corners[..., i, :]
        length = np.maximum((edge * edge).sum(-1), 1e-30)
        along = np.clip(((points - start) * edge).sum(-1) / length, 0.0, 1.0)
        gap = ((start + along[..., None] * edge - points) ** 2).sum(-1)
        weights = np.zeros_like(inner)
        weights[..., i], weights[..., j] = 1.0 - along, along
        nearer = gap < best_gap
        best, best_gap = np.where(nearer[..., None], weights, best), np.where(nearer, gap, best_gap)
    return best
