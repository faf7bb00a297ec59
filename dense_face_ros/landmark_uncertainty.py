"""How well each landmark's pixel is known, from the covariance of all that was fitted."""

from __future__ import annotations

import numpy as np

from dense_face_ros.alignment import Alignment
from dense_face_ros.face_model import FaceModel
from dense_face_ros.gauss_newton import solve
from dense_face_ros.geometry import Array, PinholeCamera


class LandmarkUncertainty:
    """Propagates the covariance of pose and coefficients to the 68 landmarks of ``model``."""

    def __init__(self, model: FaceModel) -> None:
        self._basis = model.at(model.landmarks, model.basis).astype(np.float64)

    def __call__(self, alignment: Alignment, landmarks: Array, camera: PinholeCamera) -> Array:
        """Standard deviation per axis (68,), pixels without lens distortion; landmarks (68, 3) in the camera frame."""
        rotation, translation = alignment.pose[:3, :3], alignment.pose[:3, 3]
        size = len(alignment.information)
        moves = np.zeros((68, 3, size))
        moves[:, :, :3] = np.eye(3)
        arm = landmarks - translation
        for axis in range(3):  # the rotation vector acts from the left: d X = w x arm
            moves[:, :, 3 + axis] = np.cross(np.eye(3)[axis], arm)
        moves[:, :, 6 : 6 + self._basis.shape[2]] = rotation @ self._basis
        x, y, z = landmarks.T
        project = np.zeros((68, 2, 3))
        project[:, 0, 0], project[:, 0, 2] = camera.fx / z, -camera.fx * x / z**2
        project[:, 1, 1], project[:, 1, 2] = camera.fy / z, -camera.fy * y / z**2
        jacobian = (project @ moves).reshape(136, size)
        variance = np.einsum("ij,ji->i", jacobian, solve(alignment.information, jacobian.T)).reshape(68, 2)
        return np.asarray(np.sqrt(variance.mean(axis=1)))
