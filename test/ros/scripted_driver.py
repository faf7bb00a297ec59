"""Scripted frames for an attention node in a process of its own, and what it says to them."""

from __future__ import annotations

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros.processes import Observer
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.geometry import FACING_CAMERA, quaternion_from_rotation, rotation_from_yaw_pitch_roll

NODE = ("-m", "dense_face_ros.ros.attention_node", "--ros-args")
LATCHED = QoSProfile(depth=20, durability=DurabilityPolicy.TRANSIENT_LOCAL)
MOUNTED = ("-p", "mounting:=parameters")
ROAD, LAP = (0.0, 0.0), (5.0, 35.0)
START = 1000.0


def value(status: DiagnosticStatus, key: str) -> str:
    return next(pair.value for pair in status.values if pair.key == key)


class Driver:
    """Publishes what a tracker would, and sees what the node says."""

    def __init__(self, observer: Observer) -> None:
        self.observer, node = observer, observer.node
        self.poses = node.create_publisher(PoseWithCovarianceStamped, "head_pose", 10)
        self.expressions = node.create_publisher(JointState, "expression", 10)
        self.said: list[DiagnosticStatus] = observer.collect(DiagnosticStatus, "attention", LATCHED)
        self.events: list[DiagnosticStatus] = observer.collect(DiagnosticStatus, "attention/events", LATCHED)
        self.now = START
        self.mounting = camera_mounting(0.0, 0.0, 0.0)  # car <- camera

    def activate(self) -> None:
        assert self.observer.change_state("configure", "/attention")
        assert self.observer.change_state("activate", "/attention")
        ready = lambda: self.poses.get_subscription_count() and self.expressions.get_subscription_count()  # noqa: E731
        self.observer.wait_until(ready, "the attention node subscribes")
        self.wait_for("unknown")

    def pose(self, at: tuple[float, float]) -> PoseWithCovarianceStamped:
        """A head at (yaw, pitch) degrees in the car, stamped ``now``."""
        pose = PoseWithCovarianceStamped(header=self._header())
        pose.pose.pose.position.z = 0.7
        facing = FACING_CAMERA.T @ rotation_from_yaw_pitch_roll(np.radians([*at, 0.0]))
        rotation = self.mounting.T @ facing
        x, y, z, w = quaternion_from_rotation(rotation).tolist()
        orientation = pose.pose.pose.orientation
        orientation.x, orientation.y, orientation.z, orientation.w = x, y, z, w
        pose.pose.covariance = (np.radians(1.5) ** 2 * np.eye(6)).ravel()
        return pose

    def expression(self, eyes: float) -> JointState:
        """Of a head, stamped ``now``."""
        names = ["jawOpen", "eye_openness_left", "eye_openness_right"]
        return JointState(header=self._header(), name=names, position=[0.1, eyes, eyes])

    def send(self, at: tuple[float, float] | None, eyes: float = 0.95) -> None:
        """One frame with the head at (yaw, pitch) degrees in the car, or without a head, stamped ``now``."""
        if at is None:
            self.expressions.publish(JointState(header=self._header()))
            return
        self.poses.publish(self.pose(at))
        self.expressions.publish(self.expression(eyes))

    def _header(self) -> Header:
        stamp = Time(sec=int(self.now), nanosec=int(round(1e9 * (self.now % 1.0))) % 10**9)
        return Header(stamp=stamp, frame_id="cabin_camera")

    def drive(self, seconds: float, at: tuple[float, float] | None, rate: float = 15.0, eyes: float = 0.95) -> None:
        """Frames as fast as the node answers them: every frame is answered before the next is sent."""
        for _ in range(round(seconds * rate)):
            self.now = round(self.now + 1.0 / rate, 6)
            self.send(at, eyes)
            self.observer.wait_until(
                lambda: self.said and float(value(self.said[-1], "stamp")) == pytest.approx(self.now, abs=1e-3),
                "the answer to a frame",
            )

    def wait_for(self, state: str) -> DiagnosticStatus:
        self.observer.wait_until(lambda: self.said and value(self.said[-1], "state") == state, f"state {state}")
        return self.said[-1]

    def transitions(self) -> list[tuple[str, str]]:
        return [(value(event, "previous_state"), value(event, "state")) for event in self.events]
