"""Skins measured from portraits: on rendered people, whose picture and landmarks are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portraits_folder import points_of, rendered_portrait, write_portraits

from dense_face_ros.face_model import FaceModel
from training.benchmarks.stills import Still
from training.photographs.portrait_fit import PortraitFitter
from training.photographs.portraits import Portraits, load_skins, main, measure, read_portraits, skin


@pytest.fixture(scope="module")
def portrait(shipped_model: FaceModel) -> Still:
    return rendered_portrait(shipped_model)


def test_points_that_are_no_face_are_left_out(shipped_model: FaceModel, portrait: Still) -> None:
    points = np.random.default_rng(0).uniform(0, 480, (189, 2))
    with pytest.raises(FileNotFoundError, match="nowhere"):
        measure(shipped_model, Portraits([Path("kept.jpg"), Path("nowhere.jpg")], points[None].repeat(2, axis=0)))


def test_people_kept_for_validation_lend_no_skin(shipped_model: FaceModel, portrait: Still, tmp_path: Path) -> None:
    write_portraits(tmp_path, portrait, shipped_model, 3)
    portraits = read_portraits(tmp_path)
    for kept in np.flatnonzero(portraits.validation):
        portraits.paths[kept].unlink()
    assert portraits.validation.tolist() == [True, False, False]
    assert len(measure(shipped_model, portraits)) == 2


def test_vertices_take_the_colour_of_their_pixels(shipped_model: FaceModel, portrait: Still) -> None:
    """On a picture whose colours tell the place, what faces the camera knows where it is, on both sides alike."""
    v, u = np.mgrid[: portrait.image.shape[0], : portrait.image.shape[1]]
    places = np.dstack([np.full_like(u, 128), 60 + v * 120 // 480, 60 + u * 120 // 640]).astype(np.uint8)
    fitted = PortraitFitter(shipped_model).fit(places, points_of(portrait, shipped_model))
    assert fitted is not None
    colours = skin(shipped_model, places, *fitted)
    assert colours.shape == shipped_model.mean.shape and colours.dtype == np.uint8
    for landmark in (30, 33, 51, 57):
        vertex = shipped_model.triangles[shipped_model.landmarks.triangle[landmark], 0]
        x, y = portrait.landmarks[landmark]
        assert colours[vertex, 0] == pytest.approx(60 + x * 120 / 640, abs=4), "red tells the column"
        assert colours[vertex, 1] == pytest.approx(60 + y * 120 / 480, abs=4), "green tells the row"
    assert (colours[:, 2] == 128).all()


def test_files_of_portraits_become_skins(
    shipped_model: FaceModel, portrait: Still, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_portraits(tmp_path, portrait, shipped_model, 2)
    out = tmp_path / "runs" / "skins.npz"
    assert main([str(tmp_path), "--out", str(out)]) == 0
    assert "1 skins of 2 portraits, 1 of them kept for validation" in capsys.readouterr().out
    (measured,) = load_skins(out, shipped_model)
    x, y = np.round(portrait.landmarks[30]).astype(int)
    nose = shipped_model.triangles[shipped_model.landmarks.triangle[30], 0]
    assert 255 * measured[nose] == pytest.approx(portrait.image[y, x, ::-1], abs=25)


def test_what_is_missing_or_of_another_model_is_named(
    small_model: FaceModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "is a folder; give a file" in capsys.readouterr().err
    assert main([str(tmp_path), "--out", str(tmp_path / "skins.npz")]) == 2
    assert "points189.npz' does not exist" in capsys.readouterr().err
    (tmp_path / "london_portraits").mkdir()
    np.savez(tmp_path / "london_portraits" / "points189.npz", other=np.zeros(3))
    with pytest.raises(ValueError, match="lacks name, points189, it has other; needed are name"):
        read_portraits(tmp_path)
    np.savez(tmp_path / "london_portraits" / "points189.npz", name=np.array(["a.jpg"]), points189=np.zeros((1, 68, 2)))
    with pytest.raises(ValueError, match=r"points189 \(1, 68, 2\); needed are name"):
        read_portraits(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"training\.photographs\.portraits"):
        load_skins(tmp_path / "none.npz", small_model)
    np.savez(tmp_path / "skins.npz", skin=np.zeros((2, 7, 3), np.uint8))
    with pytest.raises(ValueError, match="this face model needs"):
        load_skins(tmp_path / "skins.npz", small_model)
    np.savez(tmp_path / "skins.npz", skin=np.zeros((2, len(small_model.mean), 3), np.float32))
    with pytest.raises(ValueError, match=r"skins float32 .*; this face model needs uint8"):
        load_skins(tmp_path / "skins.npz", small_model)
    whole = (tmp_path / "skins.npz").read_bytes()
    (tmp_path / "skins.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"skins\.npz' is no \.npz file, or was cut short; make it with"):
        load_skins(tmp_path / "skins.npz", small_model)
