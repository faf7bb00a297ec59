"""The tracker node in a process of its own, with a stand-in for the tracker: life cycle, topics and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from ros.fake_camera import FAKE_NODE, HEIGHT, WIDTH, Camera, activate
from ros.fake_tracker import DISTANCE, FORGOTTEN, MATCHABILITY, SLOW, SLOW_DONE, make_fake, make_model
from ros.processes import REPOSITORY, Observer
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2
from visualization_msgs.msg import MarkerArray

from dense_face_ros.ros.tracker_node import TrackerNode


def test_life_cycle_twice(start: Any, observer: Observer) -> None:
    process = start(FAKE_NODE)
    camera = Camera(observer)
    poses = observer.collect(PoseWithCovarianceStamped, "head_pose")
    for _ in range(2):
        assert observer.state() == "unconfigured"
        assert observer.change_state("configure")
        assert observer.state() == "inactive"
        assert observer.change_state("activate")
        assert observer.state() == "active"
        camera.connect()
        poses.clear()
        sent = camera.send_until(camera.image, lambda: poses, "a head_pose")
        assert poses[-1].header == sent.header
        assert observer.change_state("deactivate")
        assert observer.state() == "inactive"
        camera.disconnect()
        assert observer.change_state("cleanup")
    assert observer.state() == "unconfigured"
    assert process.stop() == 0, process.output


def test_transitions_that_do_not_fit_the_state_are_refused(start: Any, observer: Observer) -> None:
    """A second manager, or a launch file that asks again, must not end the process."""
    process = start(FAKE_NODE)
    for transition, fits in (
        (Transition.TRANSITION_ACTIVATE, False),
        (Transition.TRANSITION_CONFIGURE, True),
        (Transition.TRANSITION_CONFIGURE, False),
        (Transition.TRANSITION_ACTIVATE, True),
        (Transition.TRANSITION_ACTIVATE, False),
        (99, False),
    ):
        assert observer.change_state_by_id(transition) is fits
    assert observer.state() == "active"
    # From Kilted on rclpy says so itself, and lives.
    said = (
        "asked for transition 3, which state 'active' does not have",
        "transition 3 from current state (3, 'active')",
    )
    assert any(text in process.output for text in said), process.output
    assert "Traceback" not in process.output and process.stop() == 0


def test_every_topic_of_a_tracked_head(start: Any, observer: Observer) -> None:
    start(FAKE_NODE)
    camera = Camera(observer)
    kinds = {
        "head_pose": PoseWithCovarianceStamped,
        "head_pose/raw": PoseWithCovarianceStamped,
        "landmarks": PointCloud2,
        "expression": JointState,
        "markers": MarkerArray,
        "vertices": PointCloud2,
        "overlay": Image,
        "correspondences": Image,
        "correspondences/camera_info": CameraInfo,
    }
    got = {topic: observer.collect(kind, topic) for topic, kind in kinds.items()}
    activate(observer)
    camera.connect()
    camera.send_info()
    camera.send_until(camera.image, lambda: all(got.values()), f"a message on each of {', '.join(kinds)}")
    pose = got["head_pose"][-1]
    assert pose.pose.pose.position.z == pytest.approx(DISTANCE)
    assert got["head_pose/raw"][-1].pose.pose.position.z == pytest.approx(DISTANCE + 0.01)
    assert got["landmarks"][-1].width == 68
    expression = dict(zip(got["expression"][-1].name, got["expression"][-1].position, strict=True))
    assert expression == pytest.approx({"jawOpen": 0.3, "mouthSmile": 0.1, "eye_openness_left": 0.9})
    assert [marker.ns for marker in got["markers"][-1].markers] == ["mesh", "landmarks", "axes", "forward"]
    assert got["vertices"][-1].width == len(make_model().mean)
    assert (got["overlay"][-1].width, got["overlay"][-1].height) == (WIDTH, HEIGHT)
    layers = np.frombuffer(got["correspondences"][-1].data, np.float32).reshape(64, 64, 4)
    assert np.allclose(layers, (1.0, -2.0, MATCHABILITY, 0.5))
    assert {message.header.frame_id for topic in kinds if topic != "markers" for message in got[topic]} == {"camera"}
    report = camera.wait_for_report(tracking="tracking", camera_metric="yes")
    assert (report["backend"], report["backend_asked"]) == ("fake", "auto")
    assert float(report["latency_p50_ms"]) > 0.0


def test_no_head_is_answered_without_a_pose(start: Any, observer: Observer) -> None:
    start(FAKE_NODE)
    camera = Camera(observer)
    poses = observer.collect(PoseWithCovarianceStamped, "head_pose")
    clouds = observer.collect(PointCloud2, "landmarks")
    expressions = observer.collect(JointState, "expression")
    activate(observer)
    camera.connect()
    camera.send_until(lambda: camera.image(brightness=0), lambda: clouds and expressions, "an answer to a dark image")
    assert clouds[-1].width == 0 and not expressions[-1].name and not poses
    camera.wait_for_report(tracking="searching", tracking_reason="no face found")


def test_quality_of_service_can_be_overridden(start: Any, observer: Observer) -> None:
    overrides = ("image.subscription.reliability:=reliable", "camera_info.subscription.durability:=transient_local")
    start(FAKE_NODE, "--ros-args", *(text for override in overrides for text in ("-p", f"qos_overrides./{override}")))

    def subscriber_of(topic: str) -> Any:
        find = observer.node.get_subscriptions_info_by_topic
        observer.wait_until(lambda: len(find(topic)) == 1, f"one subscriber to {topic} is seen")
        return find(topic)[0]

    for _ in range(2):
        activate(observer)
        assert subscriber_of("/image").qos_profile.reliability is ReliabilityPolicy.RELIABLE
        subscriber = subscriber_of("/camera_info")
        assert subscriber.qos_profile.reliability is ReliabilityPolicy.BEST_EFFORT
        assert subscriber.qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
        assert observer.change_state("deactivate") and observer.change_state("cleanup")


def test_who_was_seen_is_forgotten_with_the_deactivation(start: Any, observer: Observer) -> None:
    process = start(FAKE_NODE)
    camera = Camera(observer)
    activate(observer)
    camera.connect()

    def at_work() -> bool:  # there may be no report yet
        return camera.diagnostics().get("frames_received", "0") != "0"

    camera.send_until(lambda: camera.image(corner=SLOW), at_work, "work")
    assert FORGOTTEN not in process.output
    assert observer.change_state("deactivate")
    done, forgotten = (process.output.rfind(text) for text in (SLOW_DONE, FORGOTTEN))
    assert -1 < done < forgotten, "after the image that was at work"


def test_opencv_has_as_many_threads_as_the_engine(ros: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(cv2, "setNumThreads", asked.append)
    node = TrackerNode(make_fake)
    node.set_parameters([Parameter("threads", value=3)])
    node.trigger_configure()
    node.destroy_node()
    assert asked == [3]


def test_wrong_parameters_are_named_when_configuring(start: Any, observer: Observer, tmp_path: Path) -> None:
    arguments = ["-p", "max_age:=500.0", "-p", "treads:=3", "-p", "model:=missing.npz"]
    process = start(FAKE_NODE, "--ros-args", *arguments)
    camera = Camera(observer)
    assert not observer.change_state("configure")
    assert observer.state() == "unconfigured"
    camera.wait_for_report(level="2", message="configure failed")
    assert "parameter 'max_age' is 500.0; it must be 0 to 60 s" in process.output
    assert "parameter 'treads' is unknown; did you mean 'threads'?" in process.output
    process.stop()

    process = start(FAKE_NODE, "--ros-args", "-p", "model:=missing.npz")
    observer.wait_until(lambda: not observer.change_state("configure"), "configure fails")
    assert "face model 'missing.npz' does not exist" in process.output
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(b"PK\x03\x04 nothing more")
    assert observer.set_parameter("model", str(damaged))[0]
    assert not observer.change_state("configure")
    assert str(damaged) in process.output and "Traceback" not in process.output
    assert observer.set_parameter("model", "")[0]
    assert observer.change_state("configure")
    accepted, reason = observer.set_parameter("backend", "onnxruntime")
    assert not accepted and "'backend'" in reason and "clean it up first" in reason
    accepted, reason = observer.set_parameter("max_age", -1.0)
    assert not accepted
    assert observer.state() == "inactive"


def test_a_file_for_all_nodes_of_a_vehicle_may_hold_what_others_take(
    start: Any, observer: Observer, tmp_path: Path
) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("/**: {ros__parameters: {robot_name: car7, diagnostic_updater: {period: 1.0}, max_age: 2.0}}")
    process = start(FAKE_NODE, "--ros-args", "--params-file", str(file))
    assert observer.change_state("configure")
    assert process.output.count("change nothing: 'diagnostic_updater.period', 'robot_name'") == 1


def test_what_nobody_expected_is_told_in_full(start: Any, observer: Observer) -> None:
    load = (
        "from dense_face_ros.ros.tracker_node import TrackerNode, run; run(lambda: TrackerNode(lambda values: 1 / 0))"
    )
    process = start("-c", load)
    assert not observer.change_state("configure")
    assert "configure failed: division by zero" in process.output and "Traceback" in process.output


def test_why_activating_failed_is_on_diagnostics(start: Any, observer: Observer) -> None:
    process = start(FAKE_NODE, "--ros-args", "-p", "qos_overrides./image.subscription.reliability:=sometimes")
    camera = Camera(observer)
    assert observer.change_state("configure")
    assert not observer.change_state("activate")
    assert observer.state() == "unconfigured"
    assert camera.wait_for_report(state="unconfigured", message="activate failed: ")["level"] == "2"
    assert "sometimes" in camera.diagnostics()["message"]
    assert "activate failed: " in process.output and "Traceback" in process.output


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("camera_info.subscription.durability:=transient", "durability 'transient'"),
        ("camera_info.subscription.depth:=five", "depth 'five'"),
        ("image.subscription.depth:=-1", "depth -1"),
    ],
)
def test_a_quality_of_service_that_is_none_is_named(start: Any, observer: Observer, override: str, told: str) -> None:
    process = start(FAKE_NODE, "--ros-args", "-p", f"qos_overrides./{override}", "-p", "autostart:=true")
    assert process.wait() == 1
    prefix = f"'qos_overrides./{override.partition('.')[0]}.subscription'"
    assert f"failed: parameters {prefix} cannot be used ({told}" in process.output


def test_autostart(start: Any, observer: Observer) -> None:
    parameters = str(REPOSITORY / "config" / "tracker.yaml")
    arguments = ["--params-file", parameters, "-p", "autostart:=true", "-r", "image:=/front/image_raw"]
    start(FAKE_NODE, "--ros-args", *arguments)
    observer.wait_until(lambda: observer.state() == "active", "the node activates itself")
    observer.wait_until(lambda: observer.node.count_subscribers("/front/image_raw"), "it listens to the remapped image")
    assert observer.node.count_subscribers("/front/camera_info") == 1

    failing = start(FAKE_NODE, "--ros-args", "-r", "__node:=other", "-p", "autostart:=true", "-p", "model:=missing.npz")
    assert failing.wait() == 1
    assert "face model 'missing.npz' does not exist" in failing.output
