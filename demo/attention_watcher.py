"""The node that listens to one attention node while a recording is played, and counts how late its answers come."""

from __future__ import annotations

from bisect import bisect_right

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo

from dense_face_ros.attention.states import Attention
from dense_face_ros.ros.attention_messages import read_attention

_PATIENT = QoSProfile(depth=1000)  # nothing may be missing
_LATCHED = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class AttentionWatcher(Node):
    """Attributes, in the order of arrival.

    Attributes:
        frames: stamps of the frames that were played, milliseconds.
        states: the answers to frames.
        changes: those of them that announced something else: a state, what is degraded, or what was known last.
        lags: for every change, how many further frames had been played when it arrived.
    """

    def __init__(self) -> None:
        super().__init__("drive_watcher")
        self.frames: list[int] = []
        self.states: list[Attention] = []
        self.changes: list[Attention] = []
        self.lags: list[int] = []
        self.create_subscription(CameraInfo, "camera_info", self._take_camera, _PATIENT)
        self.create_subscription(DiagnosticStatus, "attention", self._take_state, _LATCHED)
        self.create_subscription(DiagnosticStatus, "attention/events", self._take_event, _LATCHED)

    @property
    def start(self) -> float:
        """Stamp of the first frame, seconds."""
        return 1e-3 * self.frames[0]

    @property
    def answered_all(self) -> bool:
        """Whether the last frame was answered."""
        return bool(self.frames and self.states) and _milliseconds(self.states[-1].stamp) >= self.frames[-1]

    def is_heard(self, topic: str) -> bool:
        """Whether somebody subscribes to a topic."""
        return bool(self.count_subscribers(topic) > 0)

    def _take_camera(self, message: CameraInfo) -> None:
        self.frames.append(_milliseconds(message.header.stamp.sec + 1e-9 * message.header.stamp.nanosec))

    def _take_state(self, message: DiagnosticStatus) -> None:
        if self.frames:  # before, the node has nothing to answer
            self.states.append(read_attention(message))

    def _take_event(self, message: DiagnosticStatus) -> None:
        if self.frames:
            attention = read_attention(message)
            self.changes.append(attention)
            self.lags.append(len(self.frames) - bisect_right(self.frames, _milliseconds(attention.stamp)))


def _milliseconds(stamp: float) -> int:
    return round(1e3 * stamp)
