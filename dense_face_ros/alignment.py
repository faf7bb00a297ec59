"""Fitting the 3D morphable model to correspondences: Eq. 3 of the paper, with priors in the same units as the data.

Minimised over the pose (R, t), identity a and expression b:

    share * sum_i w_i rho(|p_i - Proj(R S(a, b) q_i + t)|^2 / (s sigma_i)^2)
        + share * sum_k rho((n_k . (o_k - Proj(R S(a, b) e_k + t)) / (s sigma_o))^2)
        + |a|^2                           or, given an identity prior, (a - mean)' information (a - mean)
        + sum_j w_j (b_j / spread_j)^2 + sum_j (excess of b_j over [0, 1] / 0.05)^2

rho is the Geman-McClure kernel c^2 x / (c^2 + x), and s >= 1 a common factor by which the residuals show that the
sigmas are too small. The second line is the outline's (:mod:`dense_face_ros.outline`), of which points e_k are seen at
o_k, anywhere along it: only what lies across it, along the normal n_k, counts. Which points they are depends on the
face: they are those of the start, or of a fit to the correspondences alone, and chosen anew where the face moved away.
The paper has correspondences alone.

Half of this, with the network's ``covariance_share`` for ``share``, is a negative log posterior: the inverse of its
Gauss-Newton matrix is a covariance. Depth and head size are tied to each other only by the identity prior: the
covariance of the pose is a block of the inverse of the whole matrix, so it holds the spread of head sizes.

The method is Gauss-Newton with iteratively re-weighted residuals, damped (Levenberg-Marquardt) when a step fails.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from math import hypot, sqrt

import cv2
import numpy as np

from dense_face_ros.calibration import Calibration
from dense_face_ros.correspondence import Correspondences
from dense_face_ros.energy import DataTerm, FitState, IdentityPrior, PriorTerm
from dense_face_ros.face_model import FaceModel, FloatArray, SurfacePoints
from dense_face_ros.gauss_newton import CholeskyFactor, Minimum, minimise
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.initial_pose import initial_pose
from dense_face_ros.outline import Outline

FindOutline = Callable[[FitState], Outline]
_OUTLINE_HOLDS = 3.0  # pixels that the edge of a head may move before another part of the face is its outline
# Times that the outline is chosen anew in a cold start, first on the face that was fitted without one. With one time
# alone, rounding to halves moved the landmarks of photographs by up to 1.6 % of the face; with two by 0.7.
_COLD_OUTLINES = 2
_HEAD_RADIUS = 0.08  # metres
_RIGID_ITERATIONS = 5
_RIGID_TOLERANCE = 10.0


class FailureReason(str, Enum):
    """Why there is no fit."""

    TOO_FEW = "too few correspondences"
    DEGENERATE = "correspondences not spread over the face"
    BEHIND_CAMERA = "no pose in front of the camera"
    NOT_CONVERGED = "not converged"
    INCONSISTENT = "correspondences do not agree with any face"


class AlignmentFailure(Exception):
    """No face could be fitted; ``reason`` says why, the message gives the figures."""

    def __init__(self, reason: FailureReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason


@dataclass(frozen=True)
class AlignmentSettings:
    """Numbers of the fit.

    Attributes:
        expression_weight: w_j of every activation but ``jawOpen``; 1 takes the model's spread of it at its word.
        jaw_weight: w_j of ``jawOpen``. Speech opens the mouth all the time; a jaw that the prior holds shut is
            explained by a longer face that is nearer, so less than 1 moves the depth less in speech.
        independent_share: how many independent measurements one correspondence is worth. Errors of dense
            correspondences are shared by neighbours, so 200 of them know much less than 200 independent ones;
            use 1 for landmarks with independent errors. More fits landmarks of photographs better, less the distance of
            rendered heads: from 0.21 on, head size is read out of noise.
        outline_sigma: standard deviation of the outline's points, pixels. Neighbours share errors here too.
        kernel: c, the residual in standard deviations that costs half of what the worst outlier costs.
        max_iterations: Gauss-Newton steps of the full fit.
        tolerance: the last step is the one predicted to lower the objective by less than this. The unit is squared
            standard deviations, of which the posterior's own noise has one per unknown; a step leaves about a tenth.
        min_points: fewer correspondences than this are refused.
        min_spread: least standard deviation in metres of the surface points along their second principal axis.
        max_noise_scale: a fit whose residuals exceed the sigmas by more than this factor is refused.
    """

    expression_weight: float = 1.0
    jaw_weight: float = 0.1
    independent_share: float = 0.21
    outline_sigma: float = 0.7
    kernel: float = 4.0
    max_iterations: int = 30
    tolerance: float = 4.0
    min_points: int = 12
    min_spread: float = 0.01
    max_noise_scale: float = 8.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            least = {"max_iterations": 1, "min_points": 6, "max_noise_scale": 1.0}.get(name)
            if least is None and not 0.0 < value < np.inf:
                raise ValueError(f"alignment {name} is {value}; it must be a positive number")
            if least is not None and not least <= value < np.inf:
                raise ValueError(f"alignment {name} is {value}; it must be at least {least}")


@dataclass(frozen=True)
class Alignment:
    """A fitted face.

    Attributes:
        pose: (4, 4) camera <- head, metres.
        coefficients: (K + E,) identity in standard deviations, then activations, which may leave [0, 1] a little.
        inliers: share of correspondences whose residual is within three (scaled) standard deviations.
        residual: root mean square distance of the inliers, pixels of the correspondences.
        noise_scale: s >= 1, the factor by which the residuals exceed the given sigmas.
        iterations: Gauss-Newton steps of the last fit.
        information: (D, D) Gauss-Newton matrix over translation, rotation, coefficients, the data's part at its
            ``covariance_share``.
        identity_size: K.
        distance_factor: as in :class:`dense_face_ros.calibration.Calibration`.
        doubt: variance of the pose over what the fit claims, for what it cannot know.
    """

    pose: Array
    coefficients: Array
    inliers: float
    residual: float
    noise_scale: float
    iterations: int
    information: Array
    identity_size: int
    distance_factor: float = 1.0
    doubt: float = 1.0

    @property
    def state(self) -> FitState:
        """The unknowns that were fitted."""
        return FitState(self.pose[:3, :3], self.pose[:3, 3], self.coefficients)

    @cached_property
    def factor(self) -> CholeskyFactor:
        """``information``, ready to be solved for."""
        return CholeskyFactor(self.information)

    @cached_property
    def covariance(self) -> Array:
        """(6, 6): x, y, z (metres, camera frame), then a rotation vector about the camera's axes, from the left."""
        half = self.factor.whiten(np.eye(len(self.information), 6))
        told = half.T @ half
        position = self.pose[:3, 3]
        sight = position / sqrt(position @ position)
        told[:3, :3] += (self.distance_factor - 1.0) * (sight @ told[:3, :3] @ sight) * (sight[:, None] * sight)
        return self.doubt * told

    def turned(self, rotation: Array) -> Alignment:
        """The same face in another camera frame; ``rotation`` (3, 3) that <- this."""
        information = self.information.copy()
        for part in (slice(0, 3), slice(3, 6)):
            information[part] = rotation @ information[part]
            information[:, part] = information[:, part] @ rotation.T
        return replace(self, pose=self.state.turned(rotation).pose, information=information)

    @cached_property
    def identity(self) -> IdentityPrior:
        """Posterior of the identity with all else marginalised, fit to be the next frame's prior."""
        size, matrix = self.identity_size, self.information
        rest = np.r_[0:6, 6 + size : len(matrix)]
        own = slice(6, 6 + size)
        cross = matrix[rest, own]
        told = CholeskyFactor(matrix[rest[:, None], rest]).whiten(cross)
        return IdentityPrior(self.coefficients[:size], matrix[own, own] - told.T @ told)


def model_prior(model: FaceModel, settings: AlignmentSettings) -> PriorTerm:
    """What is known of a face before any picture of it."""
    identity = IdentityPrior(np.zeros(model.identity_size), np.eye(model.identity_size))
    is_jaw = np.array([name == "jawOpen" for name in model.expression_names], dtype=bool)
    weight = np.where(is_jaw, settings.jaw_weight, settings.expression_weight)
    return PriorTerm(identity, weight / model.expression_spread.astype(np.float64) ** 2)


class Aligner:
    """Fits ``model`` to correspondences of a network with ``calibration``. Keeps nothing between calls."""

    def __init__(
        self, model: FaceModel, settings: AlignmentSettings | None = None, calibration: Calibration | None = None
    ) -> None:
        self.model = model
        self.settings = settings or AlignmentSettings()
        self.calibration = calibration or Calibration()
        # Mean and basis side by side, so that one gather brings both: (V, 3 * (1 + K + E)).
        table = np.concatenate([model.mean[:, :, None], model.basis], axis=2, dtype=np.float32)
        self._table: FloatArray = np.ascontiguousarray(table.reshape(len(table), -1))
        self._prior = model_prior(model, self.settings)

    def align(
        self,
        correspondences: Correspondences,
        camera: PinholeCamera,
        *,
        start: Alignment | FitState | None = None,
        identity_prior: IdentityPrior | None = None,
        outline: FindOutline | None = None,
    ) -> Alignment:
        """Fit pose, identity and expression, from ``start`` if given, else from the correspondences alone.

        ``camera`` is the pinhole whose pixels the correspondences and the outline have, and the pose is in its frame.
        ``outline`` tells where the outline of a face in some state is seen.

        Raises:
            AlignmentFailure: with its ``reason``.
            ValueError: correspondences are not finite or have no positive sigma.
        """
        if not (np.isfinite(correspondences.pixels).all() and (correspondences.sigma > 0.0).all()):
            raise ValueError("correspondences hold pixels that are not finite or sigmas that are not positive")
        if len(correspondences) < self.settings.min_points:
            found = f"{len(correspondences)} given, {self.settings.min_points} needed"
            raise AlignmentFailure(FailureReason.TOO_FEW, found)
        mean, basis = self._at(correspondences.points)
        self._check_spread(mean)
        if start is None:
            state = self._cold_start(correspondences, camera, mean)
        else:
            state = start.state if isinstance(start, Alignment) else start
        prior = self._prior if identity_prior is None else PriorTerm(identity_prior, self._prior.expression_precision)
        settings = self.settings

        def fitted(state: FitState, seen: Outline | None) -> Minimum | None:
            at, moves = mean, basis
            if seen is not None and len(seen):
                more_at, more_moves = self._at(seen.points)
                at, moves = np.concatenate([mean, more_at]), np.concatenate([basis, more_moves])
            data = DataTerm(
                correspondences, camera, at, moves, share=settings.independent_share, kernel=settings.kernel,
                outline=seen, outline_sigma=settings.outline_sigma,
            )  # fmt: skip
            return minimise(data, prior, state, settings.max_iterations, settings.tolerance)

        minimum = self._checked(fitted(state, None if start is None or outline is None else outline(state)))
        if outline is not None and (start is None or _moved(state, minimum.state, camera) > _OUTLINE_HOLDS):
            for _ in range(_COLD_OUTLINES if start is None else 1):
                seen = outline(minimum.state)
                if len(seen) or start is not None:
                    with suppress(AlignmentFailure):  # the fit before stands
                        minimum = self._checked(fitted(minimum.state, seen))
        return self._result(minimum, correspondences)

    def _checked(self, minimum: Minimum | None) -> Minimum:
        if minimum is None:
            raise AlignmentFailure(FailureReason.BEHIND_CAMERA, "at the start")
        if not minimum.converged:
            raise AlignmentFailure(FailureReason.NOT_CONVERGED, f"stopped after {minimum.iterations} steps")
        if minimum.scale > self.settings.max_noise_scale:
            detail = f"residuals are {minimum.scale:.1f} times the given standard deviations"
            raise AlignmentFailure(FailureReason.INCONSISTENT, detail)
        return minimum

    def _at(self, points: SurfacePoints) -> tuple[Array, FloatArray]:
        """Mean position (N, 3) and basis (N, 3, K + E) at surface points."""
        rows = self.model.at(points, self._table).reshape(len(points), 3, -1)
        return rows[:, :, 0].astype(np.float64), rows[:, :, 1:]

    def _check_spread(self, mean: Array) -> None:
        offset = mean - mean.sum(axis=0) / len(mean)
        spread = sqrt(max(float(cv2.eigen(offset.T @ offset / (len(mean) - 1))[1][1, 0]), 0.0))
        if spread < self.settings.min_spread:
            detail = f"spread {1000 * spread:.1f} mm, {1000 * self.settings.min_spread:.1f} mm needed"
            raise AlignmentFailure(FailureReason.DEGENERATE, detail)

    def _cold_start(self, correspondences: Correspondences, camera: PinholeCamera, mean: Array) -> FitState:
        """Pose of the mean face: closed form, then a rigid fit in which the shape's misfit widens the noise scale."""
        rays = (correspondences.pixels - (camera.cx, camera.cy)) / (camera.fx, camera.fy)
        pose = initial_pose(mean, rays)
        if pose is None:
            raise AlignmentFailure(FailureReason.BEHIND_CAMERA, "in the closed-form start")
        no_basis = np.zeros((len(mean), 3, 0), dtype=np.float32)
        data = DataTerm(correspondences, camera, mean, no_basis, share=1.0, kernel=self.settings.kernel)
        no_prior = PriorTerm(IdentityPrior(np.zeros(0), np.zeros((0, 0))), np.zeros(0))
        minimum = minimise(data, no_prior, FitState(*pose, np.zeros(0)), _RIGID_ITERATIONS, _RIGID_TOLERANCE)
        if minimum is None:
            raise AlignmentFailure(FailureReason.BEHIND_CAMERA, "in the closed-form start")
        return replace(minimum.state, coefficients=np.zeros(self.model.identity_size + self.model.expression_size))

    def _result(self, minimum: Minimum, correspondences: Correspondences) -> Alignment:
        distance = np.sqrt(minimum.residuals.squared[: len(correspondences)])
        inlier = distance <= 3.0 * minimum.scale
        pixels = (distance * correspondences.sigma)[inlier]
        claimed = self.calibration.covariance_share / self.settings.independent_share
        return Alignment(
            pose=minimum.state.pose,
            coefficients=minimum.state.coefficients,
            inliers=np.count_nonzero(inlier) / len(inlier),
            residual=float(np.sqrt(pixels @ pixels / len(pixels))),
            noise_scale=minimum.scale,
            iterations=minimum.iterations,
            information=minimum.information + (claimed - 1.0) * minimum.data_information,
            identity_size=self.model.identity_size,
            distance_factor=self.calibration.distance_factor,
        )


def _moved(before: FitState, after: FitState, camera: PinholeCamera) -> float:
    """About how many pixels the edge of a head moved."""
    across, depth = after.translation - before.translation, after.translation[2]
    turn = (after.rotation - before.rotation).ravel()
    turned = sqrt(0.5 * (turn @ turn))  # radians, while few
    return float(camera.fx / depth * (hypot(*across[:2]) + _HEAD_RADIUS * (turned + abs(across[2]) / depth)))
