"""The demo's clip: its truth is where the picture shows the head."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, yaw_pitch_roll_from_rotation
from training.rendering.clip import HEIGHT, RATE, WIDTH, ClipRenderer, Truth, clip_truth

OPEN, SHUT, LEFT_OPEN, LEFT_SHUT = (round(t * RATE) for t in (0.4, 0.6, 2.9, 2.75))  # frames; the head holds still
EYES, CHIN = slice(36, 48), slice(8, 9)
RIGHT_EYE = slice(36, 42)  # the person's right, which faces the camera when the head is turned to the left


@pytest.fixture(scope="module")
def renderer(shipped_model: FaceModel) -> ClipRenderer:
    return ClipRenderer(shipped_model)


def projected(model: FaceModel, landmarks: slice, frame: int) -> Array:
    """Mean pixel of landmarks of the mean face in its true pose."""
    truth = clip_truth()
    pose = truth.pose[frame]
    points = model.at(model.landmarks, model.mean)[landmarks] @ pose[:3, :3].T + pose[:3, 3]
    return truth.camera.project(points).mean(axis=0)


def changed(renderer: ClipRenderer, first: int, second: int, places: int, chin: Array) -> Array:
    """Mean pixel of the largest places above the chin where two frames differ; below, the head's shadow moves."""
    a, b = (renderer.frame(index).astype(np.float64) for index in (first, second))
    weight = cv2.blur(np.abs(a - b).sum(axis=2), (5, 5))[: round(chin[1])]
    _, _, stats, centres = cv2.connectedComponentsWithStats((weight > 0.3 * weight.max()).astype(np.uint8))
    largest = 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:places]
    return centres[largest].mean(axis=0)


def test_blink_happens_where_the_true_pose_has_the_eyes(renderer: ClipRenderer, shipped_model: FaceModel) -> None:
    for frames, places, lids, tolerance in (((OPEN, SHUT), 2, EYES, 4.0), ((LEFT_OPEN, LEFT_SHUT), 1, RIGHT_EYE, 6.0)):
        found = changed(renderer, *frames, places, projected(shipped_model, CHIN, frames[1]))
        assert np.linalg.norm(found - projected(shipped_model, lids, frames[1])) < tolerance


def test_frame_is_a_camera_image_and_the_same_every_time(renderer: ClipRenderer, shipped_model: FaceModel) -> None:
    frame = renderer.frame(100)
    assert frame.shape == (HEIGHT, WIDTH, 3)
    assert frame.dtype == np.uint8
    assert np.array_equal(frame, ClipRenderer(shipped_model).frame(100))


def test_motion_covers_what_it_promises() -> None:
    truth = clip_truth()
    yaw, pitch, _ = np.degrees([yaw_pitch_roll_from_rotation(pose[:3, :3]) for pose in truth.pose]).T
    assert yaw.max() == pytest.approx(50.0, abs=0.01)
    assert yaw.min() == pytest.approx(-50.0, abs=0.01)
    assert np.ptp(pitch) > 35.0
    assert np.ptp(truth.pose[:, 2, 3]) > 0.3
    assert np.allclose(np.diff(truth.stamp), 1.0 / RATE)


def test_truth_survives_its_file(tmp_path: Path) -> None:
    truth = clip_truth()
    truth.save(tmp_path / "truth.npz")
    loaded = Truth.load(tmp_path / "truth.npz")
    assert loaded.camera == truth.camera
    assert np.array_equal(loaded.stamp, truth.stamp)
    assert np.array_equal(loaded.pose, truth.pose)
