"""How well each landmark's pixel is known, from the covariance of all that was fitted."""

from __future__ import annotations

import numpy as np

from dense_face_ros.alignment import Alignment
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera, skew


class LandmarkUncertainty:
    """Propagates the covariance of pose and coefficients to the 68 landmarks of ``model``."""

    def __init__(self, model: FaceModel) -> None:
        self._basis = model.at(model.landmarks, model.basis).astype(np.float64)

    def __call__(self, alignment: Alignment, landmarks: Array, camera: PinholeCamera) -> Array:
        """Standard deviation per axis (68,), pixels of the image; landmarks (68, 3) metres in the camera frame."""
        rotation, translation = alignment.pose[:3, :3], alignment.pose[:3, 3]
        x, y, z = landmarks.T
        per_metre = np.zeros((68, 2, 3))
        per_metre[:, 0, 0], per_metre[:, 0, 2] = camera.fx / z, -camera.fx * x / z**2
        per_metre[:, 1, 1], per_metre[:, 1, 2] = camera.fy / z, -camera.fy * y / z**2
        jacobian = np.zeros((68, 2, len(alignment.information)))
        jacobian[:, :, :3] = per_metre
        # The rotation vector acts from the left: d X = w x (X - t).
        jacobian[:, :, 3:6] = per_metre @ skew(translation - landmarks)
        jacobian[:, :, 6 : 6 + self._basis.shape[2]] = (per_metre @ rotation) @ self._basis
        deviations = alignment.factor.whiten(jacobian.reshape(136, -1).T)
        variances = np.einsum("ij,ij->j", deviations, deviations).reshape(68, 2)
        straight = np.sqrt(0.5 * alignment.doubt * (variances[:, 0] + variances[:, 1]))
        return straight / camera.magnification(camera.project_straight(landmarks)) if camera.distorts else straight
