"""The face model on a portrait's points: on a rendered person, whose shape and pose are known."""

from __future__ import annotations

import numpy as np
import pytest
from portraits_folder import points_of, rendered_portrait

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import vector_from_rotation
from training.benchmarks.stills import Still
from training.photographs.portrait_fit import AT_LANDMARKS, JAW, LEFT_EAR, RIGHT_EAR, PortraitFitter


@pytest.fixture(scope="module")
def portrait(shipped_model: FaceModel) -> Still:
    return rendered_portrait(shipped_model)


def misses(model: FaceModel, portrait: Still, points: np.ndarray) -> tuple[float, np.ndarray]:
    """Degrees by which the fit is turned, and pixels (V,) by which its vertices miss the true ones."""
    fitted = PortraitFitter(model).fit(portrait.image, points)
    assert fitted is not None
    fit, camera = fitted
    turn = np.linalg.norm(vector_from_rotation(fit.pose[:3, :3] @ portrait.pose[:3, :3].T))
    found = camera.project(model.shape(fit.coefficients) @ fit.pose[:3, :3].T + fit.pose[:3, 3])
    true = model.shape(np.concatenate([portrait.identity, np.zeros(model.expression_size)]))
    gap = found - portrait.camera.project(true @ portrait.pose[:3, :3].T + portrait.pose[:3, 3])
    return float(np.degrees(turn)), np.linalg.norm(gap, axis=1)


def test_the_model_is_fitted_to_the_points(shipped_model: FaceModel, portrait: Still) -> None:
    turn, gap = misses(shipped_model, portrait, points_of(portrait, shipped_model))
    assert turn < 4.0
    size = np.sqrt(np.prod(np.ptp(portrait.landmarks, axis=0)))
    marks = np.unique(shipped_model.triangles[shipped_model.landmarks.triangle[list(AT_LANDMARKS)]])
    assert gap[marks].mean() < 0.02 * size
    assert np.median(gap) < 0.02 * size, "all of the face, not its landmarks alone"


def test_ears_lie_where_their_edges_are(shipped_model: FaceModel, portrait: Still) -> None:
    """With the edges of a head a tenth wider, the ears go outwards and the eyes stay."""
    ears = np.isin(
        shipped_model.regions, [shipped_model.region_names.index(f"ear_{side}") for side in ("left", "right")]
    )
    points = points_of(portrait, shipped_model)
    wider = points.copy()
    edges = [*JAW, *RIGHT_EAR, *LEFT_EAR]
    middle = portrait.landmarks[30, 0]
    wider[edges, 0] = middle + 1.1 * (points[edges, 0] - middle)
    fitter = PortraitFitter(shipped_model)
    widths = []
    for given in (points, wider):
        fitted = fitter.fit(portrait.image, given)
        assert fitted is not None
        fit, camera = fitted
        pixels = camera.project(shipped_model.shape(fit.coefficients) @ fit.pose[:3, :3].T + fit.pose[:3, 3])
        marks = shipped_model.at(shipped_model.landmarks, pixels)
        widths.append((np.ptp(pixels[ears, 0]), np.linalg.norm(marks[45] - marks[36])))
    assert widths[1][0] / widths[0][0] > 1.05
    assert widths[1][1] / widths[0][1] == pytest.approx(1.0, abs=0.02)


def test_points_that_are_no_face_do_not_fit(shipped_model: FaceModel, portrait: Still) -> None:
    points = np.random.default_rng(0).uniform(0, 480, (189, 2))
    assert PortraitFitter(shipped_model).fit(portrait.image, points) is None
