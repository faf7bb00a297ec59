"""Fitting the outline beside the correspondences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_views import CAMERA, View, project, take

from dense_face_ros.alignment import Aligner, AlignmentSettings
from dense_face_ros.calibration import Calibration
from dense_face_ros.energy import FitState
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.outline import Outline

INDEPENDENT = AlignmentSettings(independent_share=1.0)
HONEST = Calibration(covariance_share=1.0, distance_factor=1.0)


def test_the_outline_tells_the_shape_where_no_correspondence_does(small_model: FaceModel) -> None:
    """It is asked of the face that the correspondences alone give, and measures across itself only."""
    view = View.of(small_model, np.random.default_rng(12), count=300, noise=0.3)
    aside = small_model.at(view.correspondences.points, small_model.mean)[:, 1]
    middle, sides = (np.flatnonzero(kept) for kept in (np.abs(aside) < 0.03, np.abs(aside) > 0.06))
    known, edge = take(view.correspondences, middle), take(view.correspondences, sides)
    out = np.sign(edge.pixels[:, 0] - known.pixels[:, 0].mean())
    further = edge.pixels + np.column_stack([2.0 * out, np.full(len(out), 40.0)])
    asked: list[np.ndarray] = []

    def outline(face: FitState) -> Outline:
        asked.append(small_model.shape(face.coefficients) @ face.rotation.T + face.translation)
        return Outline(edge.points, further, np.column_stack([out, np.zeros(len(out))]))

    aligner = Aligner(small_model, INDEPENDENT, HONEST)
    without, fit = aligner.align(known, CAMERA), aligner.align(known, CAMERA, outline=outline)
    before, after = (project(small_model, one.pose, one.coefficients) for one in (without, fit))
    np.testing.assert_allclose(CAMERA.project(asked[0]), before, atol=0.01)
    assert np.mean(small_model.at(edge.points, after - before)[:, 0] * out) == pytest.approx(2.0, abs=0.8)
    assert np.abs(small_model.at(known.points, after - before)).mean() < 1.0
    assert fit.residual < 1.5 * without.residual  # of the correspondences alone


@pytest.mark.parametrize(("moved", "times"), [(0.001, 1), (0.02, 2)])
def test_the_outline_is_that_of_the_start_where_the_face_stayed_there(
    small_model: FaceModel, moved: float, times: int
) -> None:
    view = View.of(small_model, np.random.default_rng(15), yaw=15.0, noise=0.2)
    edge = View.of(small_model, np.random.default_rng(15), yaw=15.0, count=20).correspondences
    asked: list[FitState] = []

    def outline(face: FitState) -> Outline:
        asked.append(face)
        return Outline(edge.points, edge.pixels, np.tile([1.0, 0.0], (20, 1)))

    aligner = Aligner(small_model)
    start = aligner.align(view.correspondences, CAMERA)
    before = replace(start, pose=start.pose + np.array([[0, 0, 0, moved]] + 3 * [4 * [0]]))
    fit = aligner.align(view.correspondences, CAMERA, start=before, outline=outline)
    assert len(asked) == times
    np.testing.assert_array_equal(asked[0].translation, before.pose[:3, 3])
    np.testing.assert_allclose(asked[-1].translation, fit.pose[:3, 3], atol=0.003)


def test_without_a_start_the_outline_is_chosen_again_for_the_face_that_it_shaped(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(16), noise=0.2)
    edge = View.of(small_model, np.random.default_rng(16), count=20).correspondences
    asked: list[FitState] = []

    def outline(face: FitState) -> Outline:
        asked.append(face)
        return Outline(edge.points, edge.pixels + [2.0, 0.0], np.tile([1.0, 0.0], (20, 1)))

    aligner = Aligner(small_model)
    fit = aligner.align(view.correspondences, CAMERA, outline=outline)
    first, second = (project(small_model, _pose(face), face.coefficients) for face in asked)
    assert np.abs(second - first).max() > 0.05
    np.testing.assert_allclose(project(small_model, fit.pose, fit.coefficients), second, atol=0.02)


def _pose(face: FitState) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = face.rotation, face.translation
    return pose


def test_a_fit_without_an_outline_in_sight_is_that_of_the_correspondences(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(13), yaw=15.0, noise=0.5)
    nothing = Outline(SurfacePoints(np.zeros(0, np.int32), np.zeros((0, 3), np.float32)), *2 * [np.zeros((0, 2))])
    aligner = Aligner(small_model)
    without, fit = (aligner.align(view.correspondences, CAMERA, outline=o) for o in (None, lambda face: nothing))
    np.testing.assert_array_equal(fit.pose, without.pose)
    np.testing.assert_array_equal(fit.information, without.information)


def test_an_outline_of_something_else_does_not_spoil_the_fit(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(14), yaw=-20.0, noise=0.5)
    edge = View.of(small_model, np.random.default_rng(14), yaw=-20.0, count=30).correspondences
    hand = Outline(edge.points, edge.pixels + [14.0, 0.0], np.tile([1.0, 0.0], (30, 1)))
    aligner = Aligner(small_model)
    fit, without = (aligner.align(view.correspondences, CAMERA, outline=o) for o in (lambda face: hand, None))
    moved = project(small_model, fit.pose, fit.coefficients) - project(small_model, without.pose, without.coefficients)
    assert np.abs(moved).max() < 1.0
