from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from evaluation.made_bags import CAMERA, drive
from ros.materials import write_bag

from dense_face_ros.evaluation.bag import BagRecording
from dense_face_ros.ros.bag_topics import decoder, is_bag
from dense_face_ros.ros.frame_sources import SourceError


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("compressed", [False, True])
def test_every_image_with_its_stamp_and_camera(storage: str, compressed: bool, tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", storage, compressed)
    assert is_bag(path)
    recording = BagRecording(path)
    frames = list(recording.frames())
    recording.close()
    assert recording.count == len(frames) == 4
    assert [frame.stamp - 1_600_000_000_000_000_000 for frame in frames] == [0, 50_000_000, 100_000_000, 150_000_000]
    assert [frame.recorded - frame.stamp for frame in frames] == [100_000_000] * 4
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 10, 20, 30]
    assert all(frame.camera.metric and frame.camera.fx == 500.0 and not frame.note for frame in frames)
    assert frames[0].frame_id == "recorded" and recording.true_poses() is None


def test_an_image_without_a_stamp_has_the_time_of_its_recording(tmp_path: Path) -> None:
    frames = list(BagRecording(write_bag(tmp_path / "bag", "mcap", stamped=False)).frames())
    assert [frame.stamp for frame in frames] == [1_600_000_000_100_000_000 + 50_000_000 * i for i in range(4)]


def test_among_stamped_images_one_without_a_stamp_is_dropped_as_the_node_drops_it(tmp_path: Path) -> None:
    for simulated in (True, False):
        recording = BagRecording(write_bag(tmp_path / f"bag{simulated}", "mcap", simulated=simulated, began=0))
        assert [frame.stamp for frame in recording.frames()] == [50_000_000 * i for i in (1, 2, 3)]
        assert recording.dropped == {"no_stamp": 1, "bad_image": 0}
        (note,) = recording.drop_notes
        assert note == "the first that was dropped (no_stamp) is image 0: stamp 0, which others have not"


@pytest.mark.parametrize("compressed", [False, True])
def test_an_image_that_cannot_be_decoded_is_dropped_as_the_node_drops_it(compressed: bool, tmp_path: Path) -> None:
    recording = BagRecording(write_bag(tmp_path / "bag", "mcap", compressed, damaged=(1, 2)))
    for _ in range(2):
        assert [int(frame.image[0, 0, 0]) for frame in recording.frames()] == [0, 30]
        assert recording.dropped == {"no_stamp": 0, "bad_image": 2} and len(recording.drop_notes) == 1
        assert recording.drop_notes[0].startswith("the first that was dropped (bad_image) is image 1: ")
    none = BagRecording(write_bag(tmp_path / "none", "mcap", compressed, damaged=(0, 1, 2, 3)))
    with pytest.raises(SourceError, match=r"no image can be used; the first that was dropped \(bad_image\) is image 0"):
        list(none.frames())


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_topic_may_have_several_publishers(storage: str, tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", storage, publishers=2)
    for topic in ("", "/cabin/image_raw"):
        recording = BagRecording(path, topic)
        frames = list(recording.frames())
        assert recording.count == 4 and [int(frame.image[0, 0, 0]) for frame in frames] == [0, 10, 20, 30]
        assert all(frame.camera.metric and not frame.note for frame in frames)
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    from dense_face_ros.ros.bag_source import Bag

    assert [frame.info is not None for frame in Bag(path).frames()] == [True] * 4
    late = Bag(write_bag(tmp_path / "late", storage, info_delay=10_000_000))
    assert [frame.info is not None for frame in late.frames()] == [True] * 4, "the first image is not without"


def test_an_image_before_the_first_camera_info_has_the_camera_of_that(tmp_path: Path) -> None:
    frames = list(BagRecording(write_bag(tmp_path / "bag", "mcap", info_delay=10_000_000)).frames())
    assert all(frame.camera.metric and frame.camera.fx == 500.0 and not frame.note for frame in frames)


@pytest.mark.parametrize(
    ("topic", "frame", "metric"),
    [
        ("/calibration", "recorded", True),
        ("/rear/camera_info", "rear", False),
        ("/correspondences/camera_info", "recorded", False),
    ],
)
def test_a_camera_info_elsewhere_is_the_image_s_only_if_it_says_so(
    topic: str, frame: str, metric: bool, tmp_path: Path
) -> None:
    """The tracker's own is what it took the camera to be, and would come back as a measurement."""
    path = write_bag(tmp_path / "bag", "mcap", info_topic=topic, info_frame=frame)
    assert [one.camera.metric for one in BagRecording(path).frames()] == [metric] * 4
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    from dense_face_ros.ros.bag_source import Bag

    assert [one.info is not None for one in Bag(path).frames()] == [metric] * 4


def test_rectified_images_are_seen_by_the_camera_of_p(tmp_path: Path) -> None:
    """The bag tells none: its P is zero."""
    frame = next(BagRecording(write_bag(tmp_path / "bag", "mcap"), rectified=True).frames())
    assert not frame.camera.metric and "focal length in P is zero" in frame.note


def test_true_poses_are_those_of_the_only_topic_that_is_named_so() -> None:
    def chosen(wanted: str, *topics: str) -> str | None:  # of every connection
        connections = [SimpleNamespace(topic=topic, msgtype="geometry_msgs/msg/PoseStamped") for topic in topics]
        recording: Any = SimpleNamespace(name="drive", _reader=SimpleNamespace(connections=connections))
        found = BagRecording._choose_truth(recording, wanted)
        assert len({each.topic for each in found}) <= 1
        return str(found[0].topic) if found else None

    front, rear, raw = "/front/head_pose/truth", "/rear/head_pose/truth", "/front/head_pose/truth/raw"
    assert chosen("", "/head_pose", front, raw) == front and chosen("", "/head_pose", raw) is None
    assert chosen(raw, front, rear, raw) == raw and chosen("", front, front) == front
    with pytest.raises(SourceError, match="has several topics of true poses; name one with --truth"):
        chosen("", front, rear)


def test_a_storage_file_without_its_folder(tmp_path: Path) -> None:
    file = next(write_bag(tmp_path / "bag", "mcap").glob("*.mcap"))
    assert is_bag(file) and len(list(BagRecording(file).frames())) == 4


def test_raw_and_compressed_drives_carry_truth(tmp_path: Path) -> None:
    for raw in (False, True):
        recording = BagRecording(drive(tmp_path / f"raw{raw}", count=3, raw=raw))
        frames, truth = list(recording.frames()), recording.true_poses()
        assert [frame.image.shape for frame in frames] == [(48, 64, 3)] * 3
        assert frames[0].camera == CAMERA and truth is not None and truth.frame_id == frames[0].frame_id
        poses = truth.at(np.array([frame.stamp for frame in frames]))
        assert np.allclose(poses[:, :3, 3], (0.05, -0.02, 0.69))


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_the_speed_is_the_last_one_recorded_before_an_image(storage: str, tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", storage, moving=True)
    for topic in ("/car/odometry", "car/odometry"):
        recording = BagRecording(path, speed_topic=topic)
        assert [frame.speed for frame in recording.frames()] == [None, None, 12.0, 12.0]
        recording.close()
    assert [frame.speed for frame in BagRecording(path).frames()] == [None] * 4
    with pytest.raises(SourceError, match=r"no speed topic '/speed'; topics that may tell one: /car/odometry \(nav"):
        BagRecording(path, speed_topic="/speed")
    BagRecording(path, speed_topic="/car/odometry", speed_type="nav_msgs/Odometry").close()
    with pytest.raises(SourceError, match="is nav_msgs/Odometry, and parameter 'speed_type' is 'std_msgs/Float64'"):
        BagRecording(path, speed_topic="/car/odometry", speed_type="std_msgs/Float64")


def test_what_ros_s_own_serialisation_leaves_at_the_end_is_no_damage() -> None:
    serialization = pytest.importorskip("rclpy.serialization", reason="rclpy is not installed")
    messages = pytest.importorskip("sensor_msgs.msg", reason="rclpy is not installed")
    sent = messages.JointState(name=["left", "right", "jaw"], position=[0.25, 0.5, 0.75])
    data = serialization.serialize_message(sent)
    assert list(decoder()(data, "sensor_msgs/msg/JointState").position) == [0.25, 0.5, 0.75]
    for wrong in (data[:40], data + bytes(40)):
        with pytest.raises(Exception, match=r"length|mismatch"):
            decoder()(wrong, "sensor_msgs/msg/JointState")
