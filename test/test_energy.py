"""The objective of the fit: its gradient and matrix against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from synthetic_views import View

from dense_face_ros.energy import DataTerm, FitState, IdentityPrior, PriorTerm, median
from dense_face_ros.face_model import FaceModel
from dense_face_ros.outline import Outline


def _terms(model: FaceModel, kernel: float, with_outline: bool = False) -> tuple[DataTerm, PriorTerm, FitState]:
    rng = np.random.default_rng(1)
    view = View.of(model, rng, yaw=30.0, count=50, noise=3.0)
    mean = model.at(view.correspondences.points, model.mean.astype(np.float64))
    basis = model.at(view.correspondences.points, model.basis)
    outline = None
    if with_outline:
        edge, angle = View.of(model, rng, yaw=30.0, count=20, noise=3.0).correspondences, rng.uniform(0.0, 6.28, 20)
        outline = Outline(edge.points, edge.pixels, np.column_stack([np.cos(angle), np.sin(angle)]))
        mean = np.concatenate([mean, model.at(edge.points, model.mean)])
        basis = np.concatenate([basis, model.at(edge.points, model.basis)])
    data = DataTerm(
        view.correspondences, view.camera, mean, basis.astype(np.float32), share=0.5, kernel=kernel,
        outline=outline, outline_sigma=2.0,
    )  # fmt: skip
    data.use_double_precision()
    root = rng.normal(size=(model.identity_size, model.identity_size))
    identity = IdentityPrior(rng.normal(size=model.identity_size), root @ root.T)
    prior = PriorTerm(identity, 1.0 / model.expression_spread.astype(np.float64) ** 2)
    activations = np.array([-0.2, 0.3, 1.2, 0.5, 0.1])  # two of them out of bounds
    coefficients = np.concatenate([rng.normal(size=model.identity_size), activations])
    return data, prior, FitState(view.pose[:3, :3], view.pose[:3, 3] + 0.01, coefficients)


def _differences(function: Callable[[np.ndarray], np.ndarray | float], size: int, step: float) -> np.ndarray:
    return np.array([(function(step * row) - function(-step * row)) / (2 * step) for row in np.eye(size)])


@pytest.mark.parametrize("with_outline", [False, True])
def test_gradient_is_the_derivative_of_the_value(small_model: FaceModel, with_outline: bool) -> None:
    data, prior, state = _terms(small_model, 2.0, with_outline)
    matrix, gradient = data.normal_equations(state, data.residuals(state), 1.3)
    prior.add_to(matrix, gradient, state)

    def value(step: np.ndarray) -> float:
        moved = state.moved(step)
        return data.value(data.residuals(moved), 1.3) + prior.value(moved)

    numeric = 0.5 * _differences(value, len(gradient), 1e-4)
    unit = np.sqrt(np.diag(matrix))  # each component's natural unit
    np.testing.assert_allclose(gradient / unit, numeric / unit, atol=1e-3 * np.abs(gradient / unit).max())


@pytest.mark.parametrize("with_outline", [False, True])
def test_matrix_is_the_square_of_the_jacobian_of_the_residuals(small_model: FaceModel, with_outline: bool) -> None:
    data, _, state = _terms(small_model, 1e6, with_outline)  # no robust weights
    matrix, _ = data.normal_equations(state, data.residuals(state), 1.0)
    jacobian = _differences(lambda step: data.residuals(state.moved(step)).error.ravel(), len(matrix), 1e-3)
    expected = 0.5 * jacobian @ jacobian.T
    units = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(matrix / units, expected / units, atol=2e-3)


def test_a_point_of_the_outline_may_lie_anywhere_along_it(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(3), yaw=30.0, count=12)
    edge = view.correspondences
    sideways = np.tile([0.6, 0.8], (len(edge), 1))
    along, across = np.array([0.8, -0.6]), np.array([0.6, 0.8])
    outline = Outline(edge.points, edge.pixels + 9.0 * along - 3.0 * across, sideways)
    mean, basis = (np.concatenate(2 * [small_model.at(edge.points, v)]) for v in (small_model.mean, small_model.basis))
    data = DataTerm(
        edge, view.camera, mean.astype(np.float64), np.asarray(basis, np.float32), share=1.0, kernel=9.0,
        outline=outline, outline_sigma=2.0,
    )  # fmt: skip
    residuals = data.residuals(FitState(view.pose[:3, :3], view.pose[:3, 3], view.coefficients))
    assert residuals is not None
    np.testing.assert_allclose(residuals.squared[:12], 0.0, atol=1e-6)
    np.testing.assert_allclose(residuals.squared[12:], (3.0 / 2.0) ** 2, rtol=1e-3)
    assert data.noise_scale(residuals) == 1.0  # which the correspondences alone tell


def test_a_point_behind_the_camera_has_no_residual(small_model: FaceModel) -> None:
    data, _, state = _terms(small_model, kernel=2.0)
    step = np.zeros(6 + len(state.coefficients))
    step[2] = -state.translation[2]
    assert data.residuals(state.moved(step)) is None


def test_step_turns_about_the_camera_axes_and_leaves_the_origin(small_model: FaceModel) -> None:
    _, _, state = _terms(small_model, kernel=2.0)
    quarter = state.moved(np.concatenate([np.zeros(5), [np.pi / 2], np.zeros(len(state.coefficients))]))
    assert quarter.translation == pytest.approx(state.translation)
    x_axis, turned = state.rotation[:, 0], quarter.rotation[:, 0]
    assert turned == pytest.approx([-x_axis[1], x_axis[0], x_axis[2]])


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_the_median_is_that_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count)
    assert median(values) == pytest.approx(np.median(values))
