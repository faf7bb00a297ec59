from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from ros.fake_tracker import make_model, tracked_state
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from dense_face_ros.evaluation.output_bag import TOPICS, OutputBag, messages
from dense_face_ros.evaluation.recording import RecordedFrame
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
ASSUMED = PinholeCamera.from_field_of_view(640, 480)
STORE = get_typestore(Stores.ROS2_JAZZY)


def frame(camera: PinholeCamera = CAMERA) -> RecordedFrame:
    stamp = 1_700_000_000_250_000_000
    return RecordedFrame(stamp, stamp + 7, "camera", np.zeros((480, 640, 3), np.uint8), camera, "")


def lost() -> HeadState:
    return HeadState.without_head(0.0, Status.LOST, "hidden", CAMERA, 6, 3)


@pytest.mark.parametrize(("camera", "with_pose"), [(CAMERA, True), (ASSUMED, True), (ASSUMED, False)])
def test_messages_are_those_of_the_node(camera: PinholeCamera, with_pose: bool) -> None:
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    from rclpy.serialization import deserialize_message
    from std_msgs.msg import Header

    from dense_face_ros.ros import messages as node

    header = Header(frame_id="camera")
    header.stamp.sec, header.stamp.nanosec = 1_700_000_000, 250_000_000
    for state in (tracked_state(make_model(), 1.0, camera), lost()):
        wanted = {
            "/landmarks": node.landmarks_message(state, header, with_pose),
            "/expression": node.expression_message(state, header),
        }
        if state.status is Status.TRACKING and with_pose:
            wanted["/head_pose"] = node.pose_message(state, header)
            wanted["/head_pose/raw"] = node.pose_message(state, header, raw=True)
        made = messages(STORE, frame(camera), state, with_pose)
        assert made.keys() == wanted.keys()
        for topic, message in made.items():
            data = bytes(STORE.serialize_cdr(message, TOPICS[topic]))
            assert deserialize_message(data, type(wanted[topic])) == wanted[topic], topic


def test_written_at_the_time_of_recording(tmp_path: Path) -> None:
    with OutputBag(tmp_path / "bag") as bag:
        bag.write(frame(), tracked_state(make_model(), 1.0, CAMERA))
        bag.write(frame(), lost())
    with Reader(tmp_path / "bag") as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        assert counts == {"/head_pose": 1, "/head_pose/raw": 1, "/landmarks": 2, "/expression": 2}
        assert {at for _, at, _ in reader.messages()} == {frame().recorded}


def test_half_a_bag_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), OutputBag(tmp_path / "bag") as bag:
        bag.write(frame(), lost())
        raise RuntimeError
    assert not (tmp_path / "bag").exists()
