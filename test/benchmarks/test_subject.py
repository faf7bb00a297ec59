from dataclasses import replace

import numpy as np
import pytest

from dense_face_ros.geometry import FACING_CAMERA
from training.benchmarks import subject
from training.benchmarks.metrics import box_of, box_size


def test_stand_in_is_the_upright_mean_face_in_the_box(model) -> None:
    box = (100.0, 50.0, 200.0, 170.0)
    found = subject.stand_in(model, box)
    assert found.failed and not found.visible.any()
    own = box_of(found.landmarks)
    assert box_size(own) == pytest.approx(box_size(box), rel=1e-6)
    assert np.allclose(0.5 * (own[:2] + own[2:]), (150.0, 110.0))
    assert found.landmarks[36, 0] < found.landmarks[45, 0], "the person's right eye is on the image's left"
    assert found.landmarks[27, 1] < found.landmarks[8, 1], "brows above the chin"


def test_tracked_state_is_scored_as_it_is(model, state_of) -> None:
    state = state_of(FACING_CAMERA)
    found = subject.scored(state, model, (0, 0, 1, 1))
    assert not found.failed and np.array_equal(found.landmarks, state.landmarks_2d)


def test_state_without_a_head_or_with_unknown_landmarks_is_a_failure(model, state_of, lost) -> None:
    assert subject.scored(lost, model, (0, 0, 9, 9)).failed
    holes = state_of(FACING_CAMERA)
    assert subject.scored(replace(holes, landmarks_2d=np.full((68, 2), np.nan)), model, (0, 0, 9, 9)).failed


def test_the_middle_of_an_image_is_half_as_wide_and_high() -> None:
    assert subject.middle_box(np.zeros((100, 200, 3), np.uint8)) == (50.0, 25.0, 150.0, 75.0)
