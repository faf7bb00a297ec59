"""How a photograph's head is shown: as it is or turned out of plane, and mirrored as often as not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import (
    Array,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    yaw_pitch_roll_from_rotation,
)
from training.photographs.heads import LabelledHead

_RESHAPED = 0.5  # standard deviations by which the shape of a photograph's head is changed where it is turned


@dataclass(frozen=True)
class View:
    """A photograph's head as it is shown.

    Attributes:
        head: as it is, mirrored perhaps.
        turned, pixels: (V, 3) and (V, 2) where its vertices went, reshaped where they were turned.
        rotation: (3, 3) camera <- head, as shown.
        turn: (3, 3) camera-frame rotation that led there; None where the head is as it was.
    """

    head: LabelledHead
    turned: Array
    pixels: Array
    rotation: Array
    turn: Array | None


def shown(model: FaceModel, rng: np.random.Generator, head: LabelledHead, turned: bool) -> View:
    """A random view of a head."""
    if rng.random() < 0.5:
        head = _mirrored(model, head)
    if not turned:
        return View(head, head.points, head.pixels, head.rotation, None)
    turn = draw_turn(rng, head.rotation, head.widest)
    middle = head.points.mean(axis=0)
    moved = (_reshaped(model, rng, head) - middle) @ turn.T + middle
    pixels = moved[:, :2] * (head.focal / moved[:, 2:]) + head.principal_point
    return View(head, moved, pixels, turn @ head.rotation, turn)


def _reshaped(model: FaceModel, rng: np.random.Generator, head: LabelledHead) -> Array:
    """The head's vertices (V, 3) with the shape of somebody else who looks much like it: few people make many."""
    away = _RESHAPED * rng.standard_normal(model.identity_size)
    change = model.basis[:, :, : model.identity_size] @ away.astype(np.float32)
    return np.asarray(head.points + change @ head.rotation.T)


def _mirrored(model: FaceModel, head: LabelledHead) -> LabelledHead:
    photograph = np.ascontiguousarray(head.photograph[:, ::-1])
    points = (head.points * [-1.0, 1.0, 1.0])[model.mirror]
    pixels = np.column_stack([photograph.shape[1] - 1 - head.pixels[:, 0], head.pixels[:, 1]])[model.mirror]
    rotation = mirrored_rotation(head.rotation)
    return replace(head, photograph=photograph, points=points, pixels=pixels, rotation=rotation)


def mirrored_rotation(rotation: Array) -> Array:
    """camera <- head (3, 3) of the mirror image."""
    return np.asarray(np.diag([-1.0, 1.0, 1.0]) @ rotation @ np.diag([1.0, -1.0, 1.0]))


def draw_turn(rng: np.random.Generator, rotation: Array, widest: float = 95.0) -> Array:
    """A camera-frame rotation (3, 3) to a new pitch and a new yaw, up to ``widest`` degrees and mostly further to the
    side that the head faces already."""
    yaw, pitch, roll = yaw_pitch_roll_from_rotation(rotation)
    side = np.sign(yaw) if abs(yaw) > np.radians(8) and rng.random() < 0.85 else rng.choice([-1.0, 1.0])
    new_yaw = side * np.radians(rng.uniform(5.0, widest))
    # Photographs hardly show faces from below or above; half of the turns go there.
    if rng.random() < 0.5:
        new_pitch = np.radians(rng.uniform(-50.0, 45.0))
    else:
        new_pitch = np.clip(pitch + np.radians(14.0 * rng.standard_normal()), np.radians(-45), np.radians(55))
    goal = rotation_from_yaw_pitch_roll((new_yaw, new_pitch, roll))
    tilt = rotation_from_vector((0.0, 0.0, np.radians(8.0 * rng.standard_normal())))
    return np.asarray(tilt @ goal @ rotation.T)
