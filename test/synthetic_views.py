"""Correspondences of a known head seen by a known camera, for tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dense_face_ros.correspondence import Correspondences
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll

CAMERA = PinholeCamera(600.0, 610.0, 320.0, 240.0, 640, 480)


@dataclass(frozen=True)
class View:
    """A head of known pose (4, 4), coefficients and correspondences with known noise."""

    camera: PinholeCamera
    pose: np.ndarray
    coefficients: np.ndarray
    correspondences: Correspondences

    @classmethod
    def of(
        cls,
        model: FaceModel,
        rng: np.random.Generator,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        position: tuple[float, float, float] = (0.05, -0.03, 0.7),
        count: int = 200,
        noise: float = 0.0,
        sigma: float | None = None,
        outliers: float = 0.0,
        camera: PinholeCamera = CAMERA,
    ) -> View:
        """Angles in degrees; a person drawn from the model's prior; points on the surface that faces the camera."""
        spread = model.expression_spread
        activations = np.clip(np.abs(rng.normal(size=len(spread))) * spread, 0.0, 1.0)
        coefficients = np.concatenate([rng.normal(size=model.identity_size), activations])
        pose = np.eye(4)
        pose[:3, :3] = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, roll]))
        pose[:3, 3] = position
        vertices = model.shape(coefficients).astype(np.float64)
        seen = vertices @ pose[:3, :3].T + pose[:3, 3]
        facing = -np.sum((model.normals(vertices) @ pose[:3, :3].T) * seen, axis=1) / np.linalg.norm(seen, axis=1)
        triangle = rng.choice(np.flatnonzero((facing > 0.1)[model.triangles].all(axis=1)), count)
        points = SurfacePoints(triangle.astype(np.int32), rng.dirichlet((1, 1, 1), count).astype(np.float32))
        pixels = camera.project(model.at(points, seen)) + noise * rng.normal(size=(count, 2))
        wrong = rng.permutation(count)[: round(outliers * count)]
        low, high = pixels.min(axis=0), pixels.max(axis=0)
        pixels[wrong] = rng.uniform(low, high, size=(len(wrong), 2))
        stated = sigma if sigma is not None else max(noise, 0.02)
        return cls(camera, pose, coefficients, Correspondences(pixels, points, np.ones(count), np.full(count, stated)))


def take(correspondences: Correspondences, keep: np.ndarray) -> Correspondences:
    """Some of the pairs."""
    points = correspondences.points
    return Correspondences(
        correspondences.pixels[keep],
        SurfacePoints(points.triangle[keep], points.weights[keep]),
        correspondences.weight[keep],
        correspondences.sigma[keep],
    )


def project(model: FaceModel, pose: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Where :data:`CAMERA` sees the vertices of a face, (V, 2)."""
    return CAMERA.project(model.shape(coefficients).astype(np.float64) @ pose[:3, :3].T + pose[:3, 3])
