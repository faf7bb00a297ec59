"""Which of the 68 landmarks the camera can see: turned towards it, not hidden by the face itself, matched, and without
doubt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from dense_face_ros.backends import NetworkOutput
from dense_face_ros.energy import median
from dense_face_ros.face_model import FaceModel, Indices, IntArray
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array, cross, lengths

_NEIGHBOURHOOD = 0.008  # metres
_EDGE_ON = 0.05  # cosine between surface and line of sight at which a landmark is seen as often as not
_EDGE_WIDTH = 0.05
_CELLS = 44  # of the depth map per side: about 5 mm on a head
_CENTRES_STEP = 3  # vertices and every third triangle's centre leave no holes in it that matter
_HIDDEN_DEPTH = 0.010  # metres behind the foremost surface at which a landmark is hidden as often as not
_HIDDEN_WIDTH = 0.002
# The jaw line, the lower nose and the mouth: what masks and hands cover. Networks that learned from photographs of
# masks match a face there all the same, but are less sure of where than in the rest of it. Eyes and brows are that
# rest: covered ones are not matched, and those of a turned head's far side are as vague as covered ones.
_COVERABLE = np.isin(np.arange(68), np.r_[0:17, 30:36, 48:68])
# What nothing covers is vaguer too where its surface slants, by _SLANT in log sigma per log of the cosine, which counts
# as no less than _STEEPEST, and along the jaw line, by _JAW_LINE_VAGUER.
_SLANT, _STEEPEST, _JAW_LINE, _JAW_LINE_VAGUER = 0.7, 0.1, slice(0, 17), 0.5
# Log sigma above that of the rest at which a landmark is covered as often as not. Of validation photographs it tells
# 0.76 of the points under things drawn over the lower face, where matchability alone tells 0.14, and hides 2 % of those
# that nothing covers.
_COVERED, _COVERED_WIDTH = 0.5, 0.1
_ENOUGH = 4  # landmarks of the rest, of fewer of which the median tells little


class LandmarkVisibility:
    """Judges the landmarks of ``model``; the neighbourhoods it needs are prepared once."""

    def __init__(self, model: FaceModel) -> None:
        self._model = model
        landmarks, centres = model.at(model.landmarks, model.mean), model.mean[model.triangles].mean(axis=1)
        distance = np.linalg.norm(landmarks[:, None] - centres, axis=2)
        # The rims of lids and lips face anywhere: the normal is that of the surface around the landmark.
        near = (distance <= _NEIGHBOURHOOD) | (distance == distance.min(axis=1, keepdims=True))
        self._edges, self._times, self._first = _boundaries(model.triangles, near)
        self._triangles = model.triangles[::_CENTRES_STEP].T.astype(np.intp, order="C")

    def __call__(self, vertices: Array, output: NetworkOutput, view: FacingView) -> Array:
        """Probability (68,) that each landmark is visible.

        vertices: (V, 3) metres in the camera frame, all in front of the camera; ``output`` of the network on ``view``.
        """
        landmarks = self._model.landmarks_of(vertices)
        facing = self.facing(vertices, landmarks)
        seen = _logistic((facing - _EDGE_ON) / _EDGE_WIDTH)
        cells = _cells(view.seen(landmarks), output.matchability, view)
        told = seen * self.unhidden(vertices, landmarks, facing) * _at(output.matchability, *cells)
        return np.asarray(told * _undoubted(_at(output.log_sigma, *cells), facing, told))

    def facing(self, vertices: Array, landmarks: Array) -> Array:
        """Cosine (68,) between the outward normal and the direction to the camera.

        The normals of a patch, weighted by area, add up to half the sum of p x q along its boundary (Stokes).
        """
        start, end = (vertices.T.take(ends, axis=1).T for ends in self._edges)
        normals = np.add.reduceat(cross(start, end).T * self._times, self._first, axis=1).T
        scale = lengths(normals) * lengths(landmarks)
        return np.asarray(-np.einsum("ij,ij->i", normals, landmarks) / np.maximum(scale, 1e-12))

    def unhidden(self, vertices: Array, landmarks: Array, facing: Array) -> Array:
        """Probability (68,) that no other part of the face lies before each landmark, from a coarse depth map."""
        centres = vertices.T.take(self._triangles, axis=1).sum(axis=1) / 3.0
        points = np.concatenate([vertices.T, centres], axis=1)
        z, plane = points[2], points[:2]
        plane /= z
        low = plane.min(axis=1)
        plane -= low[:, None]
        cell = float(plane.max()) / (_CELLS - 1)
        plane /= cell
        depth = np.full(_CELLS * _CELLS, np.inf)
        np.minimum.at(depth, _flat_index(*plane), z)
        places = (landmarks[:, :2] / landmarks[:, 2:] - low) / cell
        front = depth[_flat_index(*places.clip(0.0, _CELLS - 1.0).T)]
        # A slanting surface is not at one depth throughout a cell.
        slope = np.sqrt(np.maximum(1.0 - facing * facing, 0.0)) / np.maximum(facing, 0.2)
        allowed = _HIDDEN_DEPTH + cell * landmarks[:, 2] * slope
        return _logistic((allowed - (landmarks[:, 2] - front)) / _HIDDEN_WIDTH)


def matched(points: Array, output: NetworkOutput, view: FacingView) -> Array:
    """Matchability (N,) of the cells that camera-frame points (N, 3) project to; 0 outside the view."""
    return matched_at(view.seen(points), output, view)


def matched_at(pixels: Array, output: NetworkOutput, view: FacingView) -> Array:
    """Matchability (N,) of the cells in which view pixels (N, 2) lie; 0 outside the view."""
    return _at(output.matchability, *_cells(pixels, output.matchability, view))


def _cells(
    pixels: Array, field: npt.NDArray[np.floating], view: FacingView
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The flat cell (N,) of a field (h, w) over the view in which each of its pixels (N, 2) lies; and whether it is
    one."""
    height, width = field.shape
    sides = np.array([[width], [height]])
    cells = np.floor((pixels.T + 0.5) * (sides / view.size)).astype(np.intp)
    across, down = (cells >= 0) & (cells < sides)
    return cells[1] * width + cells[0], across & down


def _at(field: npt.NDArray[np.floating], cells: npt.NDArray[np.intp], inside: npt.NDArray[np.bool_]) -> Array:
    """What a field (h, w) says in :func:`_cells`; 0 outside."""
    return np.where(inside, field.reshape(-1).take(cells, mode="clip"), 0.0).astype(np.float64)


def _undoubted(log_sigma: Array, facing: Array, told: Array) -> Array:
    """Probability (68,) that the network's standard deviation at each landmark is that of a face nothing covers.

    facing (68,): cosines; told (68,): probability that each landmark is visible by all else.
    """
    out, rest = np.ones(68), (told >= 0.5) & ~_COVERABLE
    if rest.sum() < _ENOUGH:
        return out
    doubt = log_sigma - median(log_sigma[rest]) + _SLANT * np.log(facing.clip(_STEEPEST, 1.0))
    doubt[_JAW_LINE] -= _JAW_LINE_VAGUER
    out[_COVERABLE] = _logistic((_COVERED - doubt[_COVERABLE]) / _COVERED_WIDTH)
    return out


def _boundaries(triangles: IntArray, patches: npt.NDArray[np.bool_]) -> tuple[Indices, Array, Indices]:
    """The edges along the boundary of one patch after the other: their two vertices (2, E), how often (E,) it runs
    along them, against them counted as -1, and the first edge (P,) of each patch.

    patches: (P, T), the triangles of each, of which none has no boundary.
    """
    directed = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges, index = np.unique(np.sort(directed, axis=1), axis=0, return_inverse=True)
    sign = np.where(directed[:, 0] < directed[:, 1], 1.0, -1.0)
    sides = csr_array((sign, index.ravel(), 3 * np.arange(len(triangles) + 1)), shape=(len(triangles), len(edges)))
    around = csr_array(csr_array(patches.astype(np.float64)) @ sides)  # inner edges are run along both ways
    around.eliminate_zeros()
    return edges[around.indices].T.astype(np.intp, order="C"), around.data, around.indptr[:-1]


def _flat_index(x: Array, y: Array) -> Indices:
    return np.asarray((np.rint(y) * _CELLS + np.rint(x)).astype(np.intp))


def _logistic(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))
