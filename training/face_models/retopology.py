"""A published model's statistics on our mesh: everything that works with the shipped face model works with the result.

Triangles, regions, mirror map and the template's layout are those of our mesh. The 68 landmarks are too, unless the
source publishes all 68 itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.head_size import eyeballs
from training.face_models import landmarks
from training.face_models.decimation import Array
from training.face_models.learn import IDENTITY_MODES, principal_modes, unroll, without_turns
from training.face_models.registration import Registration, register
from training.face_models.source import SourceModel
from training.face_models.surface import Surface
from training.face_models.transfer import Transfer


def on_our_mesh(source: SourceModel, ours: FaceModel) -> tuple[FaceModel, Registration]:
    """``source`` as a face model on the mesh of ``ours``, and how the two were laid on each other.

    A source without expressions takes those of ``ours``: a tracker cannot do without.
    """
    found = register(ours, source)
    carry = Transfer(ours, found, source.triangles)
    mean, balls = carry.mean(), eyeballs(ours)
    if carry.ball.any():
        centre = np.mean([(mean[ball] - ours.mean[ball]).mean(axis=0) for ball in balls], axis=0)
        mean, found = mean - centre, found.moved(-centre)
    turn = found.rotation.T.astype(np.float32)
    identity, motion = carry.identity(source.identity_modes @ turn)
    modes = principal_modes(identity - motion[:, None], min(IDENTITY_MODES, len(identity)))
    expressions, names = ours.expression_basis.astype(np.float64), ours.expression_names
    spread = ours.expression_spread.astype(np.float64)
    if len(source.expressions):
        expressions, names = carry.skin(source.expressions @ turn), source.expression_names
        spread = source.expression_spread
    albedo = ours.albedo.astype(np.float64)
    if source.colour is not None:
        albedo = np.where(carry.ball[:, None], albedo, np.clip(carry.skin(source.colour), 0.0, 1.0))
    marks = ours.landmarks
    if len(source.marks) == len(marks):
        marks = _drop(ours, mean, found.place(np.array([source.marks[i] for i in range(len(marks))])))
    template = unroll(mean)
    at_marks = (template[ours.triangles[marks.triangle]] * marks.weights[:, :, None]).sum(axis=1)
    contour = landmarks.contour_candidates(template, at_marks[:17], at_marks[33], ~carry.ball)
    model = replace(
        ours,
        mean=mean.astype(np.float32),
        identity_basis=without_turns(modes, mean).astype(np.float32),
        expression_basis=expressions.astype(np.float32),
        expression_names=names,
        expression_spread=spread.astype(np.float32),
        landmarks=marks,
        contour_candidates=contour,
        template_coordinates=template.astype(np.float32),
        albedo=albedo.astype(np.float32),
        source=f"{source.name}, on the mesh of: {ours.source}",
        licence=f"{source.licence} The mesh: {ours.licence}",
    )
    return model, found


def _drop(ours: FaceModel, mean: Array, points: Array) -> SurfacePoints:
    """The 68 points (68, 3) on the skin, each on the side that our landmark is on: the lips' inner ones touch."""
    ball = np.logical_or(*eyeballs(ours))
    skin = np.flatnonzero(~ball[ours.triangles].any(axis=1))
    feet = Surface(mean, ours.triangles[skin]).feet(points, ours.at(ours.landmarks, ours.normals(mean)))
    return SurfacePoints(skin[feet.triangle].astype(np.int32), feet.weights.astype(np.float32))
