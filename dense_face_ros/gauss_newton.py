"""Gauss-Newton with iteratively re-weighted residuals, damped (Levenberg-Marquardt) when a step fails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs, dtrtrs

from dense_face_ros.energy import DataTerm, FitState, PriorTerm, Residuals
from dense_face_ros.geometry import Array

# Shares of the diagonal. The smallest leaves all but the flattest valleys as they are; the largest moves nothing.
_MIN_DAMPING, _MAX_DAMPING, _DAMPING_FACTOR = 1e-6, 1e6, 100.0


@dataclass(frozen=True)
class Minimum:
    """Where the descent ended.

    Attributes:
        state: the unknowns.
        residuals: of ``state``.
        scale: noise scale s >= 1.
        information: (D, D) Gauss-Newton matrix at the last step.
        data_information: (D, D) the part of it that is the data's.
        iterations: steps taken.
        converged: whether the last step was predicted to gain less than the tolerance.
    """

    state: FitState
    residuals: Residuals
    scale: float
    information: Array
    data_information: Array
    iterations: int
    converged: bool


def minimise(
    data: DataTerm, prior: PriorTerm, state: FitState, max_iterations: int, tolerance: float
) -> Minimum | None:
    """Minimise data + prior from ``state``; None when ``state`` puts a point behind the camera.

    The noise scale is estimated anew before every step.
    """
    residuals = data.residuals(state)
    if residuals is None:
        return None
    damping = 0.0
    for iteration in range(1, max_iterations + 1):
        scale = data.noise_scale(residuals)
        matrix, gradient = data.normal_equations(state, residuals, scale)
        told = matrix.copy()
        prior.add_to(matrix, gradient, state)
        step = _step(matrix, gradient)
        if step is None and not data.double_precision:
            data.use_double_precision()
            continue
        if step is not None and -float(gradient @ step) < tolerance:
            # Within the posterior's noise: the last step, taken unless it leaves the camera's view.
            last = state.moved(step)
            last_residuals = data.residuals(last)
            if last_residuals is not None:
                state, residuals = last, last_residuals
            return Minimum(state, residuals, scale, matrix, told, iteration, True)
        value = data.value(residuals, scale) + prior.value(state)
        if damping:
            step = _step(matrix, gradient, damping)
        moved = _descend(data, prior, state, step, value, scale)
        while moved is None:
            damping = max(_DAMPING_FACTOR * damping, _MIN_DAMPING)
            if damping > _MAX_DAMPING:
                return Minimum(state, residuals, scale, matrix, told, iteration, False)
            moved = _descend(data, prior, state, _step(matrix, gradient, damping), value, scale)
        state, residuals = moved
        damping = damping / _DAMPING_FACTOR if damping > _MIN_DAMPING else 0.0
    return Minimum(state, residuals, scale, matrix, told, max_iterations, False)


def _descend(
    data: DataTerm, prior: PriorTerm, state: FitState, step: Array | None, value: float, scale: float
) -> tuple[FitState, Residuals] | None:
    """The state after ``step`` if the objective there is no larger than ``value``."""
    if step is None:
        return None
    trial = state.moved(step)
    residuals = data.residuals(trial)
    if residuals is None or data.value(residuals, scale) + prior.value(trial) > value:
        return None
    return trial, residuals


def _step(matrix: Array, gradient: Array, damping: float = 0.0) -> Array | None:
    """The Gauss-Newton step, damped by a multiple of the diagonal; None when the matrix is singular."""
    damped = matrix + np.diag(damping * np.diag(matrix)) if damping else matrix
    try:
        return solve(damped, -gradient)
    except np.linalg.LinAlgError:
        return None


def solve(matrix: Array, right: Array) -> Array:
    """Solve a symmetric positive definite system, scaled to a unit diagonal as its units are mixed.

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite.
    """
    return CholeskyFactor(matrix).solve(right)


class CholeskyFactor:
    """A symmetric positive definite matrix (D, D), taken apart once for several right sides.

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite.
    """

    def __init__(self, matrix: Array) -> None:
        # Scaled to a unit diagonal.
        self._scale = 1.0 / np.sqrt(np.maximum(matrix.diagonal(), 1e-30))
        scaled = matrix * self._scale
        scaled *= self._scale[:, None]
        # Its transpose is the same, and lies in memory as LAPACK takes it.
        self._lower, info = dpotrf(scaled.T, lower=1, overwrite_a=1, clean=0)
        if info != 0:
            raise np.linalg.LinAlgError("the normal matrix is not positive definite")

    def solve(self, right: Array) -> Array:
        """``matrix^-1 right`` for (D,) or (D, N)."""
        shape = self._scale if right.ndim == 1 else self._scale[:, None]
        solution, _ = dpotrs(self._lower, right * shape, lower=1)
        return np.asarray(solution * shape).reshape(right.shape)

    def whiten(self, right: Array) -> Array:
        """W (D, N) such that ``W' W = right' matrix^-1 right``, in half the time of :meth:`solve`; right: (D, N)."""
        return np.asarray(dtrtrs(self._lower, right * self._scale[:, None], lower=1, overwrite_b=1)[0])
