"""Placing landmarks on a mesh."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_vector
from training.face_models.landmarks import fit_convention, nearest_surface_point, read_convention, similarity
from training.face_models.place_landmarks import replace_landmarks


def test_similarity_recovers_what_was_applied() -> None:
    rng = np.random.default_rng(0)
    points = rng.standard_normal((20, 3))
    rotation = rotation_from_vector([0.3, -0.5, 0.2])
    scale, found, shift = similarity(points, 2.5 * points @ rotation.T + [1, 2, 3])
    assert abs(scale - 2.5) < 1e-9
    np.testing.assert_allclose(found, rotation, atol=1e-9)
    np.testing.assert_allclose(shift, [1, 2, 3], atol=1e-9)


def test_nearest_point_inside_on_an_edge_and_at_a_corner() -> None:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]])
    triangles = np.array([[0, 1, 2]])
    for point, expected in (
        ([0.2, 0.3, 0.5], [0.5, 0.2, 0.3]),
        ([0.5, -1.0, 0.0], [0.5, 0.5, 0.0]),
        ([-1.0, -1.0, 0.2], [1.0, 0.0, 0.0]),
    ):
        index, weights = nearest_surface_point(vertices, triangles, np.array(point))
        assert index == 0
        np.testing.assert_allclose(weights, expected, atol=1e-9)


def test_the_fit_explains_what_a_similarity_cannot(small_model: FaceModel) -> None:
    """Points of a known person, turned and scaled: identity takes up much of what size and turn leave over."""
    marks = small_model.at(small_model.landmarks, small_model.mean).astype(float)
    basis = np.stack([small_model.at(small_model.landmarks, b) for b in small_model.identity_basis]).astype(float)
    truth = np.zeros(len(basis))
    truth[[1, 4]] = 3.0, -3.0
    person = marks + np.tensordot(truth, basis, 1)
    elsewhere = 16.0 * person @ rotation_from_vector([0.1, 0.3, 0.0]).T + 4.0
    scale, rotation, shift = similarity(elsewhere[17:], marks[17:])
    alone = np.linalg.norm(scale * elsewhere @ rotation.T + shift - marks, axis=1)[17:].mean()
    coefficients, back = fit_convention(marks, basis, elsewhere)
    fitted = marks + np.tensordot(coefficients, basis, 1)
    assert np.linalg.norm(back - fitted, axis=1)[17:].mean() < 0.7 * alone


def test_landmarks_go_where_the_convention_has_them_on_the_mean_of_people(shipped_model: FaceModel) -> None:
    """A convention that differs from ours in jaw, brows and nose, seen on people who are not the model's mean."""
    model = shipped_model
    people = model.shape(np.r_[np.full(5, -1.0), np.zeros(model.basis.shape[2] - 5)]).astype(float)
    wanted = model.at(model.landmarks, people).astype(float)
    eyeballs = np.isin(model.regions, [i for i, name in enumerate(model.region_names) if name.startswith("eye_")])
    corners = model.triangles[np.flatnonzero(~eyeballs[model.triangles].any(axis=1))]
    for i in range(17, 27):  # brows a little higher, still on the surface
        triangle, weights = nearest_surface_point(people, corners, wanted[i] + [0.0, 0.0, 0.004])
        wanted[i] = weights @ people[corners[triangle]]
    elsewhere = 16.0 * wanted @ rotation_from_vector([0.0, 0.3, 0.0]).T + 4.0
    placed = replace_landmarks(model, people, elsewhere)
    found = placed.at(placed.landmarks, people)
    assert np.linalg.norm(found - wanted, axis=1).max() < 5e-4
    assert placed.content_hash == model.content_hash, "networks trained for the model still fit"
    np.testing.assert_array_equal(placed.landmarks.triangle[36:], model.landmarks.triangle[36:])


def test_a_convention_of_another_format_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", points68=np.arange(204.0).reshape(68, 3))
    assert read_convention(tmp_path / "good.npz")[67, 2] == 203.0
    np.savez(tmp_path / "other.npz", points=np.zeros((68, 3)))
    with pytest.raises(ValueError, match=r"other\.npz' lacks points68, it has points; --convention must hold"):
        read_convention(tmp_path / "other.npz")
    np.savez(tmp_path / "flat.npz", points68=np.zeros((68, 2)))
    with pytest.raises(ValueError, match=r"flat\.npz': points68 is \(68, 2\)"):
        read_convention(tmp_path / "flat.npz")
