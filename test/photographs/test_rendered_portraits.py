"""Rendered people as photographs: the picture shows what its truth says."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import yaw_pitch_roll_from_rotation
from training.photographs.rendered_portraits import Portrait, portraits

ANGLES = np.array([[0.0, 0.0, 0.0], [35.0, 5.0, 2.0], [-50.0, -5.0, 0.0]])


@pytest.fixture(scope="module")
def views(shipped_model: FaceModel) -> list[Portrait]:
    return portraits(shipped_model, 3, ANGLES)


def test_the_face_is_where_the_truth_says(shipped_model: FaceModel, views: list[Portrait]) -> None:
    assert len(views) == len(ANGLES)
    for view, angles in zip(views, ANGLES, strict=True):
        assert view.image.shape == (192, 192, 3)
        assert ((view.landmarks > 0) & (view.landmarks < 191)).all()
        np.testing.assert_allclose(np.degrees(yaw_pitch_roll_from_rotation(view.rotation)), angles, atol=1.5)
        shape = shipped_model.shape(np.concatenate([view.identity, np.zeros(shipped_model.expression_size)]))
        marks = shipped_model.at(shipped_model.landmarks, shape) @ view.pose[:3, :3].T + view.pose[:3, 3]
        np.testing.assert_allclose(view.camera.project(marks), view.landmarks, atol=1e-3)


def test_a_seed_is_a_person(shipped_model: FaceModel, views: list[Portrait]) -> None:
    again, other = portraits(shipped_model, 3, ANGLES[:1])[0], portraits(shipped_model, 4, ANGLES[:1])[0]
    np.testing.assert_array_equal(views[0].image, again.image)
    assert (views[0].identity == views[1].identity).all() and (views[0].identity != other.identity).any()
