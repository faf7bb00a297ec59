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
