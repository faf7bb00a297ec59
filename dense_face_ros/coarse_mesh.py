"""A mesh of fewer triangles between some of its own vertices, which every shape of the model then moves rightly.

Vertices move along edges to the nearest of those that are kept; what stays between three of them is the coarse mesh.
So what touches without being joined stays apart, as lips and lids do, and nothing tears.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from dense_face_ros.face_model import FloatArray, IntArray

# Radius in edges: _RADIUS * sqrt(T / most) leaves about ``most`` of T triangles; where more are left it grows.
_RADIUS, _GROWTH = 0.65, 1.1


def coarse_triangles(shape: FloatArray, triangles: IntArray, most: int) -> IntArray:
    """Triangles (T', 3) between some of the vertices, with T' at most ``most``; wound as before.

    Fine parts stay finer than others, as edges are measured by the length of those around them.

    Args:
        shape: (V, 3) the vertices of one shape, as the mean face.
        triangles: (T, 3).
        most: number of triangles; a mesh that has no more is left as it is.
    """
    if len(triangles) <= most:
        return triangles
    edges, rim = _edges(shape, triangles)
    # The rim first: its outline is what a viewer sees of it.
    order = np.r_[rim, np.setdiff1d(np.arange(len(shape)), rim)]
    radius = _RADIUS * float(np.sqrt(len(triangles) / most))
    while True:
        moved = _nearest_kept(edges, order, radius)[triangles]
        a, b, c = moved.T
        moved = moved[(a != b) & (b != c) & (c != a)]
        moved = moved[np.sort(np.unique(np.sort(moved, axis=1), axis=0, return_index=True)[1])]
        if len(moved) <= most:
            return moved
        radius *= _GROWTH


def _edges(shape: FloatArray, triangles: IntArray) -> tuple[csr_matrix, IntArray]:
    """Lengths of the edges (V, V), relative to those around; the vertices on edges that only one triangle has."""
    count = len(shape)
    start, end = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2).T
    once = csr_matrix((np.ones(len(start)), (start, end)), shape=(count, count))
    both = (once + once.T).tocoo()
    length = np.linalg.norm(shape[both.row] - shape[both.col], axis=1)
    usual = np.bincount(both.row, length, count) / np.maximum(np.bincount(both.row, minlength=count), 1)
    relative = 2.0 * length / (usual[both.row] + usual[both.col])
    return csr_matrix((relative, (both.row, both.col)), shape=(count, count)), np.unique(both.row[both.data == 1])


def _nearest_kept(edges: csr_matrix, order: IntArray, radius: float) -> npt.NDArray[np.intp]:
    """The vertex (V,) that each moves to. In ``order`` those are kept that are further than ``radius`` from others."""
    near, kept = np.full(len(order), np.inf), np.arange(len(order))
    for vertex in order:
        if near[vertex] > radius:
            distance = dijkstra(edges, indices=vertex, limit=radius)
            nearer = distance < near
            near[nearer], kept[nearer] = distance[nearer], vertex
    return kept
