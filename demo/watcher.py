"""The node of the demo's own process: it listens to what the nodes publish and keeps what the report needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from demo.live_view import LiveView
from demo.recording import StampedVideo
from dense_face_ros.attention.states import Attention
from dense_face_ros.drawing import draw_caption
from dense_face_ros.evaluation.even_selection import EvenSelection
from dense_face_ros.geometry import Array, yaw_pitch_roll_from_rotation
from dense_face_ros.ros.attention_messages import read_attention
from dense_face_ros.ros.images import decode_image
from dense_face_ros.ros.message_readers import rotation_of, stamp_of

_PATIENT = QoSProfile(depth=1000)  # nothing may be missing: frames are told apart by counting
_PICTURES = QoSProfile(depth=30)
_LATCHED = QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_SHEET_PICTURES = 24


@dataclass(frozen=True)
class StampedPose:
    """A published head: ``stamp`` in nanoseconds, ``pose`` (4, 4) camera <- head, metres."""

    stamp: int
    pose: Array


class Watcher(Node):
    """Listens to one tracker and the attention node behind it.

    Attributes:
        poses: all heads so far.
        camera_stamps: nanoseconds, of every camera_info: one for each frame that was played, unless a bag holds none.
        diagnostics: the tracker's last report, name -> text; empty before the first.
        camera: what it said of the camera while there were images: ``camera_metric`` and ``camera_note``.
        attention: all that was judged, from before the first frame on.
        selection: overlays for the contact sheet.
    """

    def __init__(self, video: Path, live: LiveView) -> None:
        super().__init__("demo")
        self.poses: list[StampedPose] = []
        self.camera_stamps: list[int] = []
        self.diagnostics: dict[str, str] = {}
        self.camera: dict[str, str] = {}
        self.attention: list[Attention] = []
        self.video, self._live = StampedVideo(video), live
        self.selection: EvenSelection[npt.NDArray[np.uint8]] = EvenSelection(_SHEET_PICTURES)
        self._first_overlay: float | None = None
        subscriptions: list[tuple[type, str, Callable[..., None], QoSProfile]] = [
            (PoseWithCovarianceStamped, "head_pose", self._take_pose, _PATIENT),
            (CameraInfo, "camera_info", self._take_camera, _PATIENT),
            (DiagnosticArray, "/diagnostics", self._take_diagnostics, QoSProfile(depth=10)),
            (Image, "overlay", self._take_overlay, _PICTURES),
            (DiagnosticStatus, "attention", self._take_attention, _LATCHED),
        ]
        for kind, topic, take, qos in subscriptions:
            self.create_subscription(kind, topic, take, qos)

    @property
    def tracker_state(self) -> str:
        """Life-cycle state of the tracker; empty while it has not reported."""
        return self.diagnostics.get("state", "")

    @property
    def frames_played(self) -> int:
        """Frames that were announced; where a bag has no camera_info, or not from the start, those that arrived."""
        received = self.diagnostics.get("frames_received", "unknown")
        return max(len(self.camera_stamps), 0 if received == "unknown" else int(received))

    def status_line(self) -> str:
        """Status and pose of the head, attention, rate and latency now."""
        report = self.diagnostics
        tracking = report.get("tracking", "unknown")
        parts = [f"{tracking:9s}"]
        if tracking == "tracking" and self.poses:
            pose = self.poses[-1].pose
            yaw, pitch, roll = np.degrees(yaw_pitch_roll_from_rotation(pose[:3, :3]))
            parts.append(f"yaw {yaw:+4.0f} pitch {pitch:+4.0f} roll {roll:+4.0f} deg")
            distance = float(np.linalg.norm(pose[:3, 3]))
            parts.append(f"{distance:.2f} m" + ("" if report.get("camera_metric") == "yes" else "?"))
        parts.append(self._state())
        parts.append(f"{_figure(report, 'processed_rate_hz', 0)} fps")
        p50, p99 = (_figure(report, f"latency_{name}_ms", 1) for name in ("p50", "p99"))
        parts.append(f"latency p50 {p50} ms, p99 {p99} ms")
        parts.append(f"dropped {report.get('frames_dropped', '--')}")
        return " | ".join(parts)

    def _state(self) -> str:
        return self.attention[-1].state.value if self.attention else "unknown"

    def _take_attention(self, message: DiagnosticStatus) -> None:
        self.attention.append(read_attention(message))

    def _take_pose(self, message: PoseWithCovarianceStamped) -> None:
        position, pose = message.pose.pose.position, np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation_of(message.pose.pose.orientation), (position.x, position.y, position.z)
        self.poses.append(StampedPose(stamp_of(message), pose))

    def _take_camera(self, message: CameraInfo) -> None:
        self.camera_stamps.append(stamp_of(message))

    def _take_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(": head tracking"):
                self.diagnostics = {entry.key: entry.value for entry in status.values}
                if self.diagnostics.get("camera_metric", "unknown") != "unknown":
                    self.camera = {name: self.diagnostics[name] for name in ("camera_metric", "camera_note")}

    def _take_overlay(self, message: Image) -> None:
        image, stamp = decode_image(message), 1e-9 * stamp_of(message)
        first = self._first_overlay = stamp if self._first_overlay is None else self._first_overlay
        self.video.add(stamp, image)

        def captioned() -> npt.NDArray[np.uint8]:
            shown = image.copy()
            draw_caption(shown, f"{stamp - first:.1f} s {self._state()}")
            return shown

        self._live.show(captioned)
        self.selection.add(captioned)


def _figure(report: dict[str, str], name: str, decimals: int) -> str:
    text = report.get(name, "unknown")
    return "--" if text == "unknown" else f"{float(text):.{decimals}f}"
