"""Conventions of pixels, cameras and rotations."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dense_face_ros.geometry import (
    FACING_CAMERA,
    PinholeCamera,
    cross,
    quaternion_from_rotation,
    rotation_from_quaternion,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    vector_from_rotation,
    yaw_pitch_roll_from_rotation,
)

angles = st.floats(-1.4, 1.4)


@pytest.mark.parametrize("model", ["equidistant", "plumb_bob"])
def test_calibrations_come_as_whole_numbers_and_as_arrays(model: str) -> None:
    camera = PinholeCamera(380, 380, 640, 400, 1280, 800, model, np.zeros((4, 1)))  # type: ignore[arg-type]
    same = PinholeCamera(380.0, 380.0, 640.0, 400.0, 1280, 800, model, (0, 0, 0, 0))
    assert camera == same and hash(camera) == hash(same)
    pixels = np.array([[700.0, 420.0]])
    straight = camera.undistort(pixels)
    rays = np.column_stack([(straight - [640.0, 400.0]) / 380.0, np.ones(1)])
    np.testing.assert_allclose(camera.project(rays), pixels, atol=1e-9)


def test_a_face_towards_the_camera() -> None:
    """Its nose points at the camera (-z), its left is the image's right (+x), its top the image's top (-y)."""
    assert np.linalg.det(FACING_CAMERA) == pytest.approx(1.0)
    np.testing.assert_array_equal(FACING_CAMERA @ np.eye(3), np.column_stack([(0, 0, -1), (1, 0, 0), (0, -1, 0)]))


def test_signs_of_yaw_pitch_and_roll() -> None:
    nose, top = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    assert (rotation_from_yaw_pitch_roll([0.3, 0, 0]) @ nose)[0] > 0, "yaw > 0 looks to the image's right"
    assert (rotation_from_yaw_pitch_roll([0, 0.3, 0]) @ nose)[1] > 0, "pitch > 0 looks down"
    assert (rotation_from_yaw_pitch_roll([0, 0, 0.3]) @ top)[0] < 0, "roll > 0 tilts to the person's right shoulder"


@given(angles, angles, angles)
def test_yaw_pitch_roll_round_trip(yaw: float, pitch: float, roll: float) -> None:
    rotation = rotation_from_yaw_pitch_roll([yaw, pitch, roll])
    np.testing.assert_allclose(yaw_pitch_roll_from_rotation(rotation), [yaw, pitch, roll], atol=1e-9)


def test_angles_of_many_rotations_at_once() -> None:
    angles_of_each = np.array([[0.3, -0.2, 0.1], [-1.2, 0.5, -0.7]])
    rotations = np.stack([rotation_from_yaw_pitch_roll(row) for row in angles_of_each])
    np.testing.assert_allclose(yaw_pitch_roll_from_rotation(rotations), angles_of_each, atol=1e-9)


@given(st.tuples(angles, angles, angles))
def test_rotation_vector_round_trip_and_quaternion(vector: tuple[float, float, float]) -> None:
    rotation = rotation_from_vector(vector)
    np.testing.assert_allclose(rotation, cv2.Rodrigues(np.array(vector))[0], atol=1e-9)
    np.testing.assert_allclose(rotation_from_vector(vector_from_rotation(rotation)), rotation, atol=1e-7)
    x, y, z, w = quaternion_from_rotation(rotation)
    from scipy.spatial.transform import Rotation

    np.testing.assert_allclose(Rotation.from_quat([x, y, z, w]).as_matrix(), rotation, atol=1e-7)
    np.testing.assert_allclose(rotation_from_quaternion([x, y, z, w]), rotation, atol=1e-7)
    assert w >= 0


@pytest.mark.parametrize("w", [0.0, 0.9, 1.1, 2.0, -2.0, np.nan])
def test_what_is_no_unit_quaternion_is_no_rotation(w: float) -> None:
    assert np.isnan(rotation_from_quaternion((0.0, 0.0, 0.0, w))).all()


@pytest.mark.parametrize("length", [0.97, 1.03])
def test_a_quaternion_is_scaled_to_a_unit_one(length: float) -> None:
    rotation = rotation_from_vector([0.4, -0.9, 1.2])
    scaled = rotation_from_quaternion(length * quaternion_from_rotation(rotation))
    np.testing.assert_allclose(scaled, rotation, atol=1e-12)


@pytest.mark.parametrize(
    ("model", "numbers"),
    [
        ("", ()),
        ("plumb_bob", (-0.25, 0.08, 0.001, -0.0005, 0.0)),
        ("rational_polynomial", (0.1, -0.05, 0.0, 0.0, 0.01, 0.12, -0.02, 0.0)),
        ("plumb_bob", (0.1, -0.05, 0.0, 0.0, 0.01, 0.12, -0.02, 0.0)),
        ("rational_polynomial", (-0.25, 0.08, 0.001, -0.0005, 0.0)),
        ("rational_polynomial", (0.1, -0.05, 0.0, 0.0, 0.01, 0.12, -0.02, 0.0, 0.001, 0.0, -0.001, 0.0)),
        ("equidistant", (-0.02, 0.003, 0.0, 0.0)),
    ],
)
def test_undistorted_pixels_are_those_of_the_plain_pinhole(model: str, numbers: tuple[float, ...]) -> None:
    lens = PinholeCamera(500.0, 510.0, 320.0, 240.0, 640, 480, model, numbers)
    plain = PinholeCamera(500.0, 510.0, 320.0, 240.0, 640, 480)
    points = np.array([[0.1, 0.05, 0.6], [-0.2, 0.1, 0.7], [0.0, 0.0, 1.0]])
    np.testing.assert_allclose(lens.undistort(lens.project(points)), plain.project(points), atol=0.02)
    assert lens.undistort(np.empty((0, 2))).shape == lens.project(np.empty((0, 3))).shape == (0, 2)
    here = lens.project(points)
    moved = [lens.undistort(here + step) - lens.undistort(here - step) for step in ([0.5, 0.0], [0.0, 0.5])]
    area = np.linalg.det(np.stack(moved, axis=1))
    np.testing.assert_allclose(lens.magnification(lens.undistort(here)), np.sqrt(area), rtol=0.01)


def test_an_ideal_fisheye_is_no_pinhole() -> None:
    lens = PinholeCamera(400.0, 400.0, 320.0, 240.0, 640, 480, "equidistant", (0.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(lens.project(np.array([1.0, 0.0, 1.0])), (320.0 + 400.0 * np.pi / 4, 240.0), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fx": 0.0}, "focal length is fx=0.0"),
        ({"fx": float("nan")}, "camera fx is nan"),
        ({"width": 0}, "image size is 0x480"),
        ({"distortion_model": "fov", "distortion": (0.9,)}, "distortion_model is 'fov'"),
        ({"distortion_model": "plumb_bob", "distortion": (0.1,)}, "has 1 numbers"),
    ],
)
def test_what_is_no_camera_is_named(change: dict[str, object], message: str) -> None:
    good: dict[str, object] = {"fx": 500.0, "fy": 500.0, "cx": 320.0, "cy": 240.0, "width": 640, "height": 480}
    with pytest.raises(ValueError, match=message):
        PinholeCamera(**{**good, **change})  # type: ignore[arg-type]


def test_cross_products_of_rows() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 50, 3))
    np.testing.assert_allclose(cross(a, b), np.cross(a, b), atol=1e-15)


def test_an_image_shows_what_lies_on_its_pixels() -> None:
    camera = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
    corners = np.array([[-0.4, -0.4], [639.4, 479.4]])
    assert camera.shows(corners).all()
    beside = np.array([[-0.6, 240.0], [639.6, 240.0], [320.0, -0.6], [320.0, 479.6], [np.nan, 240.0]])
    assert not camera.shows(beside).any()


@pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640)])
def test_an_assumed_angle_spans_the_longer_side(width: int, height: int) -> None:
    camera = PinholeCamera.from_field_of_view(width, height, 60.0)
    assert camera.fx == camera.fy == pytest.approx(320.0 / np.tan(np.radians(30.0)))


@pytest.mark.parametrize("angle", [179.0, 179.999, 180.0])
def test_half_a_turn_has_a_rotation_vector(angle: float) -> None:
    axis = np.array([0.48, -0.6, 0.64])
    found = vector_from_rotation(rotation_from_vector(np.radians(angle) * axis))
    assert np.degrees(np.linalg.norm(found)) == pytest.approx(angle, abs=1e-4)
    assert abs(float(found @ axis)) == pytest.approx(np.radians(angle), abs=1e-4)  # of 180 degrees either way round
