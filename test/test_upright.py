"""Cameras that are mounted on their side or head."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros import FaceTracker, TrackerSettings
from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.geometry import vector_from_rotation
from dense_face_ros.head_state import Status
from dense_face_ros.upright import ROTATIONS, UprightFinder

#: What brings an image to where a turn by so many degrees clockwise makes it upright again.
_AWAY = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
#: Axes of the upright image's camera in that of the turned one.
_AXES = {
    90: np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
    180: np.diag([-1.0, -1.0, 1.0]),
    270: np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
}


def turned_away(pixels: np.ndarray, clockwise: int, width: int, height: int) -> np.ndarray:
    """Pixels (N, 2) of the upright image (width x height) in the one that a turn makes upright."""
    u, v = pixels.T
    columns = {90: (v, width - 1 - u), 180: (width - 1 - u, height - 1 - v), 270: (height - 1 - v, u)}
    return np.column_stack(columns[clockwise])


@pytest.mark.parametrize("clockwise", ROTATIONS[1:])
def test_boxes_and_rolls_are_told_in_the_image_as_it_came(clockwise: int) -> None:
    """The stand-in for a finder tells where the brightest pixel of the upright image is."""

    def find(image: np.ndarray) -> list[FaceCandidate]:
        v, u = np.unravel_index(image.argmax(), image.shape)
        return [FaceCandidate((u - 3.0, v - 1.0, u + 3.0, v + 1.0), 0.9, 0.1), FaceCandidate((0, 0, 9, 9), 0.3, np.nan)]

    finder: Any = SimpleNamespace(find=find, find_closer=find, metadata={})
    upright = np.zeros((40, 60), np.uint8)
    upright[10, 50] = 255
    image = cv2.rotate(upright, _AWAY[clockwise])
    for found, unknown in (
        UprightFinder(finder, clockwise).find(image),
        UprightFinder(finder, clockwise).find_closer(image),
    ):
        corners = turned_away(np.array([[47.0, 9.0], [53.0, 11.0]]), clockwise, 60, 40)
        assert found.box == (*corners.min(axis=0), *corners.max(axis=0))
        assert found.roll == pytest.approx(0.1 - np.radians(clockwise))
        assert unknown.roll == pytest.approx(-np.radians(clockwise)), "upright as far as one knows"


@pytest.mark.parametrize("clockwise", ROTATIONS[1:])
def test_a_head_is_tracked_through_a_turned_camera(
    tracker: FaceTracker, clip: list[np.ndarray], clockwise: int
) -> None:
    height, width = clip[0].shape[:2]
    turning = FaceTracker(TrackerSettings(image_rotation=clockwise))
    tracker.reset()
    for i, frame in enumerate(clip[:5]):
        image = cv2.rotate(frame, _AWAY[clockwise])
        found, expected = turning.update(image, 0.1 * i), tracker.update(frame, 0.1 * i)
        assert found.status is Status.TRACKING
        there = turned_away(expected.landmarks_2d, clockwise, width, height)
        size = np.linalg.norm(np.ptp(there, axis=0))
        assert np.linalg.norm(found.landmarks_2d - there, axis=1).mean() < 0.02 * size
        turn = found.pose[:3, :3] @ expected.pose[:3, :3].T @ _AXES[clockwise].T
        assert np.degrees(np.linalg.norm(vector_from_rotation(turn))) < 3.0
    assert turning.fit(image).status is Status.TRACKING
    turning.close()


@pytest.mark.parametrize(("clockwise", "camera_roll"), [(90, -90), (180, 180), (270, 90)])
def test_the_attention_nodes_camera_roll_of_such_a_camera(clockwise: int, camera_roll: float) -> None:
    upright = camera_mounting(10.0, 5.0, camera_roll) @ _AXES[clockwise]
    assert upright == pytest.approx(camera_mounting(10.0, 5.0, 0.0), abs=1e-12)


def test_other_angles_are_refused() -> None:
    with pytest.raises(ValueError, match="image_rotation is 45; it must be 0, 90, 180 or 270 degrees"):
        TrackerSettings(image_rotation=45)
