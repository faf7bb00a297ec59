from __future__ import annotations

import weakref

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from rclpy.serialization import deserialize_message, serialize_message
from ros.fake_tracker import make_model, tracked_state
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.ros.markers import MarkerContent, MarkerWriter, lifetime, marker_message

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()


def header(seconds: int, frame_id: str = "camera") -> Header:
    out = Header(frame_id=frame_id)
    out.stamp.sec, out.stamp.nanosec = seconds, 123_456_789
    return out


@pytest.mark.parametrize("frame_id", ["", "c", "camera", "driver_camera_optical_frame"])
def test_the_quick_bytes_are_the_slow_message(frame_id: str) -> None:
    writer = MarkerWriter(MODEL.triangles)
    for second in range(1, 4):
        state = tracked_state(MODEL, float(second), CAMERA, yaw=0.3 * second)
        rate = 10.0 if second < 3 else 0.3
        quick = writer.write(state, header(second, frame_id), rate)
        assert isinstance(quick, bytes), "the quick way was given up"
        content = MarkerContent.of(state, MODEL.triangles)
        slow = serialize_message(marker_message(content, header(second, frame_id), lifetime(rate)))
        assert deserialize_message(quick, MarkerArray) == deserialize_message(slow, MarkerArray)


def test_a_new_frame_id_is_followed() -> None:
    writer, state = MarkerWriter(MODEL.triangles), tracked_state(MODEL, 1.0, CAMERA)
    for frame_id in ("left", "right_camera", "left"):
        message = deserialize_message(writer.write(state, header(1, frame_id), 10.0), MarkerArray)
        assert {marker.header.frame_id for marker in message.markers} == {frame_id}


def test_the_last_mesh_can_be_forgotten() -> None:
    writer, state = MarkerWriter(MODEL.triangles), tracked_state(MODEL, 1.0, CAMERA)
    first = writer.write(state, header(1), 10.0)
    held = weakref.ref(writer._template)
    assert held() is not None
    writer.forget()
    assert held() is None and len(writer.write(state, header(1), 10.0)) == len(first)


@pytest.mark.parametrize(("rate", "seconds"), [(60.0, 0.5), (10.0, 0.5), (1.5, 1.0), (0.4, 3.75), (0.1, 15.0)])
def test_a_lost_face_fades_and_one_in_view_is_shown_until_the_next(rate: float, seconds: float) -> None:
    content = MarkerContent.of(tracked_state(MODEL, 1.0, CAMERA), MODEL.triangles)
    for marker in marker_message(content, header(1), lifetime(rate)).markers:
        assert marker.lifetime.sec + 1e-9 * marker.lifetime.nanosec == pytest.approx(seconds)


def test_the_mesh_hides_what_is_behind_it() -> None:
    """RViz draws what is transparent without depth: then the far side of a turned head lies over the near one."""
    content = MarkerContent.of(tracked_state(MODEL, 1.0, CAMERA), MODEL.triangles)
    mesh = marker_message(content, header(1), lifetime(10.0)).markers[0]
    assert mesh.type == Marker.TRIANGLE_LIST and mesh.color.a == 1.0


def test_what_the_markers_show() -> None:
    state = tracked_state(MODEL, 1.0, CAMERA)
    content = MarkerContent.of(state, MODEL.triangles)
    mesh, landmarks, axes, forward = marker_message(content, header(1), lifetime(10.0)).markers
    assert (mesh.type, len(mesh.points)) == (Marker.TRIANGLE_LIST, 3 * len(MODEL.triangles))
    assert len({(m.ns, m.id) for m in (mesh, landmarks, axes, forward)}) == 4
    assert len(landmarks.points) == len(landmarks.colors) == 68
    assert (landmarks.colors[0].a, landmarks.colors[67].a) == (1.0, pytest.approx(0.4)), "hidden landmarks are faint"
    blue = (0, pytest.approx(0.4), 1)
    assert not mesh.colors and [(c.r, c.g, c.b) for c in axes.colors[::2]] == [(1, 0, 0), (0, 1, 0), blue]
    origin, end = (np.array([p.x, p.y, p.z]) for p in axes.points[:2])
    assert np.allclose(origin, state.pose[:3, 3])
    assert np.allclose((end - origin) / np.linalg.norm(end - origin), state.pose[:3, 0]), "the first axis is x"
    start, tip = (np.array([p.x, p.y, p.z]) for p in forward.points)
    assert np.allclose(np.cross(tip - start, state.pose[:3, 0]), 0.0) and (tip - start) @ state.pose[:3, 0] > 0
