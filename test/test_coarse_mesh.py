from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from small_face import small_face

from dense_face_ros.coarse_mesh import coarse_triangles
from dense_face_ros.face_model import FaceModel

MOST = 2000


def normals(shape: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (shape[triangles[:, i]] for i in range(3))
    return np.cross(b - a, c - a)


@pytest.fixture(scope="module")
def shipped() -> FaceModel:
    return FaceModel.load()


@pytest.fixture(scope="module")
def coarse(shipped: FaceModel) -> np.ndarray:
    return coarse_triangles(shipped.mean, shipped.triangles, MOST)


def test_the_shipped_face_is_drawn_by_one_to_two_thousand_triangles(coarse: np.ndarray) -> None:
    assert 1000 < len(coarse) <= MOST


def test_no_triangle_is_degenerate_or_there_twice(coarse: np.ndarray) -> None:
    corners = np.sort(coarse, axis=1)
    assert (np.diff(corners, axis=1) > 0).all() and len(np.unique(corners, axis=0)) == len(coarse)
    edges = np.sort(coarse[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2, "no edge has a third triangle"


def test_triangles_face_outwards_as_before(shipped: FaceModel, coarse: np.ndarray) -> None:
    outward = shipped.normals(shipped.mean)[coarse].mean(axis=1)
    assert ((normals(shipped.mean, coarse) * outward).sum(axis=1) > 0.0).mean() > 0.99, "but in the folds of the ears"


@pytest.mark.parametrize("expression", ["", "jawOpen", "eyeBlink_L"])
def test_the_surface_stays_where_it_was(shipped: FaceModel, coarse: np.ndarray, expression: str) -> None:
    coefficients = np.zeros(shipped.identity_size + shipped.expression_size)
    if expression:
        coefficients[shipped.identity_size + shipped.expression_names.index(expression)] = 1.0
    shape = shipped.shape(coefficients)
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 10).astype(np.float32)
    surface = np.concatenate([(shape[shipped.triangles] * each[:, None]).sum(axis=1) for each in weights])
    away, _ = cKDTree(surface).query(shape[coarse].mean(axis=1))
    assert np.median(away) < 0.0006 and away.max() < 0.003, "metres"
    areas = [np.linalg.norm(normals(shape, triangles), axis=1).sum() for triangles in (coarse, shipped.triangles)]
    assert areas[0] == pytest.approx(areas[1], rel=0.03), "it has no holes"


def test_what_touches_without_being_joined_stays_apart() -> None:
    """Two sheets a hair apart, as closed lips."""
    face = small_face()
    shape = np.concatenate([face.mean, face.mean + np.float32(1e-5)])
    triangles = coarse_triangles(shape, np.concatenate([face.triangles, face.triangles + len(face.mean)]), 800)
    first = triangles < len(face.mean)
    assert (first.all(axis=1) | ~first.any(axis=1)).all() and 300 < first.all(axis=1).sum() < 500


def test_a_mesh_that_is_coarse_enough_is_left_as_it_is() -> None:
    face = small_face()
    assert coarse_triangles(face.mean, face.triangles, len(face.triangles)) is face.triangles
