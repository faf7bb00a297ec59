"""Mesh points are placed where rendered heads show them, whatever the heads look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from training.photographs import mesh478_surface
from training.photographs.mesh478 import POINTS, load_surface
from training.photographs.mesh478_surface import SeenHead, drop, first_guess, learn_surface

CAMERA = PinholeCamera(1000.0, 1000.0, 95.5, 95.5, 192, 192)


def heads(model: FaceModel, surface: SurfacePoints, noise: float = 0.4) -> list[SeenHead]:
    """Different people, bowed by 12 degrees in the mean, with points where ``surface`` has them but for noise."""
    out = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        identity = rng.normal(size=model.identity_size)
        shape = model.shape(np.concatenate([identity, np.zeros(model.expression_size)]))
        pose = np.eye(4)
        pose[:3, :3] = rotation_from_yaw_pitch_roll(np.radians([rng.uniform(-25, 25), rng.normal(12, 6), 0]))
        pose[:3, 3] = 0.0, 0.0, 1.6
        seen = model.at(surface, shape) @ pose[:3, :3].T + pose[:3, 3]
        mesh = CAMERA.project(seen.astype(np.float64)) + rng.normal(0.0, noise, (POINTS, 2))
        out.append(SeenHead(shape, pose, CAMERA, mesh))
    return out


def test_points_are_found_where_they_are(shipped_model: FaceModel) -> None:
    surface, _ = load_surface()
    seen = heads(shipped_model, surface)
    true = shipped_model.at(surface, shipped_model.mean)

    def gap(found: SurfacePoints) -> np.ndarray:
        return np.linalg.norm(shipped_model.at(found, shipped_model.mean) - true, axis=1)

    learned, sigma = learn_surface(shipped_model, seen)
    assert np.median(gap(first_guess(shipped_model, seen))) < 0.003
    assert np.median(gap(learned)) < 0.0006 and np.percentile(gap(learned), 90) < 0.003
    up = (shipped_model.at(learned, shipped_model.mean) - true)[:, 2]
    assert abs(up.mean()) < 0.0003, "all of them lower would make heads of photographs look up"
    assert sigma.shape == (POINTS,) and (sigma >= 0.004).all() and sigma.max() <= 0.05


def test_points_are_dropped_onto_the_skin(shipped_model: FaceModel) -> None:
    eyes = [i for i, name in enumerate(shipped_model.region_names) if name.startswith("eye_")]
    eyeball = shipped_model.mean[np.isin(shipped_model.regions, eyes)]
    found = drop(shipped_model, eyeball[:5].astype(np.float64))
    regions = shipped_model.regions[shipped_model.triangles[found.triangle]]
    assert not np.isin(regions, eyes).any()


def test_bad_input_is_one_line(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as other:
        other.setenv("DENSE_FACE_MODEL", str(tmp_path / "none.npz"))
        assert mesh478_surface.main(["--environments", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: DENSE_FACE_MODEL: face model") and error.count("\n") == 1
    monkeypatch.setattr(mesh478_surface, "rendered_heads", lambda *_: pytest.fail("rendered before it was checked"))
    for out in (tmp_path, tmp_path / "none" / "surface.npz"):
        assert mesh478_surface.main(["--environments", str(tmp_path), "--out", str(out)]) == 2
        assert capsys.readouterr().err.startswith("error: --out: ")
    out = str(tmp_path / "surface.npz")
    assert mesh478_surface.main(["--environments", str(tmp_path), "--out", out, "--people", "0"]) == 2
    assert capsys.readouterr().err == "error: --people is 0; it must be at least 1\n"


def test_a_file_that_cannot_be_written_is_told_in_one_line(
    shipped_model: FaceModel, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError("no space left")

    surface, sigma = load_surface()
    monkeypatch.setattr(mesh478_surface, "rendered_heads", lambda *_: [])
    monkeypatch.setattr(mesh478_surface, "learn_surface", lambda *_: (surface, sigma))
    out = tmp_path / "surface"
    assert mesh478_surface.main(["--environments", str(tmp_path), "--out", str(out)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["surface"]
    before = out.read_bytes()
    monkeypatch.setattr(np, "savez_compressed", full_disk)
    assert mesh478_surface.main(["--environments", str(tmp_path), "--out", str(out)]) == 2
    assert capsys.readouterr().err == "error: no space left\n" and out.read_bytes() == before


def test_the_points_of_an_own_model_lie_beside_it(
    shipped_model: FaceModel, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped, sigma = load_surface()
    other = SurfacePoints(shipped.triangle[::-1].copy(), shipped.weights)
    shipped_model.save(tmp_path / "mine.npz")
    monkeypatch.setenv("DENSE_FACE_MODEL", str(tmp_path / "mine.npz"))
    with pytest.raises(FileNotFoundError, match=r"mine_mesh478\.npz' does not exist; make it with .*mesh478_surface"):
        load_surface()
    monkeypatch.setattr(mesh478_surface, "rendered_heads", lambda *_: [])
    monkeypatch.setattr(mesh478_surface, "learn_surface", lambda *_: (other, sigma))
    assert mesh478_surface.main(["--environments", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(str(tmp_path / "mine_mesh478.npz"))
    np.testing.assert_array_equal(load_surface()[0].triangle, other.triangle)
    monkeypatch.delenv("DENSE_FACE_MODEL")
    np.testing.assert_array_equal(load_surface()[0].triangle, shipped.triangle)
