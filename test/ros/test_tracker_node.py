"""The tracker node in a process of its own, with a stand-in for the tracker: life cycle, topics and bad input."""

from __future__ import annotations

import array
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from lifecycle_msgs.msg import Transition
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from ros.fake_tracker import DISTANCE, FAILING, FORGOTTEN, MATCHABILITY, SLOW, SLOW_DONE, make_fake, make_model
from ros.processes import REPOSITORY, Observer
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, JointState, PointCloud2
from visualization_msgs.msg import MarkerArray

from dense_face_ros.ros.images import fill_image
from dense_face_ros.ros.tracker_node import TrackerNode

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


def test_camera_info_decides_whether_the_pose_is_metric(start: Any, observer: Observer) -> None:
    start(FAKE_NODE)
    camera = Camera(observer)
    poses = observer.collect(PoseWithCovarianceStamped, "head_pose")
    clouds = observer.collect(PointCloud2, "landmarks")
    activate(observer)
    camera.connect()

    def depth_sigma_after(report: dict[str, str]) -> float:
        poses.clear()
        camera.send_until(camera.image, lambda: poses, "a head_pose")
        camera.wait_for_report(**report)
        return math.sqrt(poses[-1].pose.covariance[14])

    assert depth_sigma_after({"camera_metric": "no", "camera_note": "no camera_info on /camera_info"}) > 0.25
    for focal, width, note in (
        (0.0, WIDTH, "focal length in K is zero"),
        (math.nan, WIDTH, "finite"),
        (200.0, 2 * WIDTH, "is for 320x120 pixels, the image has 160x120"),
    ):
        camera.send_info(focal, width)
        assert depth_sigma_after({"camera_metric": "no", "camera_note": note}) > 0.25
    camera.send_info()
    assert depth_sigma_after({"camera_metric": "yes"}) == pytest.approx(0.02)

    camera.send_info(focal=0.0)
    assert observer.set_parameter("require_camera_info", True) == (True, "")
    camera.wait_for_report(level="1")
    poses.clear()
    clouds.clear()
    camera.send_until(camera.image, lambda: clouds, "landmarks without a camera")
    points = np.frombuffer(clouds[-1].data, np.float32).reshape(68, 7)
    assert np.isnan(points[:, :3]).all() and np.isfinite(points[:, 3:5]).all() and not poses


def test_a_calibration_told_once_is_kept(start: Any, observer: Observer) -> None:
    start(FAKE_NODE)
    camera = Camera(observer)
    poses = observer.collect(PoseWithCovarianceStamped, "head_pose")
    assert observer.change_state("configure")
    observer.wait_until(lambda: camera.infos.get_subscription_count() > 0, "a subscriber to camera_info")
    camera.send_info()
    for _ in range(2):
        assert observer.change_state("activate")
        camera.connect()
        poses.clear()
        camera.send_until(camera.image, lambda: poses, "a head_pose")
        camera.wait_for_report(camera_metric="yes")
        assert observer.change_state("deactivate")
        camera.wait_for_report(state="inactive", camera_metric="unknown", tracking="unknown")


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


def _truncated(image: Image) -> Image:
    image.data = image.data[:100]
    return image


def _empty(image: Image) -> Image:
    image.width = image.height = image.step = 0
    image.data = array.array("B")
    return image


def _unknown_encoding(image: Image) -> Image:
    image.encoding = "nv24"
    return image


def _unstamped(image: Image) -> Image:
    image.header.stamp.sec = image.header.stamp.nanosec = 0
    return image


def _old(image: Image) -> Image:
    image.header.stamp.sec -= 10
    return image


def test_bad_images_are_counted_and_survived(start: Any, observer: Observer) -> None:
    process = start(FAKE_NODE)
    camera = Camera(observer)
    poses = observer.collect(PoseWithCovarianceStamped, "head_pose")
    activate(observer)
    camera.connect()
    camera.send_until(camera.image, lambda: poses, "a head_pose")
    cases = (
        (_truncated, "bad_image"),
        (_empty, "bad_image"),
        (_unknown_encoding, "bad_image"),
        (_unstamped, "no_stamp"),
        (_old, "too_old"),
    )
    counts: dict[str, int] = {}
    for spoil, reason in cases:
        camera.send(spoil(camera.image()))
        counts[reason] = counts.get(reason, 0) + 1
        camera.wait_for_report(**{f"dropped_{reason}": str(counts[reason])})
    camera.send(camera.image(corner=FAILING))
    camera.wait_for_report(dropped_failed="1")
    poses.clear()
    again = camera.send_until(camera.image, lambda: poses, "a head_pose after all that")
    camera.send(again)
    camera.wait_for_report(dropped_out_of_order="1")
    assert process.running
    for reason in ("bad_image): image is truncated", "no_stamp)", "too_old): image is 10.", "failed)", "out_of_order)"):
        assert f"dropped ({reason}" in process.output


def test_services_answer_while_a_frame_is_at_work(start: Any, observer: Observer) -> None:
    start(FAKE_NODE)
    camera = Camera(observer)
    clouds = observer.collect(PointCloud2, "landmarks")
    activate(observer)
    assert observer.set_parameter("max_age", 20.0) == (True, "")
    camera.connect()
    camera.send_until(camera.image, lambda: clouds, "landmarks")
    clouds.clear()
    received = int(camera.wait_for_report(tracking="tracking")["frames_received"])
    sent = []
    for corner in (SLOW, None, None):
        sent.append(camera.send(camera.image(corner=corner)))
        received += 1
        camera.wait_for_report(frames_received=str(received))
    assert observer.set_parameter("max_age", 30) == (True, "")
    assert not clouds, "the slow frame was to be at work until here"
    observer.wait_until(lambda: len(clouds) == 2, "the slow frame and the newest after it are answered")
    assert [cloud.header for cloud in clouds] == [sent[0].header, sent[2].header]
    camera.wait_for_report(dropped_superseded="1")


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


def test_compressed_images(start: Any, observer: Observer) -> None:
    start(FAKE_NODE, "--ros-args", "-p", "compressed:=true")
    camera = Camera(observer, compressed=True)
    poses = observer.collect(PoseWithCovarianceStamped, "head_pose")
    activate(observer)
    camera.connect()

    def jpeg() -> CompressedImage:
        message = camera.stamped(CompressedImage(format="bgr8; jpeg compressed bgr8"))
        message.data = array.array("B", cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 128, np.uint8))[1].tobytes())
        return message

    camera.send_until(jpeg, lambda: poses, "a head_pose from a JPEG")
    camera.send(camera.stamped(CompressedImage(format="jpeg", data=array.array("B", b"not a picture"))))
    camera.wait_for_report(dropped_bad_image="1")


def test_values_in_the_low_bits(start: Any, observer: Observer) -> None:
    """At half of 12 bits; of 16 bits it were a dark image, which shows no head."""
    start(FAKE_NODE, "--ros-args", "-p", "bit_depth:=12")
    camera = Camera(observer)
    activate(observer)
    camera.connect()

    def half() -> Image:
        message = camera.stamped(Image())
        fill_image(message, np.full((HEIGHT, WIDTH), 2048, np.uint16), "mono16")
        return message

    camera.send_until(half, lambda: camera.diagnostics().get("tracking") == "tracking", "a head in 12 bits")


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


def test_what_nobody_expected_is_told_in_full(start: Any, observer: Observer) -> None:
    load = (
        "from dense_face_ros.ros.tracker_node import TrackerNode, run; run(lambda: TrackerNode(lambda values: 1 / 0))"
    )
    process = start("-c", load)
    assert not observer.change_state("configure")
    assert "configure failed: division by zero" in process.output and "Traceback" in process.output


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
