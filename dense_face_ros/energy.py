"""The two halves of Eq. 3 of the paper, data and prior, each with its value and its Gauss-Newton matrix.

Unknowns in order: translation (metres), rotation vector about the camera's axes applied from the left (radians),
K identity coefficients and E activations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dense_face_ros.correspondence import Correspondences
from dense_face_ros.face_model import FloatArray
from dense_face_ros.geometry import Array, PinholeCamera, rotation_from_vector
from dense_face_ros.outline import NEAREST, Outline

MEDIAN_OF_NORM = 1.1774  #: median of |r| / sigma for Gaussian noise in two dimensions
_BOUND_SPREAD = 0.05  # outside of [0, 1], by which an activation costs as much as a residual of one standard deviation


@dataclass(frozen=True)
class FitState:
    """A value of the unknowns: rotation (3, 3), translation (3,) and coefficients (K + E,)."""

    rotation: Array
    translation: Array
    coefficients: Array

    @property
    def pose(self) -> Array:
        """(4, 4): rotation and translation."""
        out = np.eye(4)
        out[:3, :3], out[:3, 3] = self.rotation, self.translation
        return out

    def turned(self, rotation: Array) -> FitState:
        """The same face in another camera frame; ``rotation`` (3, 3) that <- this."""
        return FitState(rotation @ self.rotation, rotation @ self.translation, self.coefficients)

    def moved(self, step: Array) -> FitState:
        """The state after a step over the unknowns."""
        return FitState(
            rotation_from_vector(step[3:6]) @ self.rotation,
            self.translation + step[:3],
            self.coefficients + step[6:],
        )


@dataclass(frozen=True)
class Residuals:
    """Residuals of N correspondences and M points of an outline at a state.

    Attributes:
        rotated: (N + M, 3) = R S q, metres.
        inverse_depth: (N + M,) per metre.
        rays: (N + M, 2) image points at unit focal length.
        error: (N + M, 2) projected minus measured, in sigmas; of the outline what lies across it, and 0.
        squared: (N + M,) squared length of ``error``.
    """

    rotated: Array
    inverse_depth: Array
    rays: Array
    error: Array
    squared: Array


class DataTerm:
    """``share * sum_i w_i rho(|p_i - Proj(R S q_i + t)|^2 / (s sigma_i)^2)`` over N correspondences, and
    ``share * sum_k rho((n_k . (o_k - Proj(R S e_k + t)) / (s sigma_o))^2)`` over M points of an outline.

    rho is the Geman-McClure kernel. mean (N + M, 3) and basis (N + M, 3, P): the surface points' mean position and
    displacement per unit of coefficient, the correspondences' first; ``outline_sigma``: sigma_o in pixels.
    """

    def __init__(
        self,
        correspondences: Correspondences,
        camera: PinholeCamera,
        mean: Array,
        basis: FloatArray,
        *,
        share: float,
        kernel: float,
        outline: Outline | None = None,
        outline_sigma: float = 1.0,
    ) -> None:
        pixels, sigma, weight = correspondences.pixels, correspondences.sigma, correspondences.weight
        self._count, self._normals = len(pixels), np.zeros((0, 2))
        if outline is not None:
            more = len(outline)
            pixels, self._normals = np.concatenate([pixels, outline.pixels]), outline.normals
            sigma = np.concatenate([sigma, np.full(more, outline_sigma)])
            weight = np.concatenate([weight, np.ones(more)])
        # Column by column in memory, as is then all that is worked out of it: numpy is slow along axes of two.
        self._pixels = np.asfortranarray(pixels - (camera.cx, camera.cy))
        self._focal = np.array([camera.fx, camera.fy])
        self._per_sigma = 1.0 / sigma
        self._weight = share * weight
        self._mean, self._basis, self._flat_basis = mean, basis, basis.reshape(3 * len(mean), basis.shape[2])
        self._kernel = kernel * kernel
        self._jacobian: npt.NDArray[np.floating] = np.empty((len(mean), 2, 6 + basis.shape[2]), dtype=np.float32)

    @property
    def double_precision(self) -> bool:
        """Whether the Gauss-Newton matrix is summed in double precision."""
        return self._jacobian.dtype == np.float64

    def use_double_precision(self) -> None:
        """For sigmas so small that single precision loses the priors next to the data; takes twice the time."""
        self._jacobian = np.empty(self._jacobian.shape)

    def residuals(self, state: FitState) -> Residuals | None:
        """None when a point would not lie in front of the camera."""
        shape = self._mean + (self._flat_basis @ state.coefficients.astype(np.float32)).reshape(-1, 3)
        rotated = (state.rotation @ shape.T).T
        seen = rotated + state.translation
        if not seen[:, 2].min() > NEAREST:
            return None
        inverse_depth = 1.0 / seen[:, 2]
        rays = seen[:, :2] * inverse_depth[:, None]
        error = (rays * self._focal - self._pixels) * self._per_sigma[:, None]
        self._turn_across(error[:, :, None])
        return Residuals(rotated, inverse_depth, rays, error, np.einsum("ij,ij->i", error, error))

    def _turn_across(self, values: npt.NDArray[np.floating]) -> None:
        """Replace the two rows (N + M, 2, K) of each point of the outline by what is across it, and by nothing."""
        if not len(self._normals):
            return
        outline = values[self._count :]
        outline[:, :1] = self._normals[:, None] @ outline
        outline[:, 1] = 0.0

    def noise_scale(self, residuals: Residuals) -> float:
        """s: 1, or what the median residual of the correspondences says if that is more."""
        return max(1.0, float(np.sqrt(median(residuals.squared[: self._count]))) / MEDIAN_OF_NORM)

    def value(self, residuals: Residuals, scale: float) -> float:
        """The term's value at noise scale s."""
        squared = residuals.squared / (scale * scale)
        return float(self._weight @ (self._kernel * squared / (self._kernel + squared)))

    def normal_equations(self, state: FitState, residuals: Residuals, scale: float) -> tuple[Array, Array]:
        """Gauss-Newton matrix (D, D) and half the gradient (D,) of the re-weighted least squares."""
        squared = residuals.squared / (scale * scale)
        root = np.sqrt(self._weight) / scale * (self._kernel / (self._kernel + squared))
        # Derivatives (u right, v down) of each weighted residual by the point in the camera frame: across and in depth.
        across_u, across_v = self._focal[:, None] * (root * self._per_sigma * residuals.inverse_depth)
        depth_u, depth_v = -residuals.rays[:, 0] * across_u, -residuals.rays[:, 1] * across_v
        j = self._jacobian
        j[:, 0, 0], j[:, 0, 1], j[:, 0, 2] = across_u, 0.0, depth_u
        j[:, 1, 0], j[:, 1, 1], j[:, 1, 2] = 0.0, across_v, depth_v
        # A rotation moves the point by step x rotated; written out, as np.cross takes as long as a third of the rest.
        x, y, z = residuals.rotated.T
        j[:, 0, 3], j[:, 0, 4], j[:, 0, 5] = y * depth_u, z * across_u - x * depth_u, -y * across_u
        j[:, 1, 3], j[:, 1, 4], j[:, 1, 5] = y * depth_v - z * across_v, -x * depth_v, x * across_v
        self._turn_across(j[:, :, :6])
        per_head_metre = j[:, :, :3].reshape(-1, 3) @ state.rotation.astype(j.dtype)
        np.matmul(per_head_metre.reshape(-1, 2, 3), self._basis, out=j[:, :, 6:])
        flat = j.reshape(-1, j.shape[2])
        error = (residuals.error * root[:, None]).astype(j.dtype).reshape(-1)
        return (flat.T @ flat).astype(np.float64), (flat.T @ error).astype(np.float64)


@dataclass(frozen=True)
class IdentityPrior:
    """A Gaussian over identity coefficients: ``mean`` (K,) and ``information`` (K, K), its inverse covariance.

    It takes the place of N(0, 1), which the posterior of an earlier frame already holds.
    """

    mean: Array
    information: Array


@dataclass(frozen=True)
class PriorTerm:
    """``(a - mean)' information (a - mean) + sum_j precision_j b_j^2 + bounds``.

    ``bounds`` is the squared excess of each activation over [0, 1] in units of 0.05.
    """

    identity: IdentityPrior
    expression_precision: Array

    def value(self, state: FitState) -> float:
        """The term's value."""
        size = len(self.identity.mean)
        offset, activations = state.coefficients[:size] - self.identity.mean, state.coefficients[size:]
        excess = _excess(activations)
        return float(
            offset @ self.identity.information @ offset
            + self.expression_precision @ (activations * activations)
            + (excess @ excess) / _BOUND_SPREAD**2
        )

    def add_to(self, matrix: Array, gradient: Array, state: FitState) -> None:
        """Add the term's Gauss-Newton matrix and half gradient in place."""
        size = len(self.identity.mean)
        activations = state.coefficients[size:]
        excess = _excess(activations)
        own, rest = slice(6, 6 + size), slice(6 + size, 6 + len(state.coefficients))
        matrix[own, own] += self.identity.information
        gradient[own] += self.identity.information @ (state.coefficients[:size] - self.identity.mean)
        diagonal = np.einsum("ii->i", matrix[rest, rest])  # a view
        diagonal += self.expression_precision + (excess != 0.0) / _BOUND_SPREAD**2
        gradient[rest] += self.expression_precision * activations + excess / _BOUND_SPREAD**2


def _excess(activations: Array) -> Array:
    """By how much each activation lies outside of [0, 1]."""
    return np.asarray(activations - activations.clip(0.0, 1.0))


def median(values: npt.NDArray[np.floating]) -> float:
    """Median of finite values (N,), in a third of the time of ``np.median``."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    middle = values.copy()
    middle.partition((low, high))
    return 0.5 * float(middle[low] + middle[high])
