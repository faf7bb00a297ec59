"""The closed-form start: right at every pose, untouched by outliers."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_views import CAMERA, View

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import vector_from_rotation
from dense_face_ros.initial_pose import consensus, initial_pose


def _rays(view: View) -> np.ndarray:
    return (view.correspondences.pixels - (CAMERA.cx, CAMERA.cy)) / (CAMERA.fx, CAMERA.fy)


@pytest.mark.parametrize("yaw", [-80, -30, 0, 50, 80])
@pytest.mark.parametrize("roll", [0, 90, 180])
def test_pose_of_another_face_is_near_enough_to_start_from(small_model: FaceModel, yaw: float, roll: float) -> None:
    view = View.of(small_model, np.random.default_rng(1), yaw=yaw, roll=roll, noise=1.0, outliers=0.3)
    pose = initial_pose(small_model.at(view.correspondences.points, small_model.mean.astype(float)), _rays(view))
    assert pose is not None
    rotation, translation = pose
    assert np.degrees(np.linalg.norm(vector_from_rotation(rotation @ view.pose[:3, :3].T))) < 20.0
    assert translation / translation[2] == pytest.approx(view.pose[:3, 3] / view.pose[2, 3], abs=0.02)
    assert translation[2] == pytest.approx(view.pose[2, 3], rel=0.2)


def test_a_face_that_fills_no_pixel_has_no_pose(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(1))
    points = small_model.at(view.correspondences.points, small_model.mean.astype(float))
    assert initial_pose(points, 1e-4 * _rays(view)) is None


def test_consensus_tells_outliers_apart(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(2), yaw=30.0)
    rays = _rays(view)
    rays[:60] += 0.08
    agreement = consensus(small_model.at(view.correspondences.points, small_model.mean.astype(float)), rays)
    assert agreement[:60].max() < 0.1
    assert np.median(agreement[60:]) > 0.5


def test_the_same_correspondences_give_the_same_pose(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(3), noise=2.0, outliers=0.4)
    points = small_model.at(view.correspondences.points, small_model.mean.astype(float))
    first, second = initial_pose(points, _rays(view)), initial_pose(points, _rays(view))
    assert first is not None and second is not None
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
