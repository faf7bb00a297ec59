"""Laying our mesh on the mean face of a published model, so that the model's statistics can be read off on it.

Three steps: a rigid motion by published landmarks or eyeballs; our own model fitted to the surface, which brings every
feature near its counterpart; then a smooth displacement d of each vertex that takes the rest:

    sum_i w_i |x_i + d_i - foot_i|^2 + pull sum_m |landmark_m(x + d) - published_m|^2
        + stiffness sum_edges |d_i - d_j|^2

with feet found anew and less stiffness each round.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.linalg import splu

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_vector
from dense_face_ros.head_size import eyeballs
from training.face_models.decimation import Array, IntArray
from training.face_models.landmarks import similarity
from training.face_models.source import SourceModel
from training.face_models.surface import Feet, Surface

_FEWEST_MARKS = 6
_SIZES = (0.75, 1.3)  # believable size of a mean face relative to ours
_ROUNDS = 12
_REACH = np.linspace(0.02, 0.006, _ROUNDS)  # metres: feet further away pull no longer
_SURFACE_SIGMA, _MARK_SIGMA = 0.006, 0.002  # metres; the surface's thousands of points are not independent
_STIFFNESS = (100.0, 30.0, 10.0, 3.0, 1.0, 1.0)
_PULL = 2.0
_ON_SURFACE = 0.003  # metres: a vertex that ends further away is not on the source's surface


@dataclass(frozen=True)
class Registration:
    """Our mesh on a source's mean face.

    Attributes:
        rotation, shift: (3, 3) and (3,), source -> our head frame, no scale.
        fitted: (V, 3) the second step's shape: our own model's nearest person, eyeballs included.
        vertices: (V, 3) our vertices there, our head frame.
        feet: their nearest points on the source's surface.
        supported: (V,) bool, vertices that lie on it; the others (eyeballs, ears that are missing) do not.
        size: the source's mean face relative to ours.
    """

    rotation: Array
    shift: Array
    fitted: Array
    vertices: Array
    feet: Feet
    supported: npt.NDArray[np.bool_]
    size: float

    def moved(self, by: Array) -> Registration:
        """The same with the head frame's origin at ``-by`` (3,) of what it was."""
        feet = replace(self.feet, points=self.feet.points + by)
        return replace(self, shift=self.shift + by, fitted=self.fitted + by, vertices=self.vertices + by, feet=feet)

    def place(self, points: Array) -> Array:
        """Points (N, 3) of the source's mean face -> our head frame."""
        return points @ self.rotation.T + self.shift


def register(model: FaceModel, source: SourceModel) -> Registration:
    """Lay ``model``'s mesh on ``source``'s mean face.

    Raises:
        ValueError: the source has neither landmarks nor eyeballs to start from, or is of no human size.
    """
    rotation, shift, size = _start(model, source)
    if not _SIZES[0] < size < _SIZES[1]:
        raise ValueError(f"{source.name}: the mean face is {size:.3g} times the size of ours; is it in other units?")
    index = np.array(sorted(source.marks), dtype=np.int64)
    published = np.array([source.marks[int(i)] for i in index]).reshape(-1, 3)
    skin = ~np.logical_or(*eyeballs(model))
    at_marks = landmark_matrix(model)[index]

    shape = model.mean.astype(np.float64)
    basis = model.identity_basis.astype(np.float64)
    prior = np.diag([*np.ones(len(basis)), *np.zeros(6)])
    for reach in _REACH:
        surface = Surface(source.mean @ rotation.T + shift, source.triangles)
        feet = surface.feet(shape, model.normals(shape))
        held = skin & feet.agrees & ~feet.on_rim & (feet.distance < reach)
        if held.sum() < 100:
            raise ValueError(f"{source.name}: only {held.sum()} of our vertices find the surface; is it a face?")
        # Our person's shape and a small motion together: a nod must not be explained by a shape.
        turns, shifts = np.cross(np.eye(3)[:, None], shape), np.repeat(np.eye(3)[:, None], len(shape), axis=1)
        columns = np.concatenate([basis, turns, shifts])
        normals = model.normals(shape)[held].astype(np.float64)
        along = np.einsum("kvd,vd->vk", columns[:, held], normals) / _SURFACE_SIGMA
        gap = np.einsum("vd,vd->v", feet.points[held] - model.mean[held], normals) / _SURFACE_SIGMA
        at = (at_marks @ columns.transpose(1, 2, 0).reshape(len(shape), -1)).reshape(-1, len(columns)) / _MARK_SIGMA
        wanted = (published @ rotation.T + shift - at_marks @ model.mean).ravel() / _MARK_SIGMA
        rows, right = np.concatenate([along, at]), np.concatenate([gap, wanted])
        found = np.linalg.solve(rows.T @ rows + prior, rows.T @ right)
        shape = model.mean + np.tensordot(found[: len(basis)], basis, 1)
        back = rotation_from_vector(-found[-6:-3])
        rotation, shift = back @ rotation, back @ (shift - found[-3:])

    surface = Surface(source.mean @ rotation.T + shift, source.triangles)
    targets = published @ rotation.T + shift
    vertices = _bend(model, surface, shape, skin, at_marks, targets)
    feet = surface.feet(vertices, model.normals(vertices))
    supported = skin & feet.agrees & ~feet.on_rim & (feet.distance < _ON_SURFACE)
    return Registration(rotation, shift, shape, vertices, feet, supported, size)


def landmark_matrix(model: FaceModel) -> sparse.csr_matrix:
    """(68, V): per-vertex values -> values at the landmarks."""
    rows = np.repeat(np.arange(68), 3)
    columns, weights = model.triangles[model.landmarks.triangle].ravel(), model.landmarks.weights.ravel()
    return sparse.csr_matrix((weights.astype(np.float64), (rows, columns)), (68, len(model.mean)))


def graph_laplacian(triangles: IntArray, count: int) -> sparse.csr_matrix:
    """(V, V) of the mesh's edges: d' L d = sum over edges of |d_i - d_j|^2."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    link = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (count, count))
    both = (link + link.T).tocsr()
    return sparse.diags(np.asarray(both.sum(axis=1)).ravel()).tocsr() - both


def _start(model: FaceModel, source: SourceModel) -> tuple[Array, Array, float]:
    """Rotation, shift and size of the source by its landmarks, or by its eyeballs and the axes it is drawn in."""
    if len(source.marks) >= _FEWEST_MARKS:
        index = sorted(source.marks)
        ours = model.at(model.landmarks, model.mean)[index].astype(np.float64)
        theirs = np.array([source.marks[i] for i in index])
        scale, rotation, _ = similarity(theirs, ours)
        return rotation, ours.mean(axis=0) - rotation @ theirs.mean(axis=0), 1.0 / scale
    if source.eyes is None:
        raise ValueError(f"{source.name}: {len(source.marks)} landmarks are known, {_FEWEST_MARKS} are needed")
    left, right = (model.mean[mask].mean(axis=0) for mask in eyeballs(model))
    size = float(np.linalg.norm(source.eyes[0] - source.eyes[1]) / np.linalg.norm(left - right))
    return np.eye(3), -source.eyes.mean(axis=0), size  # our origin is the middle between the balls' centres


def _bend(
    model: FaceModel,
    surface: Surface,
    shape: Array,
    skin: npt.NDArray[np.bool_],
    at_marks: sparse.csr_matrix,
    targets: Array,
) -> Array:
    """The third step: (V, 3) of ``shape`` displaced smoothly onto the surface."""
    smooth = graph_laplacian(model.triangles, len(shape))
    pull = _PULL * (at_marks.T @ at_marks)
    vertices = shape
    for stiffness in _STIFFNESS:
        feet = surface.feet(vertices, model.normals(vertices))
        held = skin & feet.agrees & ~feet.on_rim & (feet.distance < _REACH[-1])
        weight = sparse.diags(held.astype(np.float64))
        # The small diagonal keeps parts that nothing holds, such as eyeballs, where they are.
        matrix = (weight + pull + stiffness * smooth + 1e-6 * sparse.identity(len(shape))).tocsc()
        right = weight @ (feet.points - shape) + _PULL * (at_marks.T @ (targets - at_marks @ shape))
        vertices = shape + splu(matrix).solve(right)
    return vertices
