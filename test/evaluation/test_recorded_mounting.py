"""The camera's mounting out of a bag's static transforms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from dense_face_ros.evaluation.recorded_mounting import recorded_mounting
from dense_face_ros.geometry import Array, quaternion_from_rotation, rotation_from_vector
from dense_face_ros.ros.frame_sources import SourceError

STORE = get_typestore(Stores.ROS2_JAZZY)
TYPES = STORE.types
ROOF, MAST, CAMERA = (rotation_from_vector(np.array(v)) for v in ((0.1, 0.2, 3.0), (0.0, -0.4, 0.1), (1.2, -1.2, 1.2)))
Transform = tuple[str, str, Array | None]


def write(path: Path, *messages: list[Transform], frame: str = "camera") -> Path:
    """A bag with those messages of static transforms (parent, child, rotation), and one of /head_pose."""
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        poses = writer.add_connection("/head_pose", "geometry_msgs/msg/PoseStamped", typestore=STORE)
        writer.add_connection("/empty", "geometry_msgs/msg/PoseStamped", typestore=STORE)
        pose = TYPES["geometry_msgs/msg/Pose"](_vector("Point"), _quaternion(np.eye(3)))
        message = TYPES["geometry_msgs/msg/PoseStamped"](_header(frame), pose)
        writer.write(poses, 5, STORE.serialize_cdr(message, "geometry_msgs/msg/PoseStamped"))
        if messages:
            static = writer.add_connection("/tf_static", "tf2_msgs/msg/TFMessage", typestore=STORE)
        for i, transforms in enumerate(messages):
            stamped = [_transform(*transform) for transform in transforms]
            data = STORE.serialize_cdr(TYPES["tf2_msgs/msg/TFMessage"](stamped), "tf2_msgs/msg/TFMessage")
            writer.write(static, i, data)
    return path


def _header(frame: str) -> object:
    return TYPES["std_msgs/msg/Header"](TYPES["builtin_interfaces/msg/Time"](1, 0), frame)


def _vector(kind: str) -> object:
    return TYPES[f"geometry_msgs/msg/{kind}"](0.5, 0.0, 1.0)


def _quaternion(rotation: Array | None) -> object:
    numbers = [0.0] * 4 if rotation is None else quaternion_from_rotation(rotation).tolist()
    return TYPES["geometry_msgs/msg/Quaternion"](*numbers)


def _transform(parent: str, child: str, rotation: Array | None) -> object:
    moved = TYPES["geometry_msgs/msg/Transform"](_vector("Vector3"), _quaternion(rotation))
    return TYPES["geometry_msgs/msg/TransformStamped"](_header(parent), child, moved)


def test_a_chain_is_followed_whichever_way_it_leads(tmp_path: Path) -> None:
    up = write(tmp_path / "up", [("base_link", "roof", ROOF), ("roof", "camera", CAMERA)])
    assert recorded_mounting(up, "/head_pose", "base_link") == pytest.approx(ROOF @ CAMERA)
    aside = write(
        tmp_path / "aside", [("roof", "camera", CAMERA)], [("roof", "mast", MAST), ("mast", "base_link", ROOF)]
    )
    assert recorded_mounting(aside, "/head_pose", "base_link") == pytest.approx((MAST @ ROOF).T @ CAMERA)
    assert recorded_mounting(aside, "/head_pose", "camera") == pytest.approx(np.eye(3))


def test_the_last_transform_of_a_frame_counts(tmp_path: Path) -> None:
    bag = write(tmp_path / "bag", [("base_link", "camera", ROOF)], [("base_link", "camera", CAMERA)])
    assert recorded_mounting(bag, "/head_pose", "base_link") == pytest.approx(CAMERA)


def test_what_tf2_passes_over_counts_for_nothing(tmp_path: Path) -> None:
    none: list[Transform] = [("base_link", "camera", None), ("camera", "camera", ROOF)]
    bag = write(tmp_path / "bag", [("/base_link", "/camera", CAMERA)], none)
    assert recorded_mounting(bag, "/head_pose", "base_link") == pytest.approx(CAMERA)


@pytest.mark.parametrize(
    ("messages", "topic", "said"),
    [
        ([], "/head_pose", "has no /tf_static, which parameter 'mounting' is to be read from; give the mounting with"),
        ([[("base_link", "roof", ROOF)]], "/head_pose",
         "does not connect 'base_link' and 'camera'; its frames: base_link, roof; give"),
        ([[("camera", "roof", ROOF), ("roof", "camera", ROOF)]], "/head_pose", "does not connect"),
        ([[("base_link", "camera", None)]], "/head_pose", "does not connect"),
        ([[("base_link", "camera", ROOF)]], "/empty", "has no message on /empty"),
        ([[("base_link", "camera", ROOF)]], "/cabin/head_pose", "has no message on /cabin/head_pose to tell"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(messages: list[list[Transform]], topic: str, said: str, tmp_path: Path) -> None:
    bag = write(tmp_path / "bag", *messages)
    with pytest.raises(SourceError, match=said) as error:
        recorded_mounting(bag, topic, "base_link")
    assert str(bag) in str(error.value)
