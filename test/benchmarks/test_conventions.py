import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, rotation_from_vector, rotation_from_yaw_pitch_roll
from training.benchmarks import conventions
from training.benchmarks.metrics import geodesic

_NOSE, _LEFT, _UP = np.eye(3)  # head axes


def _at(pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> np.ndarray:
    return conventions.aflw2000_rotation(np.radians([pitch, yaw, roll]), zero_pitch_degrees=0.0)


def test_aflw2000_zero_pose_faces_the_camera() -> None:
    assert np.allclose(_at(), FACING_CAMERA)


def test_aflw2000_signs() -> None:
    assert (_at(yaw=30) @ _NOSE)[0] < -0.4, "yaw > 0 turns the face to the image's left"
    assert (_at(pitch=30) @ _NOSE)[1] < -0.4, "pitch > 0 looks up, against the image's v"
    assert (_at(roll=30) @ _UP)[0] > 0.4, "roll > 0 tilts the head clockwise on the screen"


def test_aflw2000_rotation_is_the_one_of_its_published_matlab_code() -> None:
    p, y, r = 0.3, -0.8, 0.2
    rx = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    ry = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    rz = np.array([[np.cos(r), np.sin(r), 0], [-np.sin(r), np.cos(r), 0], [0, 0, 1]])
    points = np.random.default_rng(0).normal(size=(5, 3))  # x right, y up, z to the viewer
    seen = points @ (rx @ ry @ rz).T
    head = np.column_stack([points[:, 2], points[:, 0], points[:, 1]])
    ours = head @ conventions.aflw2000_rotation([p, y, r], zero_pitch_degrees=0.0).T
    assert np.allclose(ours, seen * (1, -1, -1))


@pytest.mark.parametrize("degrees", [(0, 0, 0), (20, -70, 10), (-40, 85, -60), (95, 20, 120)])
def test_aflw2000_angles_come_back(degrees: tuple[float, float, float]) -> None:
    angles = np.radians(degrees)
    assert np.allclose(conventions.aflw2000_angles(conventions.aflw2000_rotation(angles)), angles)


def test_zero_pose_pitch_in_use_is_that_of_a_nodded_mean_face(model: FaceModel) -> None:
    landmarks = np.asarray(model.at(model.landmarks, model.mean), dtype=float)
    upright = np.column_stack([landmarks[:, 1], landmarks[:, 2], landmarks[:, 0]])
    looking_up = upright @ rotation_from_vector([-np.radians(5.0), 0, 0]).T * 17.0 + (3.0, 1.0, 2.0)
    assert conventions.zero_pose_pitch(landmarks, looking_up) == pytest.approx(5.0, abs=1e-6)
    nodded = conventions.aflw2000_rotation([0, 0, 0], zero_pitch_degrees=5.0)
    assert (nodded @ _NOSE)[1] == pytest.approx(-np.sin(np.radians(5.0)))


def test_line_of_sight_takes_out_where_the_head_is_in_the_picture() -> None:
    facing = rotation_from_yaw_pitch_roll([0.4, 0.1, -0.2])
    pose = np.eye(4)
    for vector in ([0.0, 0.0, 0.0], [0.0, 0.3, 0.0], [-0.2, 0.25, 0.0]):
        swing = rotation_from_vector(vector)  # the camera turns about its centre without rolling
        pose[:3, :3], pose[:3, 3] = swing @ facing, swing @ (0, 0, 0.7)
        assert geodesic(conventions.along_line_of_sight(pose), facing) < 1e-6


def test_afw_yaw_is_positive_to_the_right_of_the_image() -> None:
    turned = rotation_from_yaw_pitch_roll([np.radians(30.0), 0.1, 0.0])
    assert (turned @ _NOSE)[0] > 0.4
    assert conventions.afw_yaw(turned) == pytest.approx(30.0)


def test_pointing04_signs() -> None:
    assert (conventions.pointing04_rotation((0.0, 30.0)) @ _NOSE)[0] < -0.4, "pan > 0 turns to the image's left"
    assert (conventions.pointing04_rotation((30.0, 0.0)) @ _NOSE)[1] < -0.4, "tilt > 0 looks up, against the image's v"
    assert np.allclose(conventions.pointing04_rotation((0.0, 0.0)), FACING_CAMERA)


@pytest.mark.parametrize(("tilt", "pan"), [(-30.0, 45.0), (60.0, -75.0), (15.0, 90.0)])
def test_pointing04_angles_are_the_direction_of_the_nose(tilt: float, pan: float) -> None:
    rotation = conventions.pointing04_rotation((tilt, pan))
    assert np.allclose(conventions.pointing04_angles(rotation), (tilt, pan))
    right, down, forward = rotation @ _NOSE
    assert np.degrees(np.arcsin(-down)) == pytest.approx(tilt)
    assert np.degrees(np.arctan2(-right, -forward)) == pytest.approx(pan)


def test_synthesis_ai_head_turn_signs() -> None:
    turned = conventions.synthesis_ai_rotation((30.0, 0.0, 0.0), np.eye(3))
    assert (turned @ _NOSE)[0] < -0.4, "yaw > 0 turns the face to the image's left"
    assert (conventions.synthesis_ai_rotation((0.0, 30.0, 0.0), np.eye(3)) @ _NOSE)[1] > 0.4, "pitch > 0 looks down"
    assert (conventions.synthesis_ai_rotation((0.0, 0.0, 30.0), np.eye(3)) @ _UP)[0] < -0.4, "roll > 0: anticlockwise"
    tilted, both = (conventions.synthesis_ai_rotation((yaw, 10.0, 20.0), np.eye(3)) @ _UP for yaw in (0.0, 50.0))
    assert np.allclose(tilted, both), "yaw is about the head's own axis"


def test_a_mirrored_face_is_turned_and_not_mirrored_back() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3))
    assert np.linalg.det(conventions.rotation_between(points, points * (-1.0, 1.0, 1.0))) == pytest.approx(1.0)
