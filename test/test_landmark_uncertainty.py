"""Propagated landmark uncertainty against brute-force sampling of the same posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from synthetic_views import CAMERA, View

from dense_face_ros.alignment import Aligner
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_vector
from dense_face_ros.landmark_uncertainty import LandmarkUncertainty


@pytest.mark.parametrize("lens", [CAMERA, replace(CAMERA, distortion_model="plumb_bob", distortion=(-3.0, 5.0, 0, 0))])
def test_sigma_is_the_spread_of_projected_samples(small_model: FaceModel, lens: PinholeCamera) -> None:
    rng = np.random.default_rng(0)
    view = View.of(small_model, rng, yaw=20.0, noise=0.5)
    fit = Aligner(small_model).align(view.correspondences, CAMERA)

    def landmarks(step: np.ndarray) -> np.ndarray:
        k = len(fit.coefficients)
        rotation = rotation_from_vector(step[3:6]) @ fit.pose[:3, :3]
        shape = small_model.shape(fit.coefficients + step[6 : 6 + k])
        return small_model.at(small_model.landmarks, shape) @ rotation.T + fit.pose[:3, 3] + step[:3]

    size = len(fit.information)
    sigma = LandmarkUncertainty(small_model)(fit, landmarks(np.zeros(size)), lens)
    covariance = np.linalg.inv(fit.information)
    samples = rng.multivariate_normal(np.zeros(size), 0.5 * (covariance + covariance.T), 600)
    pixels = np.array([lens.project(landmarks(s)) for s in samples])
    np.testing.assert_allclose(sigma, np.sqrt(pixels.var(axis=0).mean(axis=1)), rtol=0.15)


def test_what_a_fit_cannot_know_widens_landmarks_too(small_model: FaceModel) -> None:
    view = View.of(small_model, np.random.default_rng(1), noise=0.5)
    fit = Aligner(small_model).align(view.correspondences, CAMERA)
    landmarks = small_model.at(small_model.landmarks, small_model.shape(fit.coefficients)) @ fit.pose[:3, :3].T
    landmarks = landmarks + fit.pose[:3, 3]
    sure, doubtful = (
        LandmarkUncertainty(small_model)(replace(fit, doubt=doubt), landmarks, CAMERA) for doubt in (1.0, 4.0)
    )
    np.testing.assert_allclose(doubtful, 2.0 * sure)
