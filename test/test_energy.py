"""The objective of the fit: its gradient and matrix against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from synthetic_views import View

from dense_face_ros.energy import DataTerm, FitState, IdentityPrior, PriorTerm
from dense_face_ros.face_model import FaceModel


def _terms(model: FaceModel, kernel: float) -> tuple[DataTerm, PriorTerm, FitState]:
    rng = np.random.default_rng(1)
    view = View.of(model, rng, yaw=30.0, count=50, noise=3.0)
    mean = model.at(view.correspondences.points, model.mean.astype(np.float64))
    basis = model.at(view.correspondences.points, model.basis)
    data = DataTerm(view.correspondences, view.camera, mean, basis.astype(np.float32), share=0.5, kernel=kernel)
    data.use_double_precision()
    root = rng.normal(size=(model.identity_size, model.identity_size))
    identity = IdentityPrior(rng.normal(size=model.identity_size), root @ root.T)
    prior = PriorTerm(identity, 1.0 / model.expression_spread.astype(np.float64) ** 2)
    activations = np.array([-0.2, 0.3, 1.2, 0.5, 0.1])  # two of them out of bounds
    coefficients = np.concatenate([rng.normal(size=model.identity_size), activations])
    return data, prior, FitState(view.pose[:3, :3], view.pose[:3, 3] + 0.01, coefficients)


def _differences(function: Callable[[np.ndarray], np.ndarray | float], size: int, step: float) -> np.ndarray:
    return np.array([(function(step * row) - function(-step * row)) / (2 * step) for row in np.eye(size)])


def test_gradient_is_the_derivative_of_the_value(small_model: FaceModel) -> None:
    data, prior, state = _terms(small_model, kernel=2.0)
    matrix, gradient = data.normal_equations(state, data.residuals(state), 1.3)
    prior.add_to(matrix, gradient, state)

    def value(step: np.ndarray) -> float:
        moved = state.moved(step)
        return data.value(data.residuals(moved), 1.3) + prior.value(moved)

    numeric = 0.5 * _differences(value, len(gradient), 1e-4)
    unit = np.sqrt(np.diag(matrix))  # each component's natural unit
    np.testing.assert_allclose(gradient / unit, numeric / unit, atol=1e-3 * np.abs(gradient / unit).max())


def test_matrix_is_the_square_of_the_jacobian_of_the_residuals(small_model: FaceModel) -> None:
    data, _, state = _terms(small_model, kernel=1e6)  # no robust weights
    matrix, _ = data.normal_equations(state, data.residuals(state), 1.0)
    jacobian = _differences(lambda step: data.residuals(state.moved(step)).error.ravel(), len(matrix), 1e-3)
    expected = 0.5 * jacobian @ jacobian.T
    units = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(matrix / units, expected / units, atol=2e-3)


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
