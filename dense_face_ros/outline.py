"""Where the outline of cheeks and jaw is seen: at the edge of the mask, which tells how far the face reaches.

Correspondences say little there: the surface is seen edge-on, and where a network is unsure of a stranger's shape it
answers with a usual one's. The edge of its mask follows the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.face_model import FaceModel, FloatArray, Indices, SurfacePoints
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array

NEAREST = 0.02  #: metres: a point closer than this to the camera plane has no usable projection
_STEP = 0.5  # crop pixels between the samples across the outline
# Crop pixels: an edge hides a point if it lies more than _FURTHER outward of it and, sideways, within half of its own
# length and _BESIDE.
_FURTHER, _BESIDE = 1.5, 1.0
_BEYOND = -1e3  # a matchability that marks a sample even if most of it lies within the view


@dataclass(frozen=True)
class OutlineSettings:
    """What of the outline is used.

    Attributes:
        parts: regions of the face whose outline is used.
        hiding: those that only hide it: ears and foreheads end under hair.
        rim: metres from the rim of the model within which no outline is used: the head goes on there.
        reach: crop pixels to either side within which the mask's edge is looked for.
        spacing: side in crop pixels of the squares of which each gives one point: neighbours repeat each other.
        inside, outside: matchability at the two ends of the reach. An edge that is less clear is none.
    """

    parts: tuple[str, ...] = ("skin", "chin", "nose", "lips", "brow_left", "brow_right")
    hiding: tuple[str, ...] = ("ear_left", "ear_right", "forehead")
    rim: float = 0.012
    reach: float = 6.0
    spacing: float = 1.5
    inside: float = 0.7
    outside: float = 0.3


@dataclass(frozen=True)
class Outline:
    """M points on the outline of a face, each measured across the outline only.

    Attributes:
        points: M surface points.
        pixels: (M, 2) of the view: where the mask's edge is.
        normals: (M, 2) unit vectors in the view, out of the face.
    """

    points: SurfacePoints
    pixels: Array
    normals: Array

    def __len__(self) -> int:
        return len(self.pixels)


class OutlineFinder:
    """Finds the outline of faces of ``model``; what does not depend on the face is prepared once.

    Attributes:
        looked_at: (L,) the model's vertices that it looks at.
    """

    def __init__(self, model: FaceModel, settings: OutlineSettings | None = None) -> None:
        self._settings = settings or OutlineSettings()
        used, hiding = (
            np.isin(model.regions, [index for index, name in enumerate(model.region_names) if name in names])
            for names in (self._settings.parts, self._settings.hiding)
        )
        # Of the other parts nothing is looked at.
        self._kept = np.flatnonzero((used | hiding)[model.triangles].all(axis=1))
        self.looked_at, corners = np.unique(model.triangles[self._kept], return_inverse=True)
        self._corners = corners.reshape(-1, 3).T.copy()
        self._mean = model.mean[self.looked_at]
        self._basis = model.basis[self.looked_at].reshape(self._mean.size, model.basis.shape[2])
        self._ends, self._sides, self._opposite = inner_edges(self._corners.T)
        used &= _away_from_rim(model, self._settings.rim)
        self._used = used[self.looked_at][self._ends].all(axis=0)

    def shape(self, coefficients: Array) -> FloatArray:
        """The vertices (L, 3) that are looked at of a face with coefficients (K + E,), in the head frame."""
        return np.asarray(self._mean + (self._basis @ coefficients.astype(np.float32)).reshape(-1, 3), np.float32)

    def __call__(self, vertices: FloatArray, output: NetworkOutput, view: FacingView) -> Outline:
        """The outline of a face, where the mask ends near it; it may be empty.

        Args:
            vertices: (L, 3) those of :meth:`shape`, or ``looked_at`` of all, metres in the frame of the view's own
                camera.
            output: of the network on ``view``.
        """
        if not len(vertices) or not vertices[:, 2].min() > NEAREST:  # no head that could be believed
            return self._outline(np.zeros(0, np.intp), *2 * [np.zeros((0, 2), np.float32)])
        edge, middle, normal, half = self._silhouette(vertices, view)
        chosen = _spread(middle, self._settings.spacing)
        edge, middle, normal, half = edge[chosen], middle[chosen], normal[chosen], half[chosen]
        used = np.flatnonzero(self._used.take(edge))
        used = used[~hidden(middle[used], normal[used], middle, half, self._settings.reach)]
        edge, middle, normal = edge[used], middle[used], normal[used]
        offset, found = _mask_edge(middle, normal, output, view, self._settings)
        return self._outline(edge[found], middle[found] + offset[found, None] * normal[found], normal[found])

    def _silhouette(self, vertices: FloatArray, view: FacingView) -> tuple[Indices, FloatArray, FloatArray, FloatArray]:
        """Edges (S,) between a triangle that faces the camera and one that does not; in the view their middles (S, 2),
        their normals (S, 2), away from what faces the camera, and half of their lengths (S,)."""
        camera, points = view.pinhole, vertices.T
        pixels = points[:2] / points[2] * np.array([[camera.fx], [camera.fy]], np.float32)
        pixels += np.array([[camera.cx], [camera.cy]], np.float32)
        across, down = pixels.take(self._corners, axis=1)
        turn = (across[1] - across[0]) * (down[2] - down[0]) - (down[1] - down[0]) * (across[2] - across[0])
        facing = turn < 0.0
        first, second = (facing.take(side) for side in self._sides)
        edge = np.flatnonzero(first != second)
        inner = np.where(first.take(edge), *self._opposite.take(edge, axis=1))
        (u0, u1, u2), (v0, v1, v2) = pixels.take([*self._ends.take(edge, axis=1), inner], axis=1)
        along_u, along_v = u1 - u0, v1 - v0
        length = np.maximum(np.hypot(along_u, along_v), 1e-12)
        outward = np.sign((u0 - u2) * along_v - (v0 - v2) * along_u) / length
        middle = np.array([0.5 * (u0 + u1), 0.5 * (v0 + v1)]).T
        return edge, middle, np.array([outward * along_v, -outward * along_u]).T, 0.5 * length

    def _outline(self, edge: Indices, pixels: FloatArray, normals: FloatArray) -> Outline:
        """The outline at the middles of these edges."""
        side = self._sides[0, edge]
        on_edge = (self._corners[:, side, None] == self._ends[:, edge].T).any(axis=2).T
        middles = SurfacePoints(self._kept[side], np.where(on_edge, np.float32(0.5), np.float32(0.0)))
        return Outline(middles, pixels.astype(np.float64), normals.astype(np.float64))


def _sorted_edges(triangles: Indices) -> tuple[Indices, Indices, npt.NDArray[np.bool_]]:
    """The three edges of each triangle as ends (3 T, 2), those that are the same beside each other; which of the
    triangles' edges they are (3 T,); and whether the next is the same (3 T - 1,)."""
    ends = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    order = np.lexsort(ends.T)
    ends = ends[order]
    return ends, order, np.asarray((ends[1:] == ends[:-1]).all(axis=1))


def inner_edges(triangles: Indices) -> tuple[Indices, Indices, Indices]:
    """The edges that two triangles share: their ends, their triangles and the triangles' third corners, each (2, E)."""
    ends, order, again = _sorted_edges(triangles)
    first = np.flatnonzero(again)
    both = order[np.array([first, first + 1])]
    return ends[first].T.copy(), both // 3, triangles[:, [2, 0, 1]].ravel()[both]


def _away_from_rim(model: FaceModel, distance: float) -> npt.NDArray[np.bool_]:
    """Which vertices (V,) lie further than ``distance`` metres from the edges that only one triangle has."""
    ends, _, again = _sorted_edges(model.triangles)
    rim = np.unique(ends[~np.r_[again, False] & ~np.r_[False, again]])
    if not len(rim):
        return np.ones(len(model.mean), np.bool_)
    return np.asarray(cKDTree(model.mean[rim]).query(model.mean)[0] > distance)


def hidden(
    points: FloatArray, normals: FloatArray, middle: FloatArray, half: FloatArray, reach: float
) -> npt.NDArray[np.bool_]:
    """Which points of the silhouette have another edge of it further out: the face goes on there."""
    sideways = normals[:, ::-1] * np.array([1.0, -1.0], np.float32)
    out, beside = (axis @ middle.T - np.einsum("ij,ij->i", axis, points)[:, None] for axis in (normals, sideways))
    return np.asarray(((out > _FURTHER) & (out < reach) & (np.abs(beside) < half + _BESIDE)).any(axis=1))


def _spread(pixels: FloatArray, spacing: float) -> Indices:
    """The first of the pixels (N, 2) in each square of ``spacing`` a side."""
    column, row = np.floor(pixels.T / spacing).astype(np.intp)
    square = column * 65536 + row
    order = square.argsort(kind="stable")
    square = square[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = square[1:] != square[:-1]
    return order[first]


def _mask_edge(
    middle: FloatArray, normal: FloatArray, output: NetworkOutput, view: FacingView, settings: OutlineSettings
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """How far out of each point (M,) the matchability falls through one half, and where it does so once and clearly."""
    if not len(middle):
        return np.zeros(0, np.float32), np.zeros(0, np.bool_)
    offset = np.arange(-settings.reach, settings.reach + 0.5 * _STEP, _STEP, dtype=np.float32)
    height, width = output.matchability.shape
    u, v = (
        (middle[:, axis, None] + (offset * normal[:, axis, None] + 0.5)) * (cells / view.size) - 0.5
        for axis, cells in ((0, width), (1, height))
    )
    level = cv2.remap(output.matchability, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=_BEYOND)
    falls = (level[:, :-1] >= 0.5) & (level[:, 1:] < 0.5)
    row, column = np.arange(len(middle)), falls.argmax(axis=1)
    before, after = level[row, column], level[row, column + 1]
    edge = offset[column] + _STEP * (before - 0.5) / np.maximum(before - after, 1e-6)
    clear = (falls.sum(axis=1) == 1) & (level[:, 0] > settings.inside) & (level[:, -1] < settings.outside)
    clear &= level.min(axis=1) >= 0.0  # beyond the view nothing is known
    shown = view.within_image(middle + offset[-1] * normal)
    return edge, clear if shown is None else clear & shown
