"""Coarsening a mesh to a subset of its own vertices, so that every shape of the model is kept exactly there.

Half-edge collapses in the order of their quadric error (Garland & Heckbert 1997), summed over several shapes of the
same topology and weighted per vertex. Boundaries keep their outline: a boundary vertex only moves along it.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

_SHAPE_TERM = 1e-3  # weight of edge length ** 4: keeps triangles round where the surface is flat
_SMALLEST_TURN = 0.3  # cosine: a collapse that turns a triangle further than this is refused


def decimate(
    shapes: Array, triangles: IntArray, weight: Array, locked: npt.NDArray[np.bool_], target: int
) -> tuple[IntArray, IntArray]:
    """Collapse vertices until ``target`` are left.

    Args:
        shapes: (S, V, 3) the same mesh in S shapes, one unit of length.
        triangles: (T, 3) of a manifold mesh with boundary.
        weight: (V,) how much an error at each vertex counts.
        locked: (V,) vertices that stay.
        target: number of vertices to keep.

    Returns:
        kept (target,) vertex indices in ascending order, and triangles (T', 3) over the original indices.
    """
    mesh = _Mesh(shapes, triangles, weight, locked)
    left = len(np.unique(triangles))
    while left > target:
        collapse = mesh.cheapest()
        if collapse is None:
            raise ValueError(f"only {left} vertices could be reached, {target} were asked for; unlock some")
        mesh.collapse(*collapse)
        left -= 1
    out = np.array(sorted(mesh.faces.values()), dtype=np.int32)
    return np.unique(out), out


class _Mesh:
    def __init__(self, shapes: Array, triangles: IntArray, weight: Array, locked: npt.NDArray[np.bool_]) -> None:
        self.points = np.ascontiguousarray(shapes.transpose(1, 0, 2), dtype=np.float64)  # (V, S, 3)
        self.weight, self.locked = weight, locked
        self.faces: dict[int, tuple[int, int, int]] = {
            i: (int(a), int(b), int(c)) for i, (a, b, c) in enumerate(triangles)
        }
        self.around: list[set[int]] = [set() for _ in range(len(self.points))]
        for i, corners in self.faces.items():
            for v in corners:
                self.around[v].add(i)
        self.version = np.zeros(len(self.points), dtype=np.int64)
        self.boundary = self._boundary_vertices()
        self.quadrics = self._quadrics(triangles)
        self.heap: list[tuple[float, int, int, int, int]] = []
        for v in range(len(self.points)):
            self._push(v)

    def neighbours(self, v: int) -> set[int]:
        return {u for f in self.around[v] for u in self.faces[f]} - {v}

    def _edge_is_boundary(self, a: int, b: int) -> bool:
        return len(self.around[a] & self.around[b]) == 1

    def _boundary_vertices(self) -> npt.NDArray[np.bool_]:
        out = np.zeros(len(self.points), dtype=bool)
        for v in range(len(out)):
            out[v] = any(self._edge_is_boundary(v, u) for u in self.neighbours(v))
        return out

    def _quadrics(self, triangles: IntArray) -> Array:
        p = self.points
        out = np.zeros((len(p), p.shape[1], 4, 4))

        def add(vertices: IntArray, normal: Array, point: Array, area: Array) -> None:
            plane = np.concatenate([normal, -(normal * point).sum(-1, keepdims=True)], axis=-1)
            np.add.at(out, vertices, area[..., None, None] * plane[..., :, None] * plane[..., None, :])

        a, b, c = (p[triangles[:, i]] for i in range(3))
        normal = np.cross(b - a, c - a)
        double_area = np.linalg.norm(normal, axis=-1)
        normal /= np.maximum(double_area[..., None], 1e-12)
        for i in range(3):
            add(triangles[:, i], normal, a, double_area / 6.0)
        for t, corners in enumerate(triangles):  # planes that stand on boundary edges hold the outline
            for i in range(3):
                v, u = int(corners[i]), int(corners[(i + 1) % 3])
                if self._edge_is_boundary(v, u):
                    edge = p[u] - p[v]
                    length = np.linalg.norm(edge, axis=-1)
                    wall = np.cross(edge, normal[t])
                    wall /= np.maximum(np.linalg.norm(wall, axis=-1, keepdims=True), 1e-12)
                    for end in (v, u):
                        add(np.array(end), wall, p[v], length**2)
        return out

    def _push(self, v: int) -> None:
        """Offer the cheapest allowed collapse of v into one of its neighbours."""
        if self.locked[v] or not self.around[v]:
            return
        best: tuple[float, int] | None = None
        for u in self.neighbours(v):
            if self.boundary[v] and not self._edge_is_boundary(v, u):
                continue
            cost = self._cost(v, u)
            if (best is None or cost < best[0]) and self._allowed(v, u):
                best = (cost, u)
        if best is not None:
            heapq.heappush(self.heap, (best[0], v, best[1], int(self.version[v]), int(self.version[best[1]])))

    def _cost(self, v: int, u: int) -> float:
        h = np.concatenate([self.points[u], np.ones((len(self.points[u]), 1))], axis=1)
        error = np.einsum("si,sij,sj->", h, self.quadrics[v], h)
        length = ((self.points[u] - self.points[v]) ** 2).sum(axis=1).mean()
        return float(self.weight[v] * (error + _SHAPE_TERM * length**2))

    def _allowed(self, v: int, u: int) -> bool:
        shared = self.around[v] & self.around[u]
        if len(self.neighbours(v) & self.neighbours(u)) != len(shared):
            return False  # link condition: the collapse would pinch the surface
        for f in self.around[v] - shared:
            old = self.faces[f]
            new = tuple(u if x == v else x for x in old)
            before, after = self._normal(old), self._normal(new)
            norms = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
            if np.any((before * after).sum(-1) < _SMALLEST_TURN * norms) or np.any(norms < 1e-14):
                return False
        return True

    def _normal(self, corners: tuple[int, ...]) -> Array:
        a, b, c = (self.points[i] for i in corners)
        return np.asarray(np.cross(b - a, c - a))

    def cheapest(self) -> tuple[int, int] | None:
        while self.heap:
            _, v, u, seen_v, seen_u = heapq.heappop(self.heap)
            if self.around[v] and seen_v == self.version[v]:
                if seen_u == self.version[u] and self._allowed(v, u):
                    return v, u
                self.version[v] += 1
                self._push(v)
        return None

    def collapse(self, v: int, u: int) -> None:
        touched = self.neighbours(v)
        for f in list(self.around[v]):
            corners = self.faces[f]
            for x in corners:
                self.around[x].discard(f)
            if u in corners:
                del self.faces[f]
                continue
            a, b, c = (u if x == v else x for x in corners)
            self.faces[f] = (a, b, c)
            for x in (a, b, c):
                self.around[x].add(f)
        self.quadrics[u] += self.quadrics[v]
        self.version[v] += 1
        for x in touched:
            self.version[x] += 1
        for x in touched:
            self._push(x)
