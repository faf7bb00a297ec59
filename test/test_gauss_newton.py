"""The linear algebra of a step, on matrices whose units are as mixed as those of a fit."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from synthetic_views import View

from dense_face_ros.alignment import AlignmentSettings, model_prior
from dense_face_ros.energy import DataTerm, FitState
from dense_face_ros.face_model import FaceModel
from dense_face_ros.gauss_newton import CholeskyFactor, minimise, solve
from dense_face_ros.geometry import Array


@pytest.fixture
def matrix() -> np.ndarray:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(9, 12)) * np.logspace(-6, 3, 9)[:, None]
    return root @ root.T


def test_solve_is_the_inverse(matrix: np.ndarray) -> None:
    solution = np.arange(1.0, 19.0).reshape(9, 2) / np.logspace(-6, 3, 9)[:, None]
    np.testing.assert_allclose(solve(matrix, matrix @ solution), solution, rtol=1e-9)
    np.testing.assert_allclose(solve(matrix, matrix @ solution[:, 0]), solution[:, 0], rtol=1e-9)


def test_whitened_columns_have_the_inverse_for_their_inner_product(matrix: np.ndarray) -> None:
    right = np.random.default_rng(1).normal(size=(9, 4)) * np.logspace(-6, 3, 9)[:, None]
    white = CholeskyFactor(matrix).whiten(right)
    np.testing.assert_allclose(white.T @ white, right.T @ solve(matrix, right), rtol=1e-9)


def test_a_matrix_that_is_not_positive_definite_is_refused(matrix: np.ndarray) -> None:
    with pytest.raises(np.linalg.LinAlgError):
        CholeskyFactor(matrix - 2.0 * np.diag(np.diag(matrix)))


def test_a_minimum_is_of_one_state_and_tells_the_datas_part(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(2), yaw=20.0, noise=0.5)
    mean = small_model.at(view.correspondences.points, small_model.mean.astype(np.float64))
    basis = np.asarray(small_model.at(view.correspondences.points, small_model.basis), dtype=np.float32)
    data = DataTerm(view.correspondences, view.camera, mean, basis, share=0.2, kernel=4.0)
    prior = model_prior(small_model, AlignmentSettings())
    start = FitState(view.pose[:3, :3], view.pose[:3, 3], np.zeros(len(view.coefficients)))
    found = minimise(data, prior, start, 30, 4.0)
    assert found is not None and found.converged
    residuals = data.residuals(found.state)
    assert residuals is not None
    np.testing.assert_array_equal(found.residuals.error, residuals.error)
    added = found.information - found.data_information
    size = small_model.identity_size
    np.testing.assert_allclose(added[:6], 0.0, atol=1e-9)
    np.testing.assert_allclose(added[6 : 6 + size, 6 : 6 + size], np.eye(size), atol=1e-6)


class Slope:
    """In place of the data: -x at the place x, nearly straight, so that it alone asks for a step of 500."""

    double_precision = True

    def residuals(self, state: FitState) -> SimpleNamespace:
        return SimpleNamespace(at=state.translation[0])

    def noise_scale(self, residuals: SimpleNamespace) -> float:
        return 1.0

    def value(self, residuals: SimpleNamespace, scale: float) -> float:
        return -float(residuals.at)

    def normal_equations(self, state: FitState, residuals: SimpleNamespace, scale: float) -> tuple[Array, Array]:
        return np.diag([1e-3, 1.0, 1.0, 1.0, 1.0, 1.0]), np.array([-0.5, 0.0, 0.0, 0.0, 0.0, 0.0])


class Wall:
    """In place of the prior: x^4, flat where the descent begins."""

    def value(self, state: FitState) -> float:
        return float(state.translation[0] ** 4)

    def add_to(self, matrix: Array, gradient: Array, state: FitState) -> None:
        x = state.translation[0]
        matrix[0, 0] += 6.0 * x**2
        gradient[0] += 2.0 * x**3


def test_a_step_is_damped_until_data_and_prior_together_fall_and_the_next_is_long_again() -> None:
    data: Any = Slope()
    prior: Any = Wall()
    found = minimise(data, prior, FitState(np.eye(3), np.zeros(3), np.zeros(0)), 10, 1e-6)
    assert found is not None and found.converged
    assert found.state.translation[0] == pytest.approx(0.25 ** (1 / 3), rel=1e-3)


class Pit(Slope):
    """Worse everywhere but where the descent begins."""

    def value(self, residuals: SimpleNamespace, scale: float) -> float:
        return 0.0 if residuals.at == 0.0 else 1.0


def test_a_place_that_no_step_improves_is_no_minimum() -> None:
    data: Any = Pit()
    prior: Any = Wall()
    found = minimise(data, prior, FitState(np.eye(3), np.zeros(3), np.zeros(0)), 10, 1e-6)
    assert found is not None and not found.converged
    assert (found.state.translation[0], found.iterations) == (0.0, 1)


class Coarse(Slope):
    """Of which nothing is told in single precision."""

    double_precision = False

    def use_double_precision(self) -> None:
        self.double_precision = True

    def normal_equations(self, state: FitState, residuals: SimpleNamespace, scale: float) -> tuple[Array, Array]:
        matrix, gradient = super().normal_equations(state, residuals, scale)
        return (matrix if self.double_precision else -matrix), gradient


def test_what_single_precision_cannot_solve_is_solved_in_double() -> None:
    data: Any = Coarse()
    prior: Any = Wall()
    found = minimise(data, prior, FitState(np.eye(3), np.zeros(3), np.zeros(0)), 10, 1e-6)
    assert data.double_precision and found is not None and found.converged
    assert found.state.translation[0] == pytest.approx(0.25 ** (1 / 3), rel=1e-3)
