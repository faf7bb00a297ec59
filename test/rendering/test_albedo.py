from __future__ import annotations

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.rendering.albedo import EyePainter
from training.rendering.head_mesh import HeadMesh
from training.rendering.rasteriser import rasterise

SIZE, FOCAL = 400, 900.0


def eye_outside_the_lids(head: HeadMesh, face: np.ndarray, rotation: np.ndarray, set_back: bool) -> int:
    """How many pixels show an eyeball more than two pixels outside the outlines of the lids."""
    eyes, place = EyePainter(head), np.array([0.0, 0.0, 0.6], np.float32)
    points = (head.vertices(face, np.eye(3), 1.0) @ rotation.T).astype(np.float32) + place
    marks = head.model.landmarks_of(face)[36:48] @ rotation.T + place
    offset = np.float32(0.5 * SIZE) - FOCAL * (marks[:, :2] / marks[:, 2:]).mean(axis=0)
    pixels = FOCAL * points[:, :2] / points[:, 2:] + offset
    depth = eyes.set_back(points[:, 2]) if set_back else points[:, 2]
    index = rasterise(pixels, depth, head.triangles, SIZE).index
    shown = (index >= 0) & eyes.triangles[index]
    between = np.zeros((SIZE, SIZE), np.uint8)
    rims = np.rint(FOCAL * marks[:, :2] / marks[:, 2:] + offset).astype(np.int32)
    for rim in (rims[:6], rims[6:]):
        cv2.fillPoly(between, [rim], 1)
        cv2.polylines(between, [rim], True, 1, 5)
    return int((shown & (between == 0)).sum())


@pytest.mark.parametrize("pitch", [0.0, -0.35, 0.45])
def test_eyeballs_are_not_seen_through_closing_lids(shipped_model: FaceModel, pitch: float) -> None:
    head, rotation = HeadMesh(shipped_model), rotation_from_yaw_pitch_roll((0.0, pitch, 0.0))
    coefficients = np.zeros(shipped_model.basis.shape[2], np.float32)
    people = np.random.default_rng(0).normal(0.0, 1.0, (23, shipped_model.identity_size))
    coefficients[: shipped_model.identity_size] = people[22]  # of the first sixty the one whose lids are pierced most
    for i, name in enumerate(shipped_model.expression_names):
        if name.startswith("eyeBlink"):
            coefficients[shipped_model.identity_size + i] = 0.8
    face = shipped_model.shape(coefficients)
    assert eye_outside_the_lids(head, face, rotation, set_back=False) > 30
    assert eye_outside_the_lids(head, face, rotation, set_back=True) < 3


def test_open_eyes_are_seen_as_before(shipped_model: FaceModel) -> None:
    head, eyes = HeadMesh(shipped_model), EyePainter(HeadMesh(shipped_model))
    points = (head.mean @ rotation_from_yaw_pitch_roll((0.0, 0.0, 0.0)).T).astype(np.float32) + (0.0, 0.0, 0.6)
    pixels = FOCAL * points[:, :2] / points[:, 2:] + 0.5 * SIZE
    seen = []
    for depth in (points[:, 2], eyes.set_back(points[:, 2])):
        index = rasterise(pixels, depth, head.triangles, SIZE).index
        seen.append(int(((index >= 0) & eyes.triangles[index]).sum()))
    assert seen[0] > 500 and seen[1] == pytest.approx(seen[0], rel=0.02)
