"""What is told of a fitted head, on frames the project renders itself, with the shipped networks."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceTracker, Status
from training.rendering.clip import Truth

Frame = npt.NDArray[np.uint8]


def test_every_field_of_a_tracked_head_is_filled(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    state = tracker.update(clip[0], 0.0, truth.camera)
    model = tracker.model
    assert state.vertices.shape == model.mean.shape
    assert state.landmarks_2d.shape == (68, 2)
    assert state.landmarks_3d.shape == (68, 3)
    np.testing.assert_allclose(truth.camera.project(state.landmarks_3d), state.landmarks_2d, atol=1e-6)
    for array in (state.pose, state.pose_raw, state.covariance, state.landmark_sigma, state.landmark_visibility):
        assert np.isfinite(array).all()
    assert np.linalg.eigvalsh(state.covariance_raw).min() > 0
    assert set(state.expression) == set(model.expression_names)
    assert all(0.0 <= value <= 1.0 for value in state.expression.values())
    assert state.landmark_visible[[30, 36, 45, 48, 54]].all(), "a frontal face shows nose, eyes and mouth"


def test_nothing_is_told_of_a_mouth_that_is_covered(tracker: FaceTracker, clip: list[Frame], truth: Truth) -> None:
    points = tracker.update(clip[0], 0.0, truth.camera).landmarks_2d
    (left, _), (right, bottom) = points.min(axis=0), points.max(axis=0)
    covered = clip[0].copy()
    corners = [(round(left) - 8, round(points[33, 1])), (round(right) + 8, round(bottom) + 20)]
    cv2.rectangle(covered, *corners, (0, 160, 0), cv2.FILLED)
    tracker.reset()
    state = tracker.update(covered, 0.0, truth.camera)
    assert state.status is Status.TRACKING and not state.landmark_visible[48:].any()
    untold = {name for name, value in state.expression.items() if np.isnan(value)}
    assert {"jawOpen", "mouthFunnel", "mouthSmile_L"} <= untold and "browInnerUp" not in untold
