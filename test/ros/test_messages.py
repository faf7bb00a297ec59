from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from ros.fake_tracker import DISTANCE, make_model, tracked_state
from sensor_msgs.msg import PointField
from std_msgs.msg import Header

from dense_face_ros.geometry import PinholeCamera, rotation_from_vector
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros import message_content, messages
from dense_face_ros.ros.camera_info import camera_from_message
from dense_face_ros.ros.images import decode_image

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
ASSUMED = PinholeCamera.from_field_of_view(640, 480, 60.0)
MODEL = make_model()


def header() -> Header:
    out = Header(frame_id="camera")
    out.stamp.sec, out.stamp.nanosec = 1_700_000_000, 250_000_000
    return out


def rotation(q: object) -> np.ndarray:
    vector = np.array([q.x, q.y, q.z])  # type: ignore[attr-defined]
    angle = 2 * np.arctan2(np.linalg.norm(vector), q.w)  # type: ignore[attr-defined]
    return rotation_from_vector(vector / np.linalg.norm(vector) * angle)


def test_seconds() -> None:
    assert messages.seconds(header()) == 1_700_000_000.25


def test_pose() -> None:
    state = tracked_state(MODEL, 1.0, CAMERA)
    filtered, raw = messages.pose_message(state, header()), messages.pose_message(state, header(), raw=True)
    assert filtered.header == header()
    assert np.allclose(rotation(filtered.pose.pose.orientation), state.pose[:3, :3])
    assert filtered.pose.pose.position.z == DISTANCE and raw.pose.pose.position.z == pytest.approx(DISTANCE + 0.01)
    assert np.allclose(np.reshape(filtered.pose.covariance, (6, 6)), state.covariance)
    assert np.allclose(np.reshape(raw.pose.covariance, (6, 6)), state.covariance_raw)


def test_an_assumed_camera_makes_the_depth_doubtful() -> None:
    covariance = message_content.pose_covariance(tracked_state(MODEL, 1.0, ASSUMED))
    assert np.sqrt(covariance[2, 2]) == pytest.approx(message_content.ASSUMED_FOCAL_SPREAD * DISTANCE, rel=0.01)
    assert np.allclose(covariance, covariance.T) and (np.linalg.eigvalsh(covariance) > 0).all()


def test_the_doubt_about_a_raw_pose_is_at_its_own_place() -> None:
    state = tracked_state(MODEL, 1.0, ASSUMED)
    raw = message_content.pose_covariance(state, raw=True) - state.covariance_raw
    assert np.sqrt(raw[2, 2]) == pytest.approx(message_content.ASSUMED_FOCAL_SPREAD * state.pose_raw[2, 3])


def test_the_error_of_an_assumed_camera_moves_and_turns_the_head_together() -> None:
    """The covariance against heads placed by a camera of another focal length than the picture's."""
    state = tracked_state(MODEL, 1.0, ASSUMED)
    state.pose[:3, 3] = 0.2, -0.3, 0.9
    added = message_content.pose_covariance(state) - state.covariance

    def ray(longer: float) -> np.ndarray:
        x, y, z = state.pose[:3, 3]
        return np.array([x / (1.0 + longer), y / (1.0 + longer), z])

    step = 1e-4
    away = ray(step) / np.linalg.norm(ray(step))
    before = ray(0.0) / np.linalg.norm(ray(0.0))
    turn = np.cross(before, away) / step  # the rotation vector that takes one ray into the other
    lasting = added[3:, 2] / np.sqrt(added[2, 2]) / message_content.ASSUMED_FOCAL_SPREAD
    assert lasting == pytest.approx(turn, abs=0.06), "for small angles"
    assert np.linalg.matrix_rank(added) == 1, "one cause"


def test_transform() -> None:
    state = tracked_state(MODEL, 1.0, CAMERA)
    message = messages.transform_message(state, header(), "driver")
    assert (message.header.frame_id, message.child_frame_id) == ("camera", "driver")
    assert np.allclose(rotation(message.transform.rotation), state.pose[:3, :3])
    place = message.transform.translation
    assert [place.x, place.y, place.z] == state.pose[:3, 3].tolist()


def test_landmarks() -> None:
    state = tracked_state(MODEL, 1.0, CAMERA)
    message = messages.landmarks_message(state, header())
    assert [field.name for field in message.fields] == ["x", "y", "z", "u", "v", "visibility", "sigma"]
    rows = np.frombuffer(message.data, np.float32).reshape(message.width, 7)
    assert np.allclose(rows[:, :3], state.landmarks_3d) and np.allclose(rows[:, 3:5], state.landmarks_2d)
    assert np.allclose(rows[:, 5], state.landmark_visibility) and np.allclose(rows[:, 6], 0.8)
    assert message.is_dense and message.row_step == len(message.data)
    unplaced = messages.landmarks_message(state, header(), with_positions=False)
    assert np.isnan(np.frombuffer(unplaced.data, np.float32).reshape(68, 7)[:, :3]).all() and not unplaced.is_dense


def test_vertices() -> None:
    state = tracked_state(MODEL, 1.0, CAMERA)
    message = messages.vertices_message(state, header())
    assert [(f.name, f.offset, f.count) for f in message.fields] == [("x", 0, 1), ("y", 4, 1), ("z", 8, 1)]
    assert {f.datatype for f in message.fields} == {PointField.FLOAT32}
    assert message.is_dense and message.height == 1
    assert np.allclose(np.frombuffer(message.data, np.float32).reshape(message.width, 3), state.vertices)


def test_without_a_head_nothing_is_made_up() -> None:
    state = HeadState.without_head(1.0, Status.LOST, "hidden", CAMERA, 6, 3)
    assert messages.landmarks_message(state, header()).width == 0
    expression = messages.expression_message(state, header())
    assert list(expression.name) == [] and list(expression.position) == []


def test_expression_leaves_out_the_unknown_eye() -> None:
    message = messages.expression_message(tracked_state(MODEL, 1.0, CAMERA), header())
    assert dict(zip(message.name, message.position, strict=True)) == {
        "jawOpen": 0.3,
        "mouthSmile": 0.1,
        "eye_openness_left": 0.9,
    }


def test_a_head_of_which_nothing_is_known_is_no_frame_without_a_head() -> None:
    unknown = {"jawOpen": math.nan, "mouthSmile": math.nan}
    state = replace(tracked_state(MODEL, 1.0, CAMERA), expression=unknown, eye_openness=(math.nan, math.nan))
    message = messages.expression_message(state, header())
    assert list(message.name) == ["eye_openness_left", "eye_openness_right"] and np.isnan(message.position).all()


def test_expression_leaves_out_what_is_hidden() -> None:
    state = replace(tracked_state(MODEL, 1.0, CAMERA), expression={"jawOpen": math.nan, "mouthSmile": 0.1})
    assert "jawOpen" not in messages.expression_message(state, header()).name


def test_an_eye_that_is_not_seen_does_not_blink() -> None:
    blinks = {"eyeBlink_L": 0.7, "eyeBlink_R": 0.1, "jawOpen": 0.2}
    for openness, told in (
        ((math.nan, 0.9), {"eyeBlink_R"}),
        ((0.1, math.nan), {"eyeBlink_L"}),
        ((0.1, 0.9), set(blinks)),
    ):
        state = replace(tracked_state(MODEL, 1.0, CAMERA), expression=blinks, eye_openness=openness)
        names = message_content.expression_values(state).keys()
        assert names & blinks.keys() == told | {"jawOpen"}


def test_correspondences() -> None:
    state = tracked_state(MODEL, 1.0, CAMERA)
    state.flow[0, 3, 5] = 9.0
    message = messages.correspondences_message(state, header())
    layers = np.frombuffer(message.data, np.float32).reshape(64, 64, 4)
    assert (message.encoding, message.step) == ("32FC4", 64 * 16)
    assert np.allclose(layers[3, 5], (9.0, -2.0, 0.75, 0.5))


def test_overlay() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    assert np.array_equal(decode_image(messages.overlay_message(picture, header())), picture)


@pytest.mark.parametrize(
    ("model", "distortion"),
    [("", ()), ("plumb_bob", (-0.3, 0.1, 0.001, -0.002, 0.0)), ("equidistant", (0.02, -0.01, 0.003, 0.0))],
)
def test_image_pixels_are_found_in_the_correspondences_by_their_camera_info(
    model: str, distortion: tuple[float, ...]
) -> None:
    """By OpenCV's rectification, which is that of image_geometry."""
    camera = PinholeCamera(500.0, 490.0, 310.5, 250.5, 640, 480, model, distortion)
    state = tracked_state(MODEL, 1.0, camera)
    info = messages.correspondences_info(state, header())
    assert info.header == header() and (info.width, info.height) == (640, 480)
    assert camera_from_message(info) == camera, "K and D are those of the image"
    assert info.distortion_model == (model or "plumb_bob")
    assert state.view is not None
    size = len(state.matchability)
    cells = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1)[::9, ::9].reshape(-1, 2)
    pixels = state.view.to_image((cells + 0.5) * (state.view.size / size) - 0.5)
    undistort = cv2.fisheye.undistortPoints if model == "equidistant" else cv2.undistortPoints
    k, r, p = info.k.reshape(3, 3), info.r.reshape(3, 3), info.p.reshape(3, 4)
    found = undistort(pixels[:, None], k, np.array(info.d), R=r, P=p)[:, 0]
    assert np.allclose(found, cells, atol=1e-2)
    assert p[2] == pytest.approx([0.0, 0.0, 1.0, 0.0]), "so that its focal lengths can be read off"
