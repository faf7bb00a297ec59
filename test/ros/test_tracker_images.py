"""What the tracker node takes: images of any kind and calibrations, and what is wrong with them."""

from __future__ import annotations

import array
import math
import re
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseWithCovarianceStamped
from ros.fake_camera import FAKE_NODE, HEIGHT, WIDTH, Camera, activate
from ros.fake_tracker import FAILING, SLOW
from ros.processes import Observer
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from dense_face_ros.ros.images import fill_image


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
    camera.wait_for_report(dropped_failed="1", drop_note="failed: the tracker failed on an image: ")
    poses.clear()
    again = camera.send_until(camera.image, lambda: poses, "a head_pose after all that")
    camera.send(again)
    camera.wait_for_report(dropped_out_of_order="1")
    assert process.running
    for reason in ("bad_image): image is truncated", "no_stamp)", "too_old): image is 10.", "failed)", "out_of_order)"):
        assert f"dropped ({reason}" in process.output


def test_what_the_last_answer_showed_is_not_told_while_all_frames_are_dropped(start: Any, observer: Observer) -> None:
    start(FAKE_NODE)
    camera = Camera(observer)
    activate(observer)
    camera.connect()
    camera.send_until(camera.image, lambda: camera.diagnostics().get("tracking") == "tracking", "a head")
    dropped = lambda: camera.diagnostics()["level"] == "2"  # noqa: E731
    camera.send_until(lambda: _unknown_encoding(camera.image()), dropped, "diagnostics say that all are dropped")
    report = camera.diagnostics()
    said = r"all \d+ frames of 2 s dropped \(bad_image \d+\): (image encoding is '.*'; known are .*)"
    found = re.fullmatch(said, report["message"])
    assert found and report["drop_note"] == f"bad_image: {found[1]}"
    assert {report[key] for key in ("tracking", "camera_metric", "quality_inliers", "latency_p50_ms")} == {"unknown"}


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


def test_who_publishes_images_is_told_where_none_come(start: Any, observer: Observer) -> None:
    """The first mistake of all: a camera that compresses its images, and a tracker that awaits raw ones."""
    start(FAKE_NODE, "--ros-args", "-r", "image:=/cabin/image_raw")
    reports = observer.collect(DiagnosticArray, "/diagnostics")
    said = lambda text: lambda: reports and reports[-1].status[0].message == f"no images on {text}"  # noqa: E731
    activate(observer)
    observer.wait_until(said("/cabin/image_raw, which nobody publishes"), "nobody is told")
    observer.node.create_publisher(CompressedImage, "/cabin/image_raw/compressed", 1)
    there = "/cabin/image_raw/compressed is, as sensor_msgs/msg/CompressedImage"
    observer.wait_until(said(f"/cabin/image_raw, which nobody publishes; {there}"), "the other topic is told")


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


def test_compressed_images_that_are_remapped_themselves(start: Any, observer: Observer) -> None:
    arguments = ["-p", "autostart:=true", "-p", "compressed:=true", "-r", "image/compressed:=/cabin/raw/compressed"]
    process = start(FAKE_NODE, "--ros-args", *arguments)
    reports = observer.collect(DiagnosticArray, "/diagnostics")
    active = "active: images on /cabin/raw/compressed, camera_info on /cabin/camera_info"
    observer.wait_until(lambda: active in process.output and reports, "the node is active, and names its topics")
    assert {message.status[0].hardware_id for message in reports} == {"/cabin/raw/compressed"}
    for topic in ("/cabin/raw/compressed", "/cabin/camera_info"):
        observer.wait_until(lambda topic=topic: observer.node.count_subscribers(topic) == 1, f"it listens to {topic}")


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
