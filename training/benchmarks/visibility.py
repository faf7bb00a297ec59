"""Which true landmarks can be seen, from true 3-D landmarks: the ground truth of the paper's Table 2.

The paper takes it from AFLW2000-3D's own 3-D faces, which need the Basel Face Model. We lay our face model on the 68
true 3-D points instead, ``min |s R S(a) + t - points|^2 + w |a|^2``, and look whether its surface hides them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks.conventions import rotation_between
from training.benchmarks.metrics import INNER

_PRIOR = 0.05  # weight of one standard deviation of a coefficient, against millimetres of landmark distance
_SLACK = 0.004  # metres a surface may lie before a landmark without hiding it: a lid's own fold


def visible_landmarks(model: FaceModel, points: Array) -> npt.NDArray[np.bool_]:
    """(68,) whether no part of the face lies before each landmark.

    Normals are not asked: lids and lips are folds, whose normals at the landmark say little about being seen.

    Args:
        points: (68, 3) true landmarks; x right, y up, z to the viewer (weak perspective: the viewer is at z = inf).
    """
    vertices = _lay_on(model, points)
    corners = vertices[model.triangles]
    landmarks = model.landmarks_of(vertices)
    return np.asarray(_nearest_above(corners, landmarks) <= _SLACK)


def _lay_on(model: FaceModel, points: Array) -> Array:
    """The face model's vertices (V, 3), in metres, turned as the points are and shaped like them."""
    corners = model.triangles[model.landmarks.triangle]
    weights = model.landmarks.weights.astype(np.float64)
    mean = np.einsum("nk,nkc->nc", weights, model.mean[corners].astype(np.float64))
    basis = np.einsum("nk,nkcm->ncm", weights, model.basis[corners].astype(np.float64))
    spread = np.concatenate([np.ones(model.identity_size), model.expression_spread])
    basis = basis * spread
    coefficients = np.zeros(basis.shape[2])
    for _ in range(3):
        shape = mean + basis @ coefficients
        rotation = rotation_between(shape[INNER], points[INNER])
        turned = (points - points[INNER].mean(axis=0)) @ rotation
        own = shape[INNER] - shape[INNER].mean(axis=0)
        turned *= float((turned[INNER] * own).sum() / (turned[INNER] ** 2).sum())
        residual = turned[INNER] - (mean[INNER] - shape[INNER].mean(axis=0))
        rows = basis[INNER].reshape(-1, basis.shape[2]) * 1e3
        normal = rows.T @ rows + _PRIOR * len(rows) * np.eye(basis.shape[2])
        coefficients = np.linalg.solve(normal, rows.T @ (residual.reshape(-1) * 1e3))
    return np.asarray(model.shape(coefficients * spread), dtype=np.float64) @ rotation.T


def _nearest_above(corners: Array, points: Array) -> Array:
    """How far (metres, (N,)) the foremost of triangles (T, 3, 3) lies before each point (N, 3), looking along z."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    area = np.where(np.abs(area) < 1e-14, np.inf, area)
    to_point = points[:, None, :2] - a[None, :, :2]
    along_b = (to_point[..., 0] * (c - a)[:, 1] - to_point[..., 1] * (c - a)[:, 0]) / area
    along_c = ((b - a)[:, 0] * to_point[..., 1] - (b - a)[:, 1] * to_point[..., 0]) / area
    covers = (along_b >= 0) & (along_c >= 0) & (along_b + along_c <= 1) & np.isfinite(area)
    depth = a[:, 2] + along_b * (b - a)[:, 2] + along_c * (c - a)[:, 2]
    return np.asarray(np.where(covers, depth - points[:, 2:], -np.inf).max(axis=1))
