from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.attention.directions import (
    HeadDirection,
    between_degrees,
    camera_mounting,
    lasting_error,
    mounting_angles,
    pose_flaw,
)
from dense_face_ros.geometry import FACING_CAMERA, rotation_from_vector, rotation_from_yaw_pitch_roll

SMALL = np.radians(1.0) ** 2 * np.eye(3)


def test_a_camera_in_front_sees_the_angles_of_the_head_as_they_are_in_the_car() -> None:
    rotation = camera_mounting(0, 0, 0) @ rotation_from_yaw_pitch_roll(np.radians([20.0, -10.0, 5.0]))
    direction = HeadDirection.of(rotation, SMALL)
    assert (direction.yaw, direction.pitch, direction.sigma) == pytest.approx((20.0, -10.0, 1.0))


def test_the_uncertainty_is_that_of_the_worst_way_also_between_yaw_and_pitch() -> None:
    together = np.radians(1.0) ** 2 * np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.9], [0.0, 0.9, 1.0]])
    assert HeadDirection.of(np.eye(3), together).sigma == pytest.approx(np.sqrt(1.9))


@pytest.mark.parametrize(
    ("angles", "axis"),
    [
        ((0, 0, 0), (-1, 0, 0)),
        ((90, 0, 0), (0, -1, 0)),  # to the right
        ((0, 90, 0), (0, 0, 1)),  # up
    ],
)
def test_where_a_mounted_camera_looks(angles: tuple[float, float, float], axis: tuple[float, float, float]) -> None:
    assert camera_mounting(*angles)[:, 2] == pytest.approx(np.array(axis), abs=1e-9)


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, 10, 5), (-40, 20, -8), (3, -2, 180), (170, 80, -90)])
def test_a_mounting_is_told_in_the_angles_that_make_it(angles: tuple[float, float, float]) -> None:
    assert camera_mounting(*mounting_angles(camera_mounting(*angles))) == pytest.approx(camera_mounting(*angles))
    assert mounting_angles(camera_mounting(*angles)) == pytest.approx(angles)


def test_who_faces_the_road_does_so_for_every_camera() -> None:
    for angles in ((30, 10, 5), (-40, 20, -8)):
        mounting = camera_mounting(*angles)
        direction = HeadDirection.of(mounting @ mounting.T, SMALL)
        assert (direction.yaw, direction.pitch) == pytest.approx((0.0, 0.0), abs=1e-9)


@pytest.mark.parametrize("pitch", [-90.0, 90.0])
def test_rounding_lets_nobody_look_further_than_straight_up_or_down(pitch: float) -> None:
    rotation = (1.0 + 1e-12) * FACING_CAMERA.T @ rotation_from_yaw_pitch_roll(np.radians([0.0, pitch, 0.0]))
    assert HeadDirection.of(rotation, SMALL).pitch == pytest.approx(pitch)


def test_sigma_is_that_of_the_worst_way_across_the_direction() -> None:
    rotation = FACING_CAMERA.T @ rotation_from_yaw_pitch_roll(np.radians([40.0, 15.0, 0.0]))
    rng = np.random.default_rng(0)
    root = np.radians(rng.normal(size=(3, 3)))
    covariance = root @ root.T
    forward = rotation[:, 0]
    turned = np.array([rotation_from_vector(root @ rng.normal(size=3) * 0.1) @ forward for _ in range(20_000)])
    spread = np.degrees(np.sqrt(np.linalg.eigvalsh(np.cov(turned.T))[-1])) / 0.1
    assert HeadDirection.of(rotation, covariance).sigma == pytest.approx(spread, rel=0.05)
    about_itself = np.radians(30.0) ** 2 * np.outer(forward, forward)
    assert HeadDirection.of(rotation, about_itself).sigma == pytest.approx(0.0, abs=1e-5)


def test_what_is_no_evidence() -> None:
    spread = np.radians(1.0) ** 2 * np.eye(6)
    only_position = np.diag([1e-4, 1e-4, 1e-4, 0.0, 0.0, 0.0])
    assert pose_flaw(np.eye(3), spread) == ""
    torn, untold = np.eye(3), spread.copy()
    torn[0, 1] = untold[3, 4] = np.nan
    for turn in (np.full((3, 3), np.nan), torn):
        assert pose_flaw(turn, spread) == "the orientation of head_pose is no unit quaternion"
    rotations = [1e-4, 0.0, 0.0], [0.0, 1e-4, 1e-4], [1e-4, -1e-6, 1e-4], [1e-4, np.nan, 1e-4]
    unusable = [np.diag([1e-4, 1e-4, 1e-4, *variances]) for variances in rotations]
    # A variance of zero was not computed.
    for covariance in (None, only_position, np.full((6, 6), np.nan), untold, *unusable):
        assert pose_flaw(np.eye(3), covariance) == "head_pose has no valid covariance"


def test_lasting_error_is_the_part_of_the_rotation_that_goes_with_the_depth() -> None:
    rng = np.random.default_rng(4)
    cause, noise = rng.normal(size=(50_000, 1)), 0.01 * rng.normal(size=(50_000, 6))
    noise[:, 2] = 0.0
    errors = cause * np.array([0.0, 0.0, 0.2, 0.05, -0.02, 0.0]) + noise
    assert lasting_error(np.cov(errors.T)) == pytest.approx(np.array([0.05, -0.02, 0.0]), abs=1e-3)
    assert not lasting_error(np.eye(6)).any() and not lasting_error(np.zeros((6, 6))).any()


@pytest.mark.parametrize(
    ("a", "b", "angle"),
    [
        ((10.0, 5.0), (13.0, 9.0), 5.0),
        ((175.0, 0.0), (-177.0, 0.0), 8.0),  # across the rear
        ((10.0, 60.0), (14.0, 60.0), 2.0),  # far down
    ],
)
def test_angles_between_directions(a: tuple[float, float], b: tuple[float, float], angle: float) -> None:
    assert between_degrees(HeadDirection(*a, 1.0), HeadDirection(*b, 1.0)) == pytest.approx(angle, rel=0.02)
