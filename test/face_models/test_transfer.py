"""Carrying per-vertex values from a source to our mesh, on a source that is our own small mesh."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from training.face_models.registration import Registration, graph_laplacian
from training.face_models.surface import Surface
from training.face_models.transfer import Transfer


def laid(model: FaceModel, supported: np.ndarray) -> Registration:
    """The model on itself, of which some vertices are taken to have no counterpart."""
    mean = model.mean.astype(np.float64)
    feet = Surface(mean, model.triangles).feet(mean, model.normals(mean))
    return Registration(np.eye(3), np.zeros(3), mean, mean, feet, supported, 1.0)


@pytest.fixture(scope="module")
def hole(small_model: FaceModel) -> np.ndarray:
    """(V,) bool: a patch of the right cheek."""
    return np.linalg.norm(small_model.mean - small_model.mean[400], axis=1) < 0.02


def test_on_the_surface_values_are_kept(small_model: FaceModel) -> None:
    everything = Transfer(small_model, laid(small_model, np.ones(len(small_model.mean), bool)), small_model.triangles)
    np.testing.assert_allclose(everything.mean(), small_model.mean, atol=1e-7)
    np.testing.assert_allclose(everything.skin(small_model.identity_basis), small_model.identity_basis, atol=1e-7)


def test_holes_are_filled_smoothly(small_model: FaceModel, hole: np.ndarray) -> None:
    assert 5 < hole.sum() < 100
    carry = Transfer(small_model, laid(small_model, ~hole), small_model.triangles)
    filled = carry.skin(small_model.identity_basis)
    outside = filled[:, ~hole]
    np.testing.assert_allclose(outside, small_model.identity_basis[:, ~hole], atol=1e-7)
    bend = np.stack([graph_laplacian(small_model.triangles, len(hole)) @ mode for mode in filled])
    np.testing.assert_allclose(bend[:, hole], 0.0, atol=1e-9)
    assert (filled[:, hole].max(axis=1) <= outside.max(axis=1)).all(), "no further than what surrounds it"


def test_a_common_motion_of_a_mode_is_found(small_model: FaceModel) -> None:
    """Our own mode, moved and in another unit: the motion is told from the shape, whatever the unit."""
    carry = Transfer(small_model, laid(small_model, np.ones(len(small_model.mean), bool)), small_model.triangles)
    motion = np.array([1e-3, 2e-3, -1e-3])
    for unit in (1.0, 1e-6):
        _, found = carry.identity(unit * (small_model.identity_basis[5:6] + motion))
        np.testing.assert_allclose(found[0], unit * motion, atol=unit * 2e-4)
