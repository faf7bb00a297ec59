from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from dense_face_ros.crop import Crop
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.geometry import Array, PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.template import KINDS, Template
from training.rendering.targets import TargetRenderer, cell_centres, drawn_triangles

CAMERA = PinholeCamera.from_field_of_view(640, 480, 50.0)


@pytest.fixture(scope="module", params=KINDS)
def template(request: pytest.FixtureRequest, small_model: FaceModel) -> Template:
    return Template(small_model, request.param)


class _Pose(NamedTuple):
    rotation: Array
    translation: Array
    crop: Crop


def _pose(yaw: float = 0.0) -> _Pose:
    translation = np.array([0.05, -0.02, 0.7])
    pixel = CAMERA.project(translation)
    rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, 5.0, -8.0]))
    return _Pose(rotation, translation, Crop((float(pixel[0]), float(pixel[1])), 260.0, 0.2))


def test_every_matchable_cell_names_the_template_pixel_of_the_surface_it_shows(template: Template) -> None:
    model, pose = template.model, _pose(25.0)
    coefficients = np.random.default_rng(0).normal(0, 0.7, model.identity_size + model.expression_size).clip(-1, 1)
    points = model.shape(coefficients) @ pose.rotation.T + pose.translation
    targets = TargetRenderer(template).render(pose.crop.from_image(CAMERA.project(points)), points[:, 2])
    assert targets.template.shape == (2, 64, 64) and targets.template.dtype == np.float32
    rows, columns = np.nonzero(targets.matchable)
    assert len(rows) > 800
    # Back through the template to the surface, and through the camera to the crop: the cell's own centre.
    shown, moved = template.surface_points(targets.template[:, rows, columns].T)
    surface = model.at(shown, model.shape(coefficients)) @ pose.rotation.T + pose.translation
    seen = pose.crop.from_image(CAMERA.project(surface))
    error = np.linalg.norm(seen - cell_centres((64, 64), 2)[:, rows, columns].T, axis=1)
    assert np.median(error) < 0.05 and np.mean(error < 1.0) > 0.97 and np.median(moved) < 0.01


def test_a_known_surface_point_gets_exactly_its_template_pixel(template: Template) -> None:
    model = template.model
    tip = int(np.argmax(model.mean[:, 0]))
    triangle = int(np.flatnonzero((model.triangles == tip).any(axis=1))[0])
    point = SurfacePoints(np.array([triangle], np.int32), np.float32([[0.4, 0.3, 0.3]]))
    pose = _pose()
    in_camera = model.at(point, model.mean) @ pose.rotation.T + pose.translation
    # A crop whose cell (32, 20) has its centre exactly on that point: crop pixel (40.5, 64.5).
    crop = Crop((0.0, 0.0), 200.0)
    centre = CAMERA.project(in_camera)[0] - crop.to_image(np.array([40.5, 64.5]))
    crop = Crop((float(centre[0]), float(centre[1])), 200.0)
    points = model.mean @ pose.rotation.T + pose.translation
    targets = TargetRenderer(template).render(crop.from_image(CAMERA.project(points)), points[:, 2])
    assert targets.matchable[32, 20]
    np.testing.assert_allclose(targets.template[:, 32, 20], template.pixels(point)[0], atol=2e-3)
    np.testing.assert_allclose(targets.flow[:, 32, 20], template.pixels(point)[0] - (40.5, 64.5), atol=2e-3)


def test_the_mirrored_head_gives_the_mirrored_targets(template: Template) -> None:
    model = template.model
    renderer = TargetRenderer(template)
    points = model.mean @ rotation_from_yaw_pitch_roll(np.radians([35.0, 5.0, 10.0])).T + (0.03, 0.01, 0.6)
    mirrored = (points * (-1, 1, 1))[model.mirror]
    one, other = (renderer.render(p[:, :2] / p[:, 2:] * 260.0 + 63.5, p[:, 2]) for p in (points, mirrored))
    same = one.matchable == other.matchable[:, ::-1]
    assert same.mean() > 0.98  # the mesh's diagonals are not mirrored, so cells at the rim may differ
    both = one.matchable & other.matchable[:, ::-1]
    gap = np.abs(one.template[0] - (127.0 - other.template[0][:, ::-1]))[both]
    assert both.sum() > 500 and np.quantile(gap, 0.98) < 0.6


def test_the_frontal_template_does_not_show_the_far_side_of_the_head(small_model: FaceModel) -> None:
    drawn = drawn_triangles(Template(small_model, "frontal"))
    centres = small_model.mean[small_model.triangles].mean(axis=1)
    longitude = np.abs(np.arctan2(centres[:, 1], centres[:, 0] + 0.075))
    assert drawn[longitude < 0.9].mean() > 0.95
    assert drawn[longitude > 1.7].mean() < 0.6
    assert drawn_triangles(Template(small_model, "cylindrical")).mean() > 0.95


def test_a_surface_behind_another_in_the_template_is_not_matchable(small_model: FaceModel) -> None:
    """A second sheet 2 cm behind the face has the same template pixels but is not what the template shows."""
    v, t = len(small_model.mean), len(small_model.triangles)

    def twice(values: np.ndarray, axis: int = 0) -> np.ndarray:
        return np.concatenate([values, values], axis=axis)

    behind = small_model.mean * np.float32([0.7, 0.7, 1.0])
    model = dataclasses.replace(
        small_model,
        mean=np.concatenate([small_model.mean, behind]),
        identity_basis=twice(small_model.identity_basis, 1),
        expression_basis=twice(small_model.expression_basis, 1),
        triangles=np.concatenate([small_model.triangles, small_model.triangles + v]),
        regions=twice(small_model.regions),
        template_coordinates=twice(small_model.template_coordinates),
        mirror=np.concatenate([small_model.mirror, small_model.mirror + v]),
        albedo=twice(small_model.albedo),
    )
    drawn = drawn_triangles(Template(model))
    assert drawn[:t].mean() > 0.9 and drawn[t:].mean() < 0.15
