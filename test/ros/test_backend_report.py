"""What runs the network, and why, is on /diagnostics and in the log, also when it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from ros.processes import REPOSITORY, Observer
from ros.test_tracker_node import Camera, activate

NODE = str(REPOSITORY / "test" / "ros" / "losing_tracker.py")


def test_a_lost_gpu_is_reported_and_its_return_too(start: Any, observer: Observer) -> None:
    process = start(NODE)
    camera = Camera(observer)
    activate(observer)
    camera.connect()
    why = "backend is 'auto', and there is a GPU"
    report = camera.wait_for_report(backend="TensorRT on a GPU", network_backend_reason=why)
    assert f"configured: TensorRT on a GPU ({why})" in process.output
    lost = "TensorRT (failed: GPU lost; CPU meanwhile)"

    def reported(name: str) -> Any:
        return lambda: camera.diagnostics().get("backend") == name

    camera.send_until(lambda: camera.image(brightness=10), reported(lost), "the loss is reported")
    report = camera.wait_for_report(message=f"backend: {lost}", network_backend_state="failed")
    assert report["level"] == "1"
    assert f"backend: {lost}" in process.output
    camera.send_until(camera.image, reported("TensorRT on a GPU"), "the return is reported")
    assert "backend: TensorRT on a GPU" in process.output


def test_a_node_without_a_gpu_starts_on_the_cpu_and_says_why(start: Any, observer: Observer) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has a GPU")
    process = start("-m", "dense_face_ros.ros.tracker_node")
    camera = Camera(observer)
    activate(observer)
    camera.wait_for_report(backend="ONNX Runtime", network_backend_reason="TensorRT cannot run: this machine has no")
    assert "TensorRT cannot run: this machine has no NVIDIA driver" in process.output


def test_a_node_that_is_to_use_tensorrt_without_a_gpu_refuses_and_lives(start: Any, observer: Observer) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has a GPU")
    process = start("-m", "dense_face_ros.ros.tracker_node", "--ros-args", "-p", "backend:=tensorrt")
    camera = Camera(observer)
    assert not observer.change_state("configure")
    report = camera.wait_for_report(message="configure failed: this machine has no NVIDIA driver")
    assert report["level"] == "2" and process.running
    assert observer.set_parameter("backend", "auto")[0] and observer.change_state("configure")
