from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from dense_face_ros.ros.vehicle_speed import VehicleSpeed


@pytest.mark.parametrize(
    ("told", "now", "known"),
    [(12.0, 11.9, 12.0), (12.0, 12.1, None), (12.0, 7.9, None), (math.nan, 10.0, None), (-3.0, 10.0, -3.0)],
    ids=["lately", "long ago", "before time began anew", "said to be unknown", "backwards"],
)
def test_a_speed_stands_for_two_seconds(told: float, now: float, known: float | None) -> None:
    speed = VehicleSpeed()
    assert speed.at(10.0) is None
    speed.tell(SimpleNamespace(data=told), 10.0)
    assert speed.at(now) == known


def test_a_speed_grows_old_while_the_clock_stands_still() -> None:
    """As of a bag that is paused, or of /clock that nobody publishes yet."""
    speed = VehicleSpeed()
    speed.tell(SimpleNamespace(data=0.0), 10.0, 500.0)
    assert [speed.at(10.5, 500.5 + late) for late in (0.0, 1.9, 2.1)] == [0.0, 0.0, None]
    assert speed.at(10.6, 503.0) == 0.0, "the clock goes on"
    speed.tell(SimpleNamespace(data=3.0), 10.6, 505.5)
    assert [speed.at(10.6, 505.5 + late) for late in (0.0, 2.1)] == [3.0, None], "told while it stands"


def test_a_slow_clock_stands_not() -> None:
    speed = VehicleSpeed()
    speed.tell(SimpleNamespace(data=3.0), 10.0, 500.0)
    assert [speed.at(10.0 + 0.1 * i, 500.0 + i) for i in range(1, 22)] == [*[3.0] * 20, None]
