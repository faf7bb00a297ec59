import numpy as np
import pytest

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.benchmarks.visibility import visible_landmarks

_EYE_IMAGE_LEFT, _EYE_IMAGE_RIGHT = slice(36, 42), slice(42, 48)


def _points(state) -> np.ndarray:
    """Landmarks as labels give them: pixels, y up, z to the viewer, at some scale."""
    return 1500.0 * state.landmarks_3d * (1, -1, -1) + (200.0, 100.0, 3.0)


def test_frontal_face_shows_all_inner_landmarks(model, state_of) -> None:
    assert visible_landmarks(model, _points(state_of(rotation_from_yaw_pitch_roll([0, 0, 0]))))[17:].all()


@pytest.mark.parametrize(
    ("yaw", "hidden", "seen"),
    [(70.0, _EYE_IMAGE_RIGHT, _EYE_IMAGE_LEFT), (-70.0, _EYE_IMAGE_LEFT, _EYE_IMAGE_RIGHT)],
)
def test_profile_hides_the_far_eye(model, state_of, yaw: float, hidden: slice, seen: slice) -> None:
    visible = visible_landmarks(model, _points(state_of(rotation_from_yaw_pitch_roll([np.radians(yaw), 0, 0]))))
    assert visible[seen].all() and visible[hidden].mean() <= 0.5
    assert visible[27:31].all(), "the ridge of the nose"
