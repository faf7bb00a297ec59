from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from rclpy.serialization import deserialize_message
from ros.fake_tracker import make_model, tracked_state
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.markers import MARKER_TRIANGLES
from dense_face_ros.ros.outputs import Outputs

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()
RATE = 10.0


class Topics:
    """In place of a node: what is published lies in ``sent``, what is logged in ``told``."""

    def __init__(self, listeners: int = 1) -> None:
        self.sent: dict[str, list[Any]] = {}
        self.told: list[str] = []
        self._listeners = listeners

    def create_lifecycle_publisher(self, kind: type, topic: str, qos: Any) -> Any:
        sent = self.sent.setdefault(topic, [])
        return SimpleNamespace(publish=sent.append, get_subscription_count=lambda: self._listeners, msg_type=kind)

    def get_logger(self) -> Any:
        tell = lambda text, **seldom: self.told.append(text)  # noqa: E731
        return SimpleNamespace(info=tell, warning=tell)


def outputs_of(topics: Topics, model: FaceModel = MODEL, **parameters: Any) -> Outputs:
    node: Any = topics
    values = {
        "marker_rate": RATE,
        "overlay_rate": RATE,
        "publish_tf": True,
        "publish_tf_without_camera_info": False,
        "head_frame": "driver",
        **parameters,
    }
    known: Any = SimpleNamespace(number=values.__getitem__, flag=values.__getitem__, text=values.__getitem__)
    return Outputs(node, known, model)


@pytest.fixture
def with_tf(monkeypatch: pytest.MonkeyPatch) -> None:
    """tf2_msgs, which pip does not have."""
    tf2 = SimpleNamespace(TFMessage=lambda transforms: transforms)
    monkeypatch.setitem(sys.modules, "tf2_msgs", SimpleNamespace(msg=tf2))
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", tf2)


def head(
    topics: Topics, with_pose: bool = True, frame_id: str = "camera", camera: PinholeCamera = CAMERA, **parameters: Any
) -> dict[str, int]:
    """How often each topic of the head is published for a frame with one."""
    state = tracked_state(MODEL, 100.0, camera)
    outputs_of(topics, **parameters).publish_head(state, Header(frame_id=frame_id), with_pose)
    return {topic: len(sent) for topic, sent in topics.sent.items() if sent}


def test_a_head_is_told_as_filtered_as_fitted_and_as_a_transform(with_tf: None) -> None:
    topics, state = Topics(), tracked_state(MODEL, 100.0, CAMERA)
    assert head(topics) == {"head_pose": 1, "head_pose/raw": 1, "/tf": 1, "landmarks": 1, "expression": 1}
    filtered, raw = (topics.sent[name][0].pose.pose.position.z for name in ("head_pose", "head_pose/raw"))
    assert (filtered, raw) == (state.pose[2, 3], state.pose_raw[2, 3])
    assert [(t.header.frame_id, t.child_frame_id) for t in topics.sent["/tf"][0]] == [("camera", "driver")]


def test_without_a_trusted_camera_nothing_tells_a_place(with_tf: None) -> None:
    topics = Topics()
    assert head(topics, with_pose=False) == {"landmarks": 1, "expression": 1}
    rows = np.frombuffer(topics.sent["landmarks"][0].data, np.float32).reshape(68, 7)
    assert np.isnan(rows[:, :3]).all() and np.isfinite(rows[:, 3:]).all()


@pytest.mark.parametrize(
    ("frame_id", "parameters", "told"),
    [("", {}, True), ("camera", {"head_frame": ""}, True), ("camera", {"publish_tf": False}, False)],
)
def test_a_transform_needs_both_frames_and_can_be_left_out(
    with_tf: None, frame_id: str, parameters: dict[str, Any], told: bool
) -> None:
    topics = Topics()
    assert "/tf" not in head(topics, frame_id=frame_id, **parameters)
    assert bool(topics.told) is told


@pytest.mark.parametrize("allowed", [False, True])
def test_a_transform_cannot_tell_that_its_distance_is_a_guess(with_tf: None, allowed: bool) -> None:
    topics, assumed = Topics(), PinholeCamera.from_field_of_view(640, 480, 60.0)
    sent = head(topics, camera=assumed, publish_tf_without_camera_info=allowed)
    assert ("/tf" in sent) is allowed and sent["head_pose"] == 1
    assert any("not metric" in text for text in topics.told) is not allowed


def test_pictures_that_nobody_watches_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dense_face_ros.ros.outputs.draw_overlay", lambda *drawn: pytest.fail("nobody watches"))
    topics, image = Topics(listeners=0), np.zeros((480, 640, 3), np.uint8)
    outputs_of(topics).publish_pictures(tracked_state(MODEL, 100.0, CAMERA), Header(), image, True)
    assert not any(topics.sent.values())


def markers(stamps: list[float], rate: float = RATE) -> list[MarkerArray]:
    """The marker messages that the frames with these stamps give."""
    topics, image = Topics(), np.zeros((480, 640, 3), np.uint8)
    outputs = outputs_of(topics, marker_rate=rate)
    for stamp in stamps:
        outputs.publish_pictures(tracked_state(MODEL, stamp, CAMERA), Header(), image, True)
    return [deserialize_message(sent, MarkerArray) for sent in topics.sent["markers"]]


def test_an_overlay_is_drawn_as_often_as_asked_for_with_a_head_and_without() -> None:
    topics, image = Topics(), np.zeros((480, 640, 3), np.uint8)
    outputs = outputs_of(topics, overlay_rate=10.0)
    for frame in range(31):
        state = tracked_state(MODEL, 100.0 + frame / 30.0, CAMERA)
        if frame > 15:
            state = HeadState.without_head(state.stamp, Status.LOST, "hidden", CAMERA, len(MODEL.mean), 3)
        outputs.publish_pictures(state, Header(), image, True)
    assert len(topics.sent["overlay"]) == 11


@pytest.mark.parametrize(("stamps", "wanted"), [([100.0, 100.03, 100.1], 2), ([100.0, 20.0, 20.03], 2)])
def test_markers_keep_their_rate_and_go_on_when_the_clock_goes_back(stamps: list[float], wanted: int) -> None:
    assert len(markers(stamps)) == wanted


def test_markers_that_come_seldom_are_shown_until_the_next() -> None:
    first, _ = markers([100.0, 102.0], rate=0.5)
    assert {marker.lifetime.sec for marker in first.markers} == {3}


def test_without_a_pose_to_publish_there_are_no_markers_and_vertices() -> None:
    topics, image = Topics(), np.zeros((480, 640, 3), np.uint8)
    outputs_of(topics).publish_pictures(tracked_state(MODEL, 100.0, CAMERA), Header(), image, False)
    assert {topic for topic, sent in topics.sent.items() if sent} == {
        "overlay", "correspondences", "correspondences/camera_info"
    }  # fmt: skip


def test_the_markers_mesh_is_thinned_and_the_vertices_are_all(shipped_model: FaceModel) -> None:
    topics, image = Topics(), np.zeros((480, 640, 3), np.uint8)
    head = tracked_state(MODEL, 100.0, CAMERA)
    shown = replace(head, vertices=shipped_model.mean + np.float32([0.0, 0.0, 0.7]))
    outputs_of(topics, shipped_model).publish_pictures(shown, Header(), image, True)
    mesh = deserialize_message(topics.sent["markers"][0], MarkerArray).markers[0]
    assert 3 * 1000 < len(mesh.points) <= 3 * MARKER_TRIANGLES
    assert topics.sent["vertices"][0].width == len(shipped_model.mean)
