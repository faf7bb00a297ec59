"""The pose error and the attention that the demo reports."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from demo.report import attention_summary, pose_error
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.geometry import Array, rotation_from_yaw_pitch_roll


def pose(yaw: float = 0.0, roll: float = 0.0, z: float = 0.6) -> Array:
    out = np.eye(4)
    out[:3, :3] = rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, roll]))
    out[2, 3] = z
    return out


def test_errors_belong_to_their_frames() -> None:
    true = np.stack([pose(0), pose(10), pose(20), pose(30)])
    found = {300: pose(21, z=0.61), 100: pose(3), 400: pose(30, roll=-4)}  # frame 1 was not answered
    error = pose_error(found, [100, 200, 300, 400], true)
    assert error["yaw"] == pytest.approx({"mean": 4 / 3, "median": 1.0})
    assert error["roll"] == pytest.approx({"mean": 4 / 3, "median": 0.0})
    assert error["rotation"] == pytest.approx({"mean": 8 / 3, "median": 3.0})
    assert error["position"] == pytest.approx({"mean": 10 / 3, "median": 0.0})


def test_half_a_turn_is_not_more_than_it_is() -> None:
    error = pose_error({1: pose(-179)}, [1], np.stack([pose(179)]))
    assert error["yaw"]["mean"] == pytest.approx(2.0)


@pytest.mark.parametrize(("stamps", "reason"), [([1], "1 frames were announced, 2"), ([7, 8], "no pose belongs")])
def test_poses_that_cannot_be_told_apart_are_refused(stamps: list[int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        pose_error({1: pose()}, stamps, np.stack([pose(), pose()]))


def judged(stamp: float, state: State) -> Attention:
    return Attention(stamp, state, "", stamp, "road", 0.0, 10.0, 0.0, 0.0, "", None)


def test_alarms_are_told_once_and_only_of_what_was_played() -> None:
    states = [
        State.UNKNOWN, State.SLEEP, State.ATTENTIVE, State.LONG_DISTRACTION, State.UNKNOWN, State.LONG_DISTRACTION,
        State.UNRESPONSIVE, State.ATTENTIVE, State.LONG_DISTRACTION, State.SLEEP,
    ]  # fmt: skip
    told = attention_summary([judged(10.0 + i, state) for i, state in enumerate(states)], 12.0, 18.0)
    assert told["alarms"] == [["long_distraction", 1.0], ["unresponsive", 4.0], ["long_distraction", 6.0]]
    assert told["share"] == pytest.approx(
        {"long_distraction": 3 / 7, "attentive": 2 / 7, "unknown": 1 / 7, "unresponsive": 1 / 7}
    )
    assert attention_summary([], 0.0, 1.0) == {"share": {}, "alarms": []}
