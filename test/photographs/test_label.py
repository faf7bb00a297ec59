"""Labels for one's own photographs: they come back in its pixels, and into a file that training reads."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.face_finder.photographs import load_faces
from training.photographs import label
from training.photographs.collection import read_photographs
from training.photographs.label import labels, main

SPOTS = ((30, 40), (100, 17), (60, 90))


def spot(at: tuple[int, int]) -> np.ndarray:
    """A black square with a white spot."""
    return cv2.circle(np.zeros((192, 160, 3), np.uint8), at, 4, (255, 255, 255), -1)


def brightest(name: str, python: Path, images: list[Path], repeats: int, threads: int) -> list[str]:
    """A labelling network that points at the brightest pixel of what it is shown; in the dark it finds nothing."""
    assert name == "mediapipe"
    lines = []
    for path in images:
        picture = cv2.GaussianBlur(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (0, 0), 2.0)
        _, most, _, (u, v) = cv2.minMaxLoc(picture)
        points = [[u + 2.0 * (i % 20), v + 2.0 * (i // 20), 4.0] for i in range(468)]
        lines.append(json.dumps({"points": points if most > 50 else None}))
    return lines


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label, "environment", lambda name, folder: folder / name)
    monkeypatch.setattr(label, "said", brightest)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs with a spot and a dark one."""
    images = tmp_path / "DATA" / "mine" / "images"
    images.mkdir(parents=True)
    for i, at in enumerate(SPOTS):
        cv2.imwrite(str(images / f"{i}.png"), spot(at))
    cv2.imwrite(str(images / "dark.JPG"), np.zeros((192, 192, 3), np.uint8))
    return images.parent


def test_labels_are_pixels_of_the_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label, "_AT_ONCE", 2)
    found = labels([*map(spot, SPOTS), np.zeros((100, 100, 3), np.uint8)], tmp_path)
    assert len(found) == 4 and found[3] is None
    for mesh, at in zip(found, SPOTS, strict=False):
        assert mesh is not None and mesh.shape == (468, 3)
        np.testing.assert_allclose(mesh[0], [*at, 2.0], atol=0.5)


def test_a_folder_of_ones_own_becomes_a_collection(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--environments", "peers"]) == 0
    assert capsys.readouterr().out == f"{folder / 'landmarks.npz'}: a face in 3 of 4 photographs\n"
    photographs = read_photographs(folder.parent)
    assert photographs.names.tolist() == ["mine/0.png", "mine/1.png", "mine/2.png", "mine/dark.JPG"]
    known = np.isfinite(photographs.mesh478[:, :468]).all(axis=(1, 2))
    assert known.tolist() == [True, True, True, False]
    np.testing.assert_allclose(photographs.mesh478[:3, 0, :2], SPOTS, atol=0.5)
    faces = [face for split in ("train", "val") for face in _faces(folder.parent, split)]
    assert len(faces) == 3, "the face finder needs no irises either"


def _faces(data: Path, split: str) -> list[object]:
    try:
        return list(load_faces(data, split))
    except ValueError:  # none of this split
        return []


def test_what_cannot_be_labelled_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [str(folder), "--environments", "peers"]
    cv2.imwrite(str(folder / "images" / "large.png"), np.zeros((193, 20, 3), np.uint8))
    assert main(command) == 2
    assert "large.png' is 20 x 193 pixels, at most 192 are of use; cut the faces out with" in capsys.readouterr().err
    (folder / "images" / "large.png").write_bytes(b"no picture")
    assert main(command) == 2
    assert "large.png' cannot be read" in capsys.readouterr().err
    (folder / "images" / "large.png").unlink()
    monkeypatch.setattr(label, "said", lambda *given: [json.dumps({"points": None})] * len(given[2]))
    assert main(command) == 2
    assert "none of the 4 photographs in" in capsys.readouterr().err
    assert main([str(folder / "images"), "--environments", "peers"]) == 2
    assert "holds no photographs (.jpg, .jpeg, .png)" in capsys.readouterr().err
    assert not (folder / "landmarks.npz").exists()


def test_labels_that_are_there_stay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "landmarks.npz").write_bytes(b"made by hand")
    assert main([str(folder), "--environments", "peers"]) == 2
    assert "landmarks.npz' exists; move it away" in capsys.readouterr().err
    assert (folder / "landmarks.npz").read_bytes() == b"made by hand"
