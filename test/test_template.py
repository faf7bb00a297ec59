"""The template: every drawn pixel leads to the surface point drawn there, and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import KINDS, Template


@pytest.fixture(scope="module", params=KINDS)
def template(request: pytest.FixtureRequest, shipped_model: FaceModel) -> Template:
    return Template(shipped_model, request.param)


def test_pixel_to_surface_and_back(template: Template) -> None:
    rows, columns = np.nonzero(template.triangle >= 0)
    pixels = np.column_stack([columns, rows]).astype(np.float32)
    points, moved = template.surface_points(pixels)
    assert (points.triangle == template.triangle[rows, columns]).all()
    assert moved.max() < 0.01
    np.testing.assert_allclose(template.pixels(points), pixels, atol=0.01)


def test_between_pixels_it_is_continuous(template: Template) -> None:
    """A tenth of a pixel moves the surface point by little, except where the template itself is torn."""
    rng = np.random.default_rng(0)
    rows, columns = np.nonzero(template.triangle >= 0)
    pick = rng.choice(len(rows), 500)
    pixels = np.column_stack([columns, rows])[pick] + rng.uniform(-0.4, 0.4, (500, 2))
    model = template.model
    a, _ = template.surface_points(pixels)
    b, _ = template.surface_points(pixels + 0.1)
    moved = np.linalg.norm(model.at(a, model.mean) - model.at(b, model.mean), axis=1)
    assert np.median(moved) < 0.0005
    assert np.quantile(moved, 0.95) < 0.003


def test_pixels_beside_the_face_say_how_far(template: Template) -> None:
    _, moved = template.surface_points(np.array([[0.0, 0.0], [127.0, 0.0]]))
    assert (moved > 3.0).all()


def test_it_is_symmetric(template: Template) -> None:
    mirrored = template.coordinates[template.model.mirror]
    np.testing.assert_allclose(template.coordinates[:, 0] + mirrored[:, 0], template.size - 1, atol=0.3)
    np.testing.assert_allclose(template.coordinates[:, 1], mirrored[:, 1], atol=0.3)


def test_the_viewer_sees_the_persons_left_on_the_right(template: Template) -> None:
    eyes = template.pixels(template.model.landmarks)[[36, 45]]  # outer corners: the person's right, left
    assert eyes[1, 0] > eyes[0, 0] + 20


def test_the_hash_names_what_is_drawn(shipped_model: FaceModel, small_model: FaceModel) -> None:
    hashes = {Template(m, k).hash for m in (shipped_model, small_model) for k in KINDS}
    assert len(hashes) == 4
    others = replace(small_model, identity_basis=2.0 * small_model.identity_basis)
    assert Template(others).hash == Template(small_model).hash, "people differ otherwise, the template is the same"
    for moved in ({"mean": small_model.mean + 0.001}, {"template_coordinates": small_model.template_coordinates[::-1]}):
        assert Template(replace(small_model, **moved)).hash not in hashes
    assert Template(shipped_model).hash == Template(shipped_model, "cylindrical").hash


def test_the_cylinder_gives_the_cheeks_their_pixels(shipped_model: FaceModel) -> None:
    def share(kind: str) -> float:
        template = Template(shipped_model, kind)
        drawn = template.triangle[template.triangle >= 0]
        beside = np.abs(shipped_model.mean[shipped_model.triangles[drawn, 0], 1]) > 0.055
        return float(beside.mean())

    assert share("cylindrical") > 1.5 * share("frontal")


def test_an_unknown_kind_is_refused(shipped_model: FaceModel) -> None:
    with pytest.raises(ValueError, match="kind is 'conical'; known are cylindrical, frontal"):
        Template(shipped_model, "conical")


def test_the_picture_shows_the_face_on_grey(template: Template) -> None:
    assert template.image.shape == (128, 128, 3)
    assert (template.image[template.triangle < 0] == 128).all()
    assert template.image[template.triangle >= 0].std() > 10
