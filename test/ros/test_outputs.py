from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from ros.fake_tracker import make_model, tracked_state
from std_msgs.msg import Header

from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.ros.outputs import Outputs

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()
RATE = 10.0


class Topics:
    """In place of a node: what is published lies in ``sent``, and everybody listens."""

    def __init__(self) -> None:
        self.sent: dict[str, list[Any]] = {}

    def create_lifecycle_publisher(self, kind: type, topic: str, qos: Any) -> Any:
        sent = self.sent.setdefault(topic, [])
        return SimpleNamespace(publish=sent.append, get_subscription_count=lambda: 1)

    def get_logger(self) -> Any:
        return SimpleNamespace(info=lambda text: None)


def markers(stamps: list[float], with_pose: bool = True) -> int:
    """How many marker messages the frames with these stamps give."""
    topics, image = Topics(), np.zeros((480, 640, 3), np.uint8)
    node: Any = topics
    parameters: Any = SimpleNamespace(number=lambda name: RATE)
    outputs = Outputs(node, parameters, MODEL)
    for stamp in stamps:
        outputs.publish_pictures(tracked_state(MODEL, stamp, CAMERA), Header(), image, with_pose)
    return len(topics.sent["markers"])


@pytest.mark.parametrize(("stamps", "wanted"), [([100.0, 100.03, 100.1], 2), ([100.0, 20.0, 20.03], 2)])
def test_markers_keep_their_rate_and_go_on_when_the_clock_goes_back(stamps: list[float], wanted: int) -> None:
    assert markers(stamps) == wanted


def test_without_a_pose_to_publish_there_are_no_markers() -> None:
    assert markers([100.0], with_pose=False) == 0
