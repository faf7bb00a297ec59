from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.ros.pace import Pace


def taken(stamps: list[float], rate: float) -> int:
    pace, count = Pace(), 0
    for stamp in stamps:
        if pace.due(stamp, rate):
            pace.take(stamp)
            count += 1
    return count


@pytest.mark.parametrize(("camera", "rate", "most"), [(30.0, 10.0, 10), (60.0, 15.0, 15), (25.0, 100.0, 25)])
def test_a_rate_is_kept_however_unsteady_the_stamps_are(camera: float, rate: float, most: int) -> None:
    unsteady = np.random.default_rng(0).uniform(-0.002, 0.002, round(10 * camera))
    assert taken(list(np.arange(len(unsteady)) / camera + unsteady), rate) == pytest.approx(10 * most, abs=2)


def test_a_video_that_begins_anew_is_shown_at_once() -> None:
    assert taken([5.0, 5.01, 0.0, 0.01], 10.0) == 2


def test_what_was_not_published_does_not_count() -> None:
    pace = Pace()
    assert pace.due(1.0, 10.0) and pace.due(1.01, 10.0)
