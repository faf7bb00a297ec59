"""What runs the network, and why, is on /diagnostics and in the log; a node with nothing to run it stays inactive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from lifecycle_msgs.msg import TransitionEvent
from ros.fake_camera import Camera, activate
from ros.processes import REPOSITORY, Observer

from dense_face_ros.backends import model_file
from dense_face_ros.calibration import Calibration

NODE = str(REPOSITORY / "test" / "ros" / "losing_tracker.py")
LATE_NODE = str(REPOSITORY / "test" / "ros" / "late_tracker.py")


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
    camera.wait_for_report(network_calibration="none in its file: that of the shipped networks")
    assert "TensorRT cannot run: this machine has no NVIDIA driver" in process.output


def test_a_networks_own_calibration_is_on_diagnostics(start: Any, observer: Observer, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(model_file.network_path(None))
    model.metadata_props.add(key="calibration", value=Calibration(covariance_share=0.25).metadata["calibration"])
    onnx.save(model, tmp_path / "own.onnx")
    start("-m", "dense_face_ros.ros.tracker_node", "--ros-args", "-p", f"network:={tmp_path / 'own.onnx'}")
    camera = Camera(observer)
    assert observer.change_state("configure")
    camera.wait_for_report(network_calibration='{"covariance_share": 0.25, "distance_factor": 2.1')


def test_a_node_that_is_to_use_tensorrt_without_a_gpu_refuses_and_lives(start: Any, observer: Observer) -> None:
    if Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has a GPU")
    process = start("-m", "dense_face_ros.ros.tracker_node", "--ros-args", "-p", "backend:=tensorrt")
    camera = Camera(observer)
    assert not observer.change_state("configure")
    report = camera.wait_for_report(message="configure failed: this machine has no NVIDIA driver")
    assert report["level"] == "2" and process.running
    assert observer.set_parameter("backend", "auto")[0] and observer.change_state("configure")


def wait_for_change(observer: Observer, changes: list[TransitionEvent], start: str, goal: str) -> None:
    """The launch file waits for these."""
    seen = lambda: (start, goal) in [(change.start_state.label, change.goal_state.label) for change in changes]  # noqa: E731
    observer.wait_until(seen, f"the node tells that it went from {start} to {goal}")


def test_a_node_stays_inactive_while_its_engine_is_built(start: Any, observer: Observer, tmp_path: Path) -> None:
    process = start(LATE_NODE)
    camera = Camera(observer)
    changes = observer.collect(TransitionEvent, "tracker/transition_event")
    assert observer.change_state("configure")
    building = "TensorRT (building, step 1 of 3; no answers meanwhile)"
    assert camera.wait_for_report(message=f"inactive; backend: {building}")["level"] == "1"
    assert not observer.change_state("activate")
    assert observer.state() == "inactive"
    wait_for_change(observer, changes, "activating", "inactive")
    assert "not activated: TensorRT: building, step 1 of 3; try again later" in process.output
    (tmp_path / "ready").touch()
    assert camera.wait_for_report(message="inactive", backend="TensorRT on a GPU")["level"] == "0"
    assert observer.change_state("activate")
    assert observer.state() == "active"


def test_a_node_whose_engine_cannot_be_built_is_unconfigured(start: Any, observer: Observer, tmp_path: Path) -> None:
    process = start(LATE_NODE)
    camera = Camera(observer)
    changes = observer.collect(TransitionEvent, "tracker/transition_event")
    assert observer.change_state("configure")
    (tmp_path / "hopeless").touch()
    camera.wait_for_report(message="inactive; backend: TensorRT (given up: the engine could not be built")
    assert not observer.change_state("activate")
    assert observer.state() == "unconfigured"
    wait_for_change(observer, changes, "errorprocessing", "unconfigured")
    report = camera.wait_for_report(message="activate failed: TensorRT: given up: the engine could not be built")
    assert report["level"] == "2" and process.running


def test_a_node_that_starts_by_itself_waits_for_its_engine(start: Any, observer: Observer, tmp_path: Path) -> None:
    start(LATE_NODE, "--ros-args", "-p", "autostart:=true")
    Camera(observer).wait_for_report(message="inactive; backend: TensorRT (building")
    (tmp_path / "ready").touch()
    observer.wait_until(lambda: observer.state() == "active", "the node activates itself")

    (tmp_path / "ready").unlink()
    (tmp_path / "hopeless").touch()
    failing = start(LATE_NODE, "--ros-args", "-r", "__node:=other", "-p", "autostart:=true")
    assert failing.wait() == 1
    assert "activate failed: TensorRT: given up" in failing.output
