"""What the attention node tells of messages that do not come, or cannot be used."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped, Quaternion
from ros.processes import Observer
from ros.scripted_driver import MOUNTED, NODE, ROAD, Driver, value

from dense_face_ros.ros.attention_diagnostics import AttentionReport, Received, attention_diagnostics

ACTIVE = AttentionReport("active", "/head_pose", "/expression", received=Received(15, 15, 15, 15))
NO_COVARIANCE = "head_pose has no valid covariance"


@pytest.mark.parametrize(
    ("received", "warning"),
    [
        (Received(15, 15, 15, 15), ""),
        (Received(0, 15, 0, 15), ""),  # nobody sits there
        (Received(0, 0, 0, 0), "nothing received on /head_pose and /expression"),
        (Received(15, 0, 0, 15), "nothing received on /expression: eyes are not seen"),
        (Received(0, 15, 15, 13), "nothing received on /head_pose, though /expression tells of a head"),
        (Received(15, 15, 15, 0), "the stamps on /head_pose and /expression do not advance"),
        (Received(0, 1, 1, 0), ""),  # its pose is on the way
        (Received(1, 0, 0, 1), ""),
        (
            Received(15, 15, 15, 15, Counter({NO_COVARIANCE: 4, "another": 1})),
            f"poses of 5 of 15 frames cannot be used: {NO_COVARIANCE}",
        ),
        (Received(30, 30, 30, 30, Counter({NO_COVARIANCE: 1})), ""),
    ],
)
def test_what_comes_is_judged(received: Received, warning: str) -> None:
    status = attention_diagnostics(replace(ACTIVE, received=received), "attention")
    expected = (DiagnosticStatus.WARN, warning) if warning else (DiagnosticStatus.OK, "active")
    assert (status.level, status.message) == expected
    assert value(status, "head_pose_rate_hz") == f"{received.poses:.3f}"
    assert value(status, "expression_rate_hz") == f"{received.expressions:.3f}"
    inactive = attention_diagnostics(replace(ACTIVE, received=received, lifecycle="inactive"), "attention")
    assert (inactive.level, inactive.message) == (DiagnosticStatus.OK, "inactive")


def test_a_speed_that_does_not_come_is_told_on_diagnostics() -> None:
    report = replace(ACTIVE, speed_source="car/speed")
    status = attention_diagnostics(report, "attention")
    assert status.level == DiagnosticStatus.WARN
    assert status.message == "no speed on car/speed: the strictest thresholds hold"
    for silent in (replace(report, speed=3.0), replace(report, speed_source=""), replace(report, lifecycle="inactive")):
        assert attention_diagnostics(silent, "attention").level == DiagnosticStatus.OK


def test_all_that_is_wrong_is_told() -> None:
    status = attention_diagnostics(replace(ACTIVE, speed_source="car/speed", clock_stands=True), "attention")
    assert status.message.startswith("the clock stands still") and "; no speed on car/speed" in status.message


def test_topics_that_are_silent_and_poses_that_are_of_no_use(start: Any, observer: Observer, driver: Driver) -> None:
    told: list[DiagnosticArray] = observer.collect(DiagnosticArray, "/diagnostics")
    start(*NODE, *MOUNTED, "-p", "max_silence:=5.0")
    driver.activate()
    sent_at, underway = 0.0, deque[PoseWithCovarianceStamped]()

    def expect(send: Callable[[], None], diagnosis: str, state: str) -> None:
        """What is said while frames are sent as ``send`` does."""

        def said() -> bool:
            nonlocal sent_at
            if time.monotonic() >= sent_at + 0.03:
                sent_at, driver.now = time.monotonic(), round(driver.now + 1 / 30, 6)
                send()
            return bool(told) and diagnosis in told[-1].status[0].message and driver.said[-1].message.startswith(state)

        told.clear()
        observer.wait_until(said, f"{diagnosis}; {state}")
        level = DiagnosticStatus.OK if diagnosis == "active" else DiagnosticStatus.WARN
        assert told[-1].status[0].level == level

    def pose_alone() -> None:
        driver.poses.publish(driver.pose(ROAD))

    def expression_alone() -> None:
        driver.expressions.publish(driver.expression(0.95))

    def late_pose() -> None:
        expression_alone()
        underway.append(driver.pose(ROAD))
        if len(underway) > 3:
            driver.poses.publish(underway.popleft())

    def no_covariance() -> None:
        pose = driver.pose(ROAD)
        pose.pose.covariance = [0.0] * 36
        driver.poses.publish(pose)
        expression_alone()

    def no_quaternion() -> None:
        pose = driver.pose(ROAD)
        pose.pose.pose.orientation = Quaternion(x=0.0, y=0.0, z=0.0, w=0.0)
        driver.poses.publish(pose)
        expression_alone()

    expect(pose_alone, "nothing received on /expression", "attentive")
    expect(
        expression_alone,
        "nothing received on /head_pose, though /expression tells of a head",
        "unknown: expression tells of a head, head_pose does not",
    )
    for send, flaw in (
        (late_pose, "head_pose comes later than expression"),
        (no_covariance, NO_COVARIANCE),
        (no_quaternion, "the orientation of head_pose is no unit quaternion"),
    ):
        expect(send, f"cannot be used: {flaw}", f"unknown: {flaw}")
    expect(lambda: driver.send(ROAD), "active", "attentive")
    expect(lambda: driver.send(None), "active", "unknown: no head pose")
