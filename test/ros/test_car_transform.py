from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from geometry_msgs.msg import TransformStamped

from dense_face_ros.ros.car_transform import CarTransform


class Buffer:
    """Knows one transform until it is cleared."""

    def __init__(self) -> None:
        self._known = True

    def lookup_transform(self, target_frame: str, source_frame: str, time: Any) -> TransformStamped:
        if not self._known:
            raise LookupError
        return TransformStamped()

    def clear(self) -> None:
        self._known = False


def test_transforms_are_forgotten_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    tf2 = SimpleNamespace(Buffer=Buffer, TransformListener=lambda buffer, node: None, TransformException=LookupError)
    monkeypatch.setitem(sys.modules, "tf2_ros", tf2)
    now = SimpleNamespace()
    node: Any = SimpleNamespace(get_clock=lambda: SimpleNamespace(now=lambda: now))
    car = CarTransform(node, "car")

    def rotation(nanoseconds: int) -> Any:
        now.nanoseconds = nanoseconds
        return car.rotation("camera")

    assert [np.array_equal(rotation(at), np.eye(3)) for at in (10, 10, 11)] == [True] * 3
    assert rotation(5) is None
