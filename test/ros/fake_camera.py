"""A stand-in for a camera, before the tracker node with a stand-in for the tracker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from diagnostic_msgs.msg import DiagnosticArray
from ros.processes import Observer
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dense_face_ros.ros.images import fill_image

FAKE_NODE = str(Path(__file__).with_name("fake_tracker.py"))
WIDTH, HEIGHT = 160, 120


class Camera:
    """Sends images to the node, and sees what it reports."""

    def __init__(self, observer: Observer, compressed: bool = False) -> None:
        self.observer = observer
        node = observer.node
        kind, topic = (CompressedImage, "image/compressed") if compressed else (Image, "image")
        self._images = node.create_publisher(kind, topic, 5)
        self.infos = node.create_publisher(CameraInfo, "camera_info", 5)
        self._diagnostics = observer.collect(DiagnosticArray, "/diagnostics")

    def connect(self) -> None:
        connected = lambda: self._images.get_subscription_count() and self.infos.get_subscription_count()  # noqa: E731
        self.observer.wait_until(connected, "the tracker subscribes to image and camera_info")

    def disconnect(self) -> None:
        self.observer.wait_until(lambda: not self._images.get_subscription_count(), "the tracker leaves image")

    def stamped(self, message: Any) -> Any:
        message.header.frame_id = "camera"
        message.header.stamp = self.observer.node.get_clock().now().to_msg()
        return message

    def image(self, brightness: int = 128, corner: tuple[int, int, int] | None = None) -> Image:
        picture = np.full((HEIGHT, WIDTH, 3), brightness, np.uint8)
        if corner is not None:
            picture[0, 0] = corner
        message = self.stamped(Image())
        fill_image(message, picture, "bgr8")
        return message

    def send(self, message: Any) -> Any:
        self._images.publish(message)
        return message

    def send_info(self, focal: float = 200.0, width: int = WIDTH) -> None:
        message = self.stamped(CameraInfo())
        message.width, message.height = width, HEIGHT
        message.k = [focal, 0.0, 80.0, 0.0, focal, 60.0, 0.0, 0.0, 1.0]
        self.infos.publish(message)

    def diagnostics(self) -> dict[str, str]:
        """The newest report, with its level and message."""
        if not self._diagnostics:
            return {}
        status = self._diagnostics[-1].status[0]
        return {"level": str(status.level[0]), "message": status.message, **{v.key: v.value for v in status.values}}

    def wait_for_report(self, **wanted: str) -> dict[str, str]:
        def reported() -> bool:
            report = self.diagnostics()
            return all(wanted[key] in report.get(key, "") for key in wanted)

        try:
            self.observer.wait_until(reported, f"diagnostics say {wanted}")
        except pytest.fail.Exception:
            pytest.fail(f"diagnostics never said {wanted}; last: {self.diagnostics()}")
        return self.diagnostics()

    def send_until(self, make: Callable[[], Any], condition: Callable[[], Any], what: str) -> Any:
        """Send images until a condition holds: the first may go while connections are still being made."""
        for _ in range(40):
            sent = self.send(make())
            try:
                self.observer.wait_until(condition, what, timeout=0.25)
                return sent
            except pytest.fail.Exception:
                continue
        pytest.fail(what)


def activate(observer: Observer) -> None:
    assert observer.change_state("configure")
    assert observer.change_state("activate")
