"""The linear algebra of a step, on matrices whose units are as mixed as those of a fit."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.gauss_newton import CholeskyFactor, solve


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
