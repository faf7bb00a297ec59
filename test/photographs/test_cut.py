"""Squares around faces, of photographs of any size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.face_finder import FaceCandidate, FaceFinder
from training.photographs.cut import main, square


def face(x: float, y: float, size: float) -> FaceCandidate:
    return FaceCandidate((x - size / 2, y - size / 2, x + size / 2, y + size / 2), 0.9, 0.0)


def spot(x: int, y: int, radius: int) -> np.ndarray:
    """A grey photograph with a white spot."""
    return cv2.circle(np.full((600, 800, 3), 90, np.uint8), (x, y), radius, (255, 255, 255), -1)


@pytest.mark.parametrize(("size", "pixels"), [(60.0, 120), (240.0, 192)])
def test_the_face_is_in_the_middle_and_half_the_side(size: float, pixels: int) -> None:
    cut = square(spot(400, 300, round(size / 2)), face(400, 300, size))
    assert cut is not None and cut.shape == (pixels, pixels, 3)
    rows, columns = np.nonzero(cut[:, :, 0] > 200)
    middle = 0.5 * (pixels - 1)
    assert rows.mean() == pytest.approx(middle, abs=1.0) and columns.mean() == pytest.approx(middle, abs=1.0)
    assert np.ptp(rows) == pytest.approx(pixels / 2, abs=3.0)


def test_beyond_the_photograph_it_is_black() -> None:
    cut = square(spot(10, 300, 20), face(10, 300, 80.0))
    assert cut is not None and (cut[:, :69] == 0).all() and (cut[:, 71:] > 0).all()


def test_small_faces_are_left_out() -> None:
    assert square(spot(400, 300, 10), face(400, 300, 39.0)) is None


def test_every_face_of_a_folder_becomes_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [face(200, 300, 100.0), face(600, 300, 30.0), face(500, 200, 60.0)]
    monkeypatch.setattr(FaceFinder, "find", lambda *_: found)
    photographs, out = tmp_path / "photographs", tmp_path / "DATA" / "mine"
    photographs.mkdir()
    assert main([str(photographs), str(out)]) == 2
    assert "holds no photographs" in capsys.readouterr().err
    cv2.imwrite(str(photographs / "a.png"), spot(200, 300, 50))
    cv2.imwrite(str(photographs / "a.jpg"), spot(200, 300, 50))
    assert main([str(photographs), str(out)]) == 0
    names = sorted(path.name for path in (out / "images").iterdir())
    assert names == ["a.jpg_0.jpg", "a.jpg_2.jpg", "a.png_0.jpg", "a.png_2.jpg"]
    assert cv2.imread(str(out / "images" / "a.png_0.jpg")).shape == (192, 192, 3)
    assert main([str(photographs), str(out)]) == 2
    assert "images' exists; move it away first" in capsys.readouterr().err
    monkeypatch.setattr(FaceFinder, "find", lambda *_: [])
    assert main([str(photographs), str(tmp_path / "none")]) == 2
    assert "shows no face of 40 pixels or more" in capsys.readouterr().err and not (tmp_path / "none").exists()


def test_a_photograph_that_cannot_be_read_leaves_no_part_of_a_collection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaceFinder, "find", lambda *_: [face(200, 300, 100.0)])
    photographs, out = tmp_path / "photographs", tmp_path / "mine"
    photographs.mkdir()
    cv2.imwrite(str(photographs / "a.png"), spot(200, 300, 50))
    (photographs / "bad.jpg").write_bytes(b"none")
    assert main([str(photographs), str(out)]) == 2
    assert "bad.jpg' cannot be read" in capsys.readouterr().err and not out.exists()
    (photographs / "bad.jpg").unlink()
    (out / "images.unfinished").mkdir(parents=True)
    (out / "images.unfinished" / "old.jpg").touch()
    assert main([str(photographs), str(out)]) == 0
    assert [path.name for path in out.rglob("*.jpg")] == ["a.png_0.jpg"], "nothing of a run that was killed"


def test_photographs_of_like_names_stay_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FaceFinder, "find", lambda *_: [face(200, 300, 100.0)])
    names = ("a.b.jpg", "a_b.jpg", "a.b.JPG", "a_b_jpg.png", "a.b.jpg_0.jpg")
    (tmp_path / "photographs").mkdir()
    for name in names:
        cv2.imwrite(str(tmp_path / "photographs" / name), spot(200, 300, 50))
    assert main([str(tmp_path / "photographs"), str(tmp_path / "mine")]) == 0
    assert f"{len(names)} faces" in capsys.readouterr().out
    assert len(list((tmp_path / "mine" / "images").iterdir())) == len(names)
