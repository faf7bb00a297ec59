"""The face model fitted to the 468 mesh points of a photograph, on made points of a known head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.alignment import Aligner, AlignmentSettings
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll, yaw_pitch_roll_from_rotation
from training.photographs.collection import Photographs
from training.photographs.fit import PhotographFits, fit_photographs, project_fit
from training.photographs.mesh478 import POINTS, face_width, fit_mesh, load_surface


def made_mesh(model: FaceModel, yaw: float, pitch: float, seed: int, noise: float = 0.3) -> np.ndarray:
    """Mesh points (478, 3) of a random person in a 192-pixel photograph."""
    rng = np.random.default_rng(seed)
    surface, _ = load_surface()
    coefficients = np.concatenate([rng.standard_normal(model.identity_size), np.zeros(model.expression_size)])
    rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, 0.0]))
    at = model.at(surface, model.shape(coefficients)) @ rotation.T + [0.01, 0.02, 1.4]
    pixels = at[:, :2] * (900.0 / at[:, 2:]) + 95.5 + noise * rng.standard_normal((POINTS, 2))
    return np.vstack([np.column_stack([pixels, np.zeros(POINTS)]), np.zeros((10, 3))])


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (35, 10), (-50, -10)])
def test_pose_and_points_come_back(shipped_model: FaceModel, yaw: float, pitch: float) -> None:
    mesh = made_mesh(shipped_model, yaw, pitch, seed=3)
    surface, sigma = load_surface()
    settings = AlignmentSettings(independent_share=0.3, max_iterations=60, max_noise_scale=20.0)
    found = fit_mesh(Aligner(shipped_model, settings), surface, sigma, mesh)
    assert found is not None
    fit, camera = found
    angles = np.degrees(yaw_pitch_roll_from_rotation(fit.pose[:3, :3]))
    np.testing.assert_allclose(angles, [yaw, pitch, 0.0], atol=4.0)
    at = shipped_model.at(surface, shipped_model.shape(fit.coefficients)) @ fit.pose[:3, :3].T + fit.pose[:3, 3]
    gap = np.linalg.norm(camera.project(at) - mesh[:POINTS, :2], axis=1)
    assert gap.mean() < 0.015 * face_width(mesh)


def test_bad_labels_are_not_accepted(shipped_model: FaceModel, tmp_path: Path) -> None:
    good = made_mesh(shipped_model, 10.0, 0.0, seed=1)
    scrambled = good.copy()
    scrambled[:POINTS, :2] = np.random.default_rng(0).permutation(good[:POINTS, :2])
    tiny = 95.0 + 0.1 * (good - 95.0)
    absent = np.full_like(good, np.nan)
    meshes = np.array([good, scrambled, tiny, absent], dtype=np.float32)
    paths = tuple(Path(f"{i}.jpg") for i in range(4))
    photographs = Photographs(paths, meshes, np.zeros((4, 68, 2), np.float32), np.zeros(4, bool), ("made",) * 4)
    fits = fit_photographs(shipped_model, photographs, processes=1)
    assert fits.accepted.tolist() == [True, False, False, False]
    fits.save(tmp_path / "fits.npz")
    again = PhotographFits.load(tmp_path / "fits.npz")
    np.testing.assert_array_equal(again.pose, fits.pose)
    pixels, depth = project_fit(shipped_model, again, 0)
    surface, _ = load_surface()
    assert np.linalg.norm(shipped_model.at(surface, pixels) - good[:POINTS, :2], axis=1).mean() < 2.0
    assert depth.min() > 0


def test_fits_that_are_not_there_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"training\.photographs\.fit"):
        PhotographFits.load(tmp_path / "none.npz")
