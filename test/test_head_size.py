"""A measured distance between the pupils: what it says of the person, and of how far away a head is."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_views import CAMERA, View

from dense_face_ros.alignment import Aligner
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from dense_face_ros.head_size import check_pupil_distance, eyeballs, person_of


def pupil_distance(model: FaceModel, identity: Array) -> float:
    left, right = eyeballs(model)
    vertices = model.shape(np.concatenate([identity, np.zeros(model.expression_size)]))
    return float(np.linalg.norm(vertices[left].mean(axis=0) - vertices[right].mean(axis=0)))


def test_the_mean_face_has_an_adults_pupils(shipped_model: FaceModel) -> None:
    assert pupil_distance(shipped_model, np.zeros(shipped_model.identity_size)) == pytest.approx(0.063, abs=0.001)


@pytest.mark.parametrize("distance", [0.055, 0.063, 0.072])
def test_the_likeliest_person_has_the_measured_distance(shipped_model: FaceModel, distance: float) -> None:
    person = person_of(shipped_model, distance)
    assert pupil_distance(shipped_model, person.mean) == pytest.approx(distance, abs=0.001)


def test_the_person_is_that_of_the_population_with_such_pupils(shipped_model: FaceModel) -> None:
    """Weights of a million people by how well they agree with a measurement give the same Gaussian, mode by mode."""
    person = person_of(shipped_model, 0.070)
    covariance = np.linalg.inv(person.information)
    size = shipped_model.identity_size
    step = 1e-3
    usual = pupil_distance(shipped_model, np.zeros(size))
    per_mode = np.array([(pupil_distance(shipped_model, step * mode) - usual) / step for mode in np.eye(size)])
    along = per_mode / np.linalg.norm(per_mode)
    drawn = np.random.default_rng(0).normal(size=1_000_000)  # along the one direction that changes the distance
    weight = np.exp(-0.5 * ((usual + np.linalg.norm(per_mode) * drawn - 0.070) / 0.001) ** 2)
    mean = np.average(drawn, weights=weight)
    np.testing.assert_allclose(person.mean, mean * along, atol=0.02)
    assert along @ covariance @ along == pytest.approx(np.average((drawn - mean) ** 2, weights=weight), rel=0.05)
    others = np.linalg.svd(along[None])[2][1:]
    np.testing.assert_allclose(others @ covariance @ others.T, np.eye(size - 1), atol=1e-3)


def test_distances_rest_on_the_measured_pupils(shipped_model: FaceModel) -> None:
    """Heads at 0.7 m: half the error in depth, and a covariance that says so without boasting."""
    aligner, size = Aligner(shipped_model), shipped_model.identity_size
    errors, sigmas = [], []
    for seed in range(48):
        yaw = 4.0 * (seed % 16) - 30.0
        view = View.of(shipped_model, np.random.default_rng(seed), yaw=yaw, count=300, noise=2.0)
        person = person_of(shipped_model, pupil_distance(shipped_model, view.coefficients[:size]))
        fits = [aligner.align(view.correspondences, CAMERA, identity_prior=prior) for prior in (None, person)]
        errors.append([fit.pose[2, 3] - view.pose[2, 3] for fit in fits])
        sigmas.append([np.sqrt(fit.covariance[2, 2]) for fit in fits])
    rms = np.sqrt(np.mean(np.square(errors), axis=0))
    assert rms[1] < 0.65 * rms[0]
    assert (np.divide(*np.transpose(sigmas)) > 1.3).all()
    assert np.mean(np.square(np.divide(errors, sigmas))[:, 1]) < 1.5


@pytest.mark.parametrize("distance", [63.0, 0.02, -0.063, float("nan")])
def test_what_no_driver_can_have_is_refused(distance: float) -> None:
    message = rf"interpupillary_distance is {distance} m; it must be 0 \(unknown\) or 0\.045 to 0\.08 m"
    with pytest.raises(ValueError, match=message):
        check_pupil_distance(distance)


@pytest.mark.parametrize("distance", [0.0, 0.045, 0.063, 0.080])
def test_zero_stands_for_unknown_and_people_differ(distance: float) -> None:
    check_pupil_distance(distance)


def test_a_model_without_eyeballs_cannot_tell(small_model: FaceModel) -> None:
    with pytest.raises(ValueError, match="the face model has no eyeballs"):
        person_of(small_model, 0.063)
