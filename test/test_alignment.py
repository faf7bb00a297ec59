"""Fitting the face model: recovery, optimality, robustness, covariance and failures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares
from synthetic_views import CAMERA, View, project, take

from dense_face_ros.alignment import Aligner, Alignment, AlignmentFailure, AlignmentSettings, FailureReason
from dense_face_ros.calibration import Calibration
from dense_face_ros.correspondence import Correspondences
from dense_face_ros.energy import IdentityPrior
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.geometry import rotation_from_vector, vector_from_rotation

INDEPENDENT = AlignmentSettings(independent_share=1.0)
HONEST = Calibration(covariance_share=1.0, distance_factor=1.0)
EXACT = replace(INDEPENDENT, tolerance=1e-3, max_iterations=60)
POSES = [
    pytest.param(yaw, pitch, roll, id=f"yaw{yaw}pitch{pitch}roll{roll}")
    for yaw in (-80, -40, 0, 40, 80)
    for pitch, roll in ((0, 0), (30, -60), (-30, 170))
]


def _turn(fit: Alignment, view: View) -> float:
    """Angle between the fitted and the true rotation, degrees."""
    return float(np.degrees(np.linalg.norm(vector_from_rotation(fit.pose[:3, :3] @ view.pose[:3, :3].T))))


@pytest.mark.parametrize(("yaw", "pitch", "roll"), POSES)
def test_cold_start_recovers_noise_free_views_up_to_head_size(
    small_model: FaceModel, yaw: float, pitch: float, roll: float
) -> None:
    view = View.of(small_model, np.random.default_rng(5), yaw=yaw, pitch=pitch, roll=roll)
    fit = Aligner(small_model, EXACT).align(view.correspondences, CAMERA)
    assert _turn(fit, view) < 0.05
    assert fit.inliers == 1.0
    assert fit.residual < 0.02
    # One image cannot tell a large far head from a small near one, but the direction to it is exact.
    direction = fit.pose[:3, 3] / fit.pose[2, 3] - view.pose[:3, 3] / view.pose[2, 3]
    assert np.abs(direction).max() < 1e-4


def test_noise_free_views_of_many_people_are_fitted(small_model: FaceModel) -> None:
    """Some have valleys so flat and curved that a damping of a thousandth of the diagonal stands still in them."""
    aligner = Aligner(small_model, EXACT)
    for seed in range(12):
        for pose in POSES:
            yaw, pitch, roll = pose.values
            view = View.of(small_model, np.random.default_rng(seed), yaw=yaw, pitch=pitch, roll=roll)
            assert _turn(aligner.align(view.correspondences, CAMERA), view) < 0.1, (seed, pose.id)


@pytest.mark.parametrize("yaw", [-80, 0, 60])
def test_a_known_identity_makes_pose_and_expression_exact(small_model: FaceModel, yaw: float) -> None:
    view = View.of(small_model, np.random.default_rng(6), yaw=yaw)
    size = small_model.identity_size
    known = IdentityPrior(view.coefficients[:size], 1e8 * np.eye(size))
    fit = Aligner(small_model, EXACT).align(view.correspondences, CAMERA, identity_prior=known)
    assert np.linalg.norm(fit.pose[:3, 3] - view.pose[:3, 3]) < 2e-4
    seen = np.sqrt(np.diag(np.linalg.inv(fit.information)))[6:] < 0.05  # a hidden eye's blink is not
    assert seen.sum() >= size + 3
    assert fit.coefficients[seen] == pytest.approx(view.coefficients[seen], abs=0.05)
    assert fit.identity.mean == pytest.approx(view.coefficients[:size], abs=1e-3)


def test_warm_start_from_the_last_frame_ends_where_the_cold_start_ends(small_model: FaceModel) -> None:
    aligner = Aligner(small_model, EXACT)
    view = View.of(small_model, np.random.default_rng(7), yaw=20.0, noise=1.0)
    cold = aligner.align(view.correspondences, CAMERA)
    pose = cold.pose.copy()
    pose[:3, :3] = rotation_from_vector([0.05, -0.1, 0.05]) @ pose[:3, :3]
    pose[:3, 3] += (0.01, 0.01, -0.03)
    warm = aligner.align(view.correspondences, CAMERA, start=replace(cold, pose=pose))
    assert warm.pose == pytest.approx(cold.pose, abs=1e-4)
    assert warm.coefficients == pytest.approx(cold.coefficients, abs=1e-2)


def test_the_next_frame_takes_few_steps(small_model: FaceModel) -> None:
    aligner = Aligner(small_model)
    first = View.of(small_model, np.random.default_rng(8), yaw=20.0, noise=1.0)
    second = View.of(small_model, np.random.default_rng(8), yaw=22.0, noise=1.0)  # the same person and errors
    start = aligner.align(first.correspondences, CAMERA)
    assert aligner.align(second.correspondences, CAMERA, start=start).iterations <= 3


@pytest.mark.parametrize(("average", "information"), [(0.0, 1.0), (0.3, 0.7)], ids=["nobody known", "somebody"])
def test_optimum_agrees_with_scipy(small_model: FaceModel, average: float, information: float) -> None:
    settings = replace(EXACT, expression_weight=1.3, independent_share=0.5)
    view = View.of(small_model, np.random.default_rng(9), yaw=35.0, noise=1.0, sigma=1.2, outliers=0.1)
    rng = np.random.default_rng(10)
    count = len(view.correspondences)
    given = replace(view.correspondences, weight=rng.uniform(0.5, 1, count), sigma=rng.uniform(1.2, 2.0, count))
    k = small_model.identity_size
    known = IdentityPrior(np.full(k, average), information * np.eye(k)) if average else None
    fit = Aligner(small_model, settings).align(given, CAMERA, identity_prior=known)
    mean = small_model.at(given.points, small_model.mean.astype(np.float64))
    basis = small_model.at(given.points, small_model.basis.astype(np.float64))

    jaw = np.array([name == "jawOpen" for name in small_model.expression_names])
    weights = np.where(jaw, settings.jaw_weight, settings.expression_weight)

    def residuals(x: np.ndarray) -> np.ndarray:
        """Square roots of the terms of the objective as the module's docstring states it."""
        rotation = rotation_from_vector(x[3:6]) @ fit.pose[:3, :3]
        error = CAMERA.project((mean + basis @ x[6:]) @ rotation.T + x[:3]) - given.pixels
        squared = (error**2).sum(axis=1) / (fit.noise_scale * given.sigma) ** 2
        robust = settings.kernel**2 * squared / (settings.kernel**2 + squared)
        data = settings.independent_share * given.weight * robust
        expression = x[6 + k :]
        return np.concatenate(
            [
                np.sqrt(data),
                np.sqrt(information) * (x[6 : 6 + k] - average),
                np.sqrt(weights) * expression / small_model.expression_spread,
                (expression - np.clip(expression, 0, 1)) / 0.05,
            ]
        )

    ours = np.concatenate([fit.pose[:3, 3], np.zeros(3), fit.coefficients])
    oracle = least_squares(residuals, ours + 0.01 * rng.normal(size=len(ours)), x_scale="jac", ftol=1e-12, xtol=1e-12)
    assert (residuals(ours) ** 2).sum() == pytest.approx(2.0 * oracle.cost, rel=1e-5)
    deviation = np.sqrt(np.diag(np.linalg.inv(fit.information)))
    assert np.abs((ours - oracle.x) / deviation).max() < 0.02


@pytest.mark.parametrize("yaw", [-75, 0, 45])
def test_thirty_percent_outliers_hardly_move_the_pose(small_model: FaceModel, yaw: float) -> None:
    aligner = Aligner(small_model, INDEPENDENT, HONEST)
    turns = []
    for seed in range(8):
        view = View.of(small_model, np.random.default_rng(seed), yaw=yaw, roll=20 * seed, noise=1.0, outliers=0.3)
        fit = aligner.align(view.correspondences, CAMERA)
        turns.append(_turn(fit, view))
        assert 0.6 < fit.inliers < 0.85
    assert np.median(turns) < 0.7
    assert max(turns) < 2.0


def test_covariance_matches_the_errors_made(small_model: FaceModel) -> None:
    """Mean normalised squared error of 200 heads drawn from the priors: 6 for six unknowns."""
    aligner = Aligner(small_model, INDEPENDENT, HONEST)
    squared = []
    for seed in range(200):
        view = View.of(small_model, np.random.default_rng(seed), yaw=seed % 120 - 60.0, count=80, noise=1.5)
        fit = aligner.align(view.correspondences, CAMERA)
        turn = vector_from_rotation(view.pose[:3, :3] @ fit.pose[:3, :3].T)
        error = np.concatenate([view.pose[:3, 3] - fit.pose[:3, 3], turn])
        squared.append(error @ np.linalg.solve(fit.covariance, error))
    assert 4.8 < np.mean(squared) < 7.5


def test_depth_is_as_uncertain_as_head_size_until_identity_is_known(small_model: FaceModel) -> None:
    """The size mode is 4 % per standard deviation, so at 0.7 m depth cannot be known better than about 28 mm."""
    view = View.of(small_model, np.random.default_rng(11), noise=0.5)
    aligner = Aligner(small_model, INDEPENDENT, HONEST)
    alone = aligner.align(view.correspondences, CAMERA)
    assert 0.02 < np.sqrt(alone.covariance[2, 2]) < 0.035
    size = small_model.identity_size
    known = IdentityPrior(view.coefficients[:size], 1e6 * np.eye(size))
    given = aligner.align(view.correspondences, CAMERA, identity_prior=known)
    assert np.sqrt(given.covariance[2, 2]) < 0.003
    assert abs(given.pose[2, 3] - view.pose[2, 3]) < 0.006


def test_identity_posterior_carries_to_the_next_frame(small_model: FaceModel) -> None:
    """Two views of one person, the second given the first's posterior, know more than either."""
    aligner = Aligner(small_model, INDEPENDENT, HONEST)
    first, second = (
        View.of(small_model, np.random.default_rng(12), yaw=yaw, count=60, noise=1.0) for yaw in (-40.0, 40.0)
    )
    one = aligner.align(first.correspondences, CAMERA).identity
    alone = aligner.align(second.correspondences, CAMERA).identity
    both = aligner.align(second.correspondences, CAMERA, identity_prior=one).identity
    for single in (one, alone):
        gain = np.linalg.eigvalsh(both.information) / np.linalg.eigvalsh(single.information)
        assert gain.min() > 0.95
        assert gain.max() > 1.3


def test_the_identity_is_as_sure_as_when_nothing_is_known_of_all_else(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(20), noise=0.5)
    fit = Aligner(small_model).align(view.correspondences, CAMERA)
    own = slice(6, 6 + small_model.identity_size)
    np.testing.assert_allclose(
        fit.identity.information @ np.linalg.inv(fit.information)[own, own], np.eye(8), atol=1e-6
    )


def test_stronger_priors_pull_coefficients_to_zero(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(13), noise=1.0)
    k = small_model.identity_size
    weak = Aligner(small_model).align(view.correspondences, CAMERA).coefficients
    stiff_settings = AlignmentSettings(expression_weight=1e6, jaw_weight=1e6)
    average, aligner = IdentityPrior(np.zeros(k), 1e6 * np.eye(k)), Aligner(small_model, stiff_settings)
    stiff = aligner.align(view.correspondences, CAMERA, identity_prior=average).coefficients
    assert np.abs(weak[:k]).max() > 0.5
    assert np.abs(stiff).max() < 0.02


def test_a_jaw_free_of_its_prior_does_not_move_the_head(small_model: FaceModel) -> None:
    """An open mouth that the prior holds shut is explained by another head, nearer or farther."""
    jaw = small_model.identity_size + small_model.expression_names.index("jawOpen")
    coefficients = np.zeros(small_model.identity_size + small_model.expression_size)
    view = View.of(small_model, np.random.default_rng(15), noise=0.0)
    errors = []
    for weight in (1.0, 0.1):
        aligner = Aligner(small_model, AlignmentSettings(jaw_weight=weight))
        opened, depth = [], []
        for activation in (0.0, 0.6):
            coefficients[jaw] = activation
            vertices = small_model.shape(coefficients).astype(np.float64) @ view.pose[:3, :3].T + view.pose[:3, 3]
            pixels = CAMERA.project(small_model.at(view.correspondences.points, vertices))
            fit = aligner.align(replace(view.correspondences, pixels=pixels, sigma=np.full(len(pixels), 4.0)), CAMERA)
            opened.append(fit.coefficients[jaw])
            depth.append(fit.pose[2, 3])
        errors.append((abs(opened[1] - opened[0] - 0.6), abs(depth[1] / depth[0] - 1.0)))
    (held_jaw, held_depth), (free_jaw, free_depth) = errors
    assert free_jaw < 0.5 * held_jaw
    assert free_depth < 0.7 * held_depth


def test_activations_stay_near_their_bounds(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(14), noise=0.0)
    k = small_model.identity_size
    wild = view.coefficients.copy()
    wild[k:] = [1.4, -0.5, 1.4, -0.4, 0.5]
    vertices = small_model.shape(wild).astype(np.float64) @ view.pose[:3, :3].T + view.pose[:3, 3]
    pixels = CAMERA.project(small_model.at(view.correspondences.points, vertices))
    given = replace(view.correspondences, pixels=pixels, sigma=np.full(len(pixels), 1.0))
    activations = Aligner(small_model).align(given, CAMERA).coefficients[k:]
    assert -0.15 < activations.min() < 0.0
    assert 0.8 < activations.max() < 1.15


def test_understated_sigmas_widen_the_covariance(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(17), noise=2.0, sigma=2.0)
    honest = Aligner(small_model).align(view.correspondences, CAMERA)
    boast = replace(view.correspondences, sigma=np.full(len(view.correspondences), 0.5))
    corrected = Aligner(small_model).align(boast, CAMERA)
    assert corrected.inliers > 0.97
    assert corrected.noise_scale == pytest.approx(4.0, rel=0.15)
    ratio = np.sqrt(np.diag(corrected.covariance) / np.diag(honest.covariance))
    assert ratio == pytest.approx(np.ones(6), abs=0.2)


def test_sparse_landmarks_with_their_own_sigmas_fit(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(18), yaw=-10.0, pitch=5.0)
    rng = np.random.default_rng(19)
    vertices = small_model.shape(view.coefficients).astype(np.float64) @ view.pose[:3, :3].T + view.pose[:3, 3]
    sigma = rng.uniform(0.5, 2.0, 68)
    pixels = CAMERA.project(small_model.at(small_model.landmarks, vertices)) + sigma[:, None] * rng.normal(size=(68, 2))
    fit = Aligner(small_model, INDEPENDENT, HONEST).align(
        Correspondences(pixels, small_model.landmarks, np.ones(68), sigma), CAMERA
    )
    assert _turn(fit, view) < 2.0
    distance = np.linalg.norm(
        project(small_model, fit.pose, fit.coefficients) - project(small_model, view.pose, view.coefficients), axis=1
    )
    assert np.median(distance) < 1.0


def test_too_few_correspondences_are_refused(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(20))
    with pytest.raises(AlignmentFailure, match="5 given, 12 needed") as caught:
        Aligner(small_model).align(take(view.correspondences, np.arange(5)), CAMERA)
    assert caught.value.reason is FailureReason.TOO_FEW


def test_correspondences_on_one_spot_are_refused(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(21), count=50)
    spot = SurfacePoints(np.full(50, view.correspondences.points.triangle[0]), view.correspondences.points.weights)
    with pytest.raises(AlignmentFailure, match="mm needed") as caught:
        Aligner(small_model).align(replace(view.correspondences, points=spot), CAMERA)
    assert caught.value.reason is FailureReason.DEGENERATE


def test_correspondences_of_no_face_are_refused(small_model: FaceModel) -> None:
    rng = np.random.default_rng(22)
    view = View.of(small_model, rng)
    noise = rng.uniform((0, 0), (640, 480), size=(200, 2))
    given = replace(view.correspondences, pixels=noise, sigma=np.ones(200))
    with pytest.raises(AlignmentFailure) as caught:
        Aligner(small_model).align(given, CAMERA)
    assert caught.value.reason in (FailureReason.INCONSISTENT, FailureReason.BEHIND_CAMERA)


def test_a_start_behind_the_camera_is_refused(small_model: FaceModel) -> None:
    aligner = Aligner(small_model)
    view = View.of(small_model, np.random.default_rng(23))
    fit = aligner.align(view.correspondences, CAMERA)
    pose = fit.pose.copy()
    pose[2, 3] *= -1
    with pytest.raises(AlignmentFailure) as caught:
        aligner.align(view.correspondences, CAMERA, start=replace(fit, pose=pose))
    assert caught.value.reason is FailureReason.BEHIND_CAMERA


def test_a_fit_that_is_cut_short_says_so(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(24), yaw=50.0)
    with pytest.raises(AlignmentFailure) as caught:
        Aligner(small_model, AlignmentSettings(max_iterations=1, tolerance=1e-9)).align(view.correspondences, CAMERA)
    assert caught.value.reason is FailureReason.NOT_CONVERGED


def test_values_that_are_not_finite_are_an_error(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(25))
    for sigma in (0.0, -1.0, np.nan):
        given = replace(view.correspondences, sigma=np.full(len(view.correspondences), sigma))
        with pytest.raises(ValueError, match="sigmas that are not positive"):
            Aligner(small_model).align(given, CAMERA)
    view.correspondences.pixels[3, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        Aligner(small_model).align(view.correspondences, CAMERA)


def test_the_distance_alone_is_less_sure_than_the_fit_claims(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(3), noise=1.0)
    claimed = Aligner(small_model, INDEPENDENT, HONEST).align(view.correspondences, CAMERA)
    told = Aligner(small_model, INDEPENDENT, replace(HONEST, distance_factor=1.5)).align(view.correspondences, CAMERA)
    sight = told.pose[:3, 3] / np.linalg.norm(told.pose[:3, 3])
    before, after = (sight @ fit.covariance[:3, :3] @ sight for fit in (claimed, told))
    assert after == pytest.approx(1.5 * before)
    added = told.covariance - claimed.covariance
    np.testing.assert_allclose(added[:3, :3], 0.5 * before * np.outer(sight, sight), atol=1e-12)
    assert np.abs(added[3:]).max() == 0.0


def test_what_a_fit_cannot_know_widens_all_of_its_covariance(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(20), noise=0.5)
    fit = Aligner(small_model).align(view.correspondences, CAMERA)
    np.testing.assert_allclose(replace(fit, doubt=2.0).covariance, 2.0 * fit.covariance)


def test_the_share_that_is_claimed_scales_the_information_of_the_data_alone(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(21), noise=0.5)
    shares = (0.2, 0.4, 0.8)
    fits = [
        Aligner(small_model, calibration=Calibration(covariance_share=s)).align(view.correspondences, CAMERA)
        for s in shares
    ]
    first, second, third = (fit.information for fit in fits)
    np.testing.assert_array_equal(fits[0].pose, fits[2].pose)
    np.testing.assert_allclose(third - second, 2.0 * (second - first), rtol=1e-6, atol=1e-6 * np.abs(third).max())
    np.testing.assert_allclose(second[:6, :6], 2.0 * first[:6, :6], rtol=1e-9)  # nothing is known of a pose beforehand


def test_correspondences_along_a_line_are_refused(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(22), count=2000)
    _, across, up = small_model.at(view.correspondences.points, small_model.mean).T
    line = take(view.correspondences, (np.abs(across) < 0.004) & (np.abs(up) < 0.04))
    with pytest.raises(AlignmentFailure) as failure:
        Aligner(small_model).align(line, CAMERA)
    assert failure.value.reason is FailureReason.DEGENERATE


@pytest.mark.parametrize(
    ("name", "value"), [("max_iterations", 0), ("kernel", 0.0), ("expression_weight", -1.0), ("kernel", np.nan)]
)
def test_settings_that_fit_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"alignment {name} is {value}; it must be"):
        AlignmentSettings(**{name: value})
