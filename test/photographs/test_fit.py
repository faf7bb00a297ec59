"""The face model fitted to the 468 mesh points of a photograph, on made points of a known head."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.alignment import Aligner, AlignmentSettings
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll, yaw_pitch_roll_from_rotation
from training.photographs import fit
from training.photographs.collection import FOLDERS, Photographs
from training.photographs.fit import PhotographFits, draw_sheet, fit_photographs, for_sheet, main, project_fit
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
    label, camera = found
    angles = np.degrees(yaw_pitch_roll_from_rotation(label.pose[:3, :3]))
    np.testing.assert_allclose(angles, [yaw, pitch, 0.0], atol=4.0)
    at = shipped_model.at(surface, shipped_model.shape(label.coefficients)) @ label.pose[:3, :3].T + label.pose[:3, 3]
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
    assert again.name.tolist() == [f"made/{i}.jpg" for i in range(4)] and again.model == shipped_model.content_hash
    pixels, depth = project_fit(shipped_model, again, 0)
    surface, _ = load_surface()
    assert np.linalg.norm(shipped_model.at(surface, pixels) - good[:POINTS, :2], axis=1).mean() < 2.0
    assert depth.min() > 0


def test_fits_that_are_not_there_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"training\.photographs\.fit"):
        PhotographFits.load(tmp_path / "none.npz")


def test_files_that_are_no_fits_are_refused(tmp_path: Path) -> None:
    older = tmp_path / "older.npz"
    np.savez(older, pose=np.zeros((2, 4, 4)), accepted=np.ones(2, bool))
    with pytest.raises(ValueError, match=r"older\.npz' lacks name, model, .*; make it with python -m training\.photo"):
        PhotographFits.load(older)
    (tmp_path / "cut.npz").write_bytes(older.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cut\.npz' is no \.npz file, or was cut short; make it"):
        PhotographFits.load(tmp_path / "cut.npz")


def made_collections(data: Path, count: int) -> None:
    """Three folders of grey squares with meshes that nobody fits here."""
    for name in FOLDERS:
        (data / name / "images").mkdir(parents=True)
        names = [f"{i}.png" for i in range(count)]
        for file in names:
            cv2.imwrite(str(data / name / "images" / file), np.full((192, 192, 3), 90, np.uint8))
        np.savez(
            data / name / "landmarks.npz",
            name=np.array(names),
            mesh478=np.zeros((count, 478, 3), np.float16),
            has_mesh478=np.ones(count, bool),
            split=np.array(["train"] * count),
        )


def made_fits(model: FaceModel, photographs: Photographs, accepted: int) -> PhotographFits:
    count, size = len(photographs), model.identity_size + model.expression_size
    pose = np.eye(4, dtype=np.float32)
    pose[:3, 3] = 0.0, 0.0, 1.5
    return PhotographFits(
        photographs.names, model.content_hash, np.tile(pose, (count, 1, 1)), np.zeros((count, size), np.float32),
        np.full(count, 900.0, np.float32), np.linspace(0.01, 0.03, count, dtype=np.float32),
        np.arange(count) < accepted, np.zeros(count, bool),
    )  # fmt: skip


@pytest.mark.parametrize(("accepted", "shown"), [(2, 2 + 2 + 1), (3, 6)])
def test_sheets_of_few_fits_are_drawn(
    shipped_model: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepted: int, shown: int
) -> None:
    made_collections(tmp_path, 1)
    monkeypatch.setattr(fit, "fit_photographs", lambda model, photographs: made_fits(model, photographs, accepted))
    files = ["--data", str(tmp_path), "--out", str(tmp_path / "fits.npz"), "--sheet", str(tmp_path / "sheet.png")]
    assert main(files) == 0
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (256, 8 * 256, 3)
    drawn = [sheet[:, i * 256 : (i + 1) * 256].max() > 32 for i in range(8)]
    assert drawn == [i < shown for i in range(8)]


def test_fits_are_written_to_the_very_file_that_is_named(small_model: FaceModel, tmp_path: Path) -> None:
    paths = (Path("a.png"), Path("b.png"))
    photographs = Photographs(paths, np.zeros((2, 478, 3)), np.zeros((2, 68, 2)), np.zeros(2, bool), ("made",) * 2)
    made_fits(small_model, photographs, 1).save(tmp_path / "runs" / "fits")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["fits"]
    assert PhotographFits.load(tmp_path / "runs" / "fits").accepted.tolist() == [True, False]


def test_sheets_show_of_many_fits_some_of_every_kind(small_model: FaceModel, tmp_path: Path) -> None:
    paths = tuple(Path(f"{i}.png") for i in range(90))
    photographs = Photographs(paths, np.zeros((90, 478, 3)), np.zeros((90, 68, 2)), np.zeros(90, bool), ("made",) * 90)
    fits = made_fits(small_model, photographs, 60)
    fits.residual[-2:] = np.inf  # nothing was fitted to these, so there is nothing to draw
    which = for_sheet(fits)
    assert len(set(which[:24])) == 24 and max(which[:24]) < 60
    assert which[24:40] == list(range(44, 60)) and which[40:] == list(range(60, 68))
    missing = tmp_path / "none" / "sheet.png"
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((192, 192, 3), np.uint8))
    one = Photographs((path,), photographs.mesh478[:1], photographs.points68[:1], np.zeros(1, bool), ("made",))
    with pytest.raises(OSError, match="none"):
        draw_sheet(small_model, one, made_fits(small_model, one, 1), [0], missing)


def test_what_is_of_no_use_is_told_in_one_line(
    shipped_model: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_collections(tmp_path, 1)
    files = ["--data", str(tmp_path), "--out", str(tmp_path / "fits.npz")]
    assert main([*files, "--sheet", str(tmp_path / "none" / "sheet.png")]) == 2
    assert "--sheet: folder" in capsys.readouterr().err
    assert main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "--out: '" in (told := capsys.readouterr().err) and "is a folder; give a file" in told
    monkeypatch.setattr(fit, "fit_photographs", lambda model, photographs: made_fits(model, photographs, 0))
    assert main(files) == 2
    assert "fits none of the photographs" in capsys.readouterr().err
    assert not (tmp_path / "fits.npz").exists()
