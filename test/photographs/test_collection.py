"""Reading label files: what they are split by, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from training.photographs.collection import collections, read_photographs

COUNT = 4


def labels(**changes: Any) -> dict[str, Any]:
    """The arrays of a label file in its format, some changed, or left out where None."""
    arrays = {
        "name": np.array([f"{i}.png" for i in range(COUNT)]),
        "mesh478": np.ones((COUNT, 478, 3), np.float16),
        "has_mesh478": np.arange(COUNT) != 1,
        "split": np.array(["val", "train", "train", "train"]),
        **changes,
    }
    return {name: array for name, array in arrays.items() if array is not None}


def write(data: Path, **changes: Any) -> Path:
    (data / "made" / "images").mkdir(parents=True, exist_ok=True)
    np.savez(data / "made" / "landmarks.npz", **labels(**changes))
    return data / "made" / "landmarks.npz"


def test_what_is_absent_is_nan(tmp_path: Path) -> None:
    write(tmp_path, points68=np.ones((COUNT, 68, 2), np.float32), has_points68=np.arange(COUNT) == 2)
    photographs = read_photographs(tmp_path, ("made",))
    assert photographs.names.tolist() == [f"made/{i}.png" for i in range(COUNT)]
    assert photographs.validation.tolist() == [True, False, False, False]
    assert np.isnan(photographs.mesh478).all(axis=(1, 2)).tolist() == [False, True, False, False]
    assert np.isnan(photographs.points68).all(axis=(1, 2)).tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mesh478": None, "has_mesh478": None}, "lacks mesh478, has_mesh478, it has name, split; see docs"),
        ({"points68": np.zeros((COUNT, 68, 2), np.float32)}, "only one of points68 and has_points68"),
        ({"has_mesh478": np.ones(COUNT, np.uint8)}, r"has_mesh478 is uint8 \(4,\), needed is bool \(4,\)"),
        ({"has_mesh478": np.ones(3, bool)}, r"has_mesh478 is bool \(3,\), needed is bool \(4,\)"),
        ({"mesh478": np.zeros((COUNT, 468, 3))}, r"mesh478 is float64 \(4, 468, 3\), needed is .* \(4, 478, 3\)"),
        ({"mesh478": np.zeros((COUNT, 478, 2))}, r"mesh478 is float64 \(4, 478, 2\)"),
        ({"mesh478": np.zeros((5, 478, 3))}, r"mesh478 is float64 \(5, 478, 3\)"),
        ({"split": np.array(["val", "train", "test", "Val"])}, "split has 'Val', 'test'; it must be 'train' or 'val'"),
        ({"name": np.array("a.png")}, r"name is <U5 \(\), needed is text \(N,\)"),
        ({"name": np.array(["a.png", 1, 2, 3], object)}, "name is damaged, or of Python objects, which are not read"),
    ],
)
def test_what_is_not_as_the_format_says_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    write(tmp_path, **changes)
    with pytest.raises(ValueError, match=said) as told:
        read_photographs(tmp_path, ("made",))
    assert "landmarks.npz'" in str(told.value) and "\n" not in str(told.value)


def test_files_that_are_missing_or_something_else_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"made.landmarks\.npz' does not exist; --data must be"):
        read_photographs(tmp_path, ("made",))
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"landmarks\.npz' is no \.npz file, or was cut short"):
        read_photographs(tmp_path, ("made",))
    path.write_text("name x y")
    with pytest.raises(ValueError, match=r"landmarks\.npz' is no \.npz file, or was cut short"):
        read_photographs(tmp_path, ("made",))


def test_without_a_split_the_pictures_decide(tmp_path: Path) -> None:
    write(tmp_path, split=None)
    with pytest.raises(FileNotFoundError, match=r"0\.png"):
        read_photographs(tmp_path, ("made",))
    for i in range(COUNT):
        cv2.imwrite(str(tmp_path / "made" / "images" / f"{i}.png"), np.full((16, 16, 3), 90, np.uint8))
    assert len(set(read_photographs(tmp_path, ("made",)).validation.tolist())) == 1, "all are copies of one picture"


def test_every_folder_with_labels_is_read_the_known_ones_first(tmp_path: Path) -> None:
    for name in ("b_mine", "press_photos", "a_mine", "youtube_faces"):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / "landmarks.npz", **labels())
    (tmp_path / "backgrounds").mkdir()
    found = ("youtube_faces", "press_photos", "a_mine", "b_mine")
    assert collections(tmp_path) == found
    photographs = read_photographs(tmp_path)
    assert photographs.folder == tuple(name for name in found for _ in range(COUNT))
    assert photographs.validation.tolist() == [True, False, False, False] * 4


def test_photographs_without_labels_are_not_left_out_unnoticed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"has no folder that holds images/ and landmarks\.npz; python -m "):
        read_photographs(tmp_path)
    path = write(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"made' has no folder .*; give the folder above it; python -m"):
        read_photographs(path.parent)
    (tmp_path / "mine" / "images").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"mine.landmarks\.npz' does not exist beside images/; .*label"):
        read_photographs(tmp_path)
    (tmp_path / "mine" / "images").rmdir()
    assert collections(tmp_path) == ("made",)


def test_irises_may_be_unknown(tmp_path: Path) -> None:
    mesh = np.ones((COUNT, 478, 3), np.float32)
    mesh[:, 468:] = np.nan
    write(tmp_path, mesh478=mesh)
    assert np.isfinite(read_photographs(tmp_path).mesh478[0, :468]).all()


def test_folders_that_are_something_else_are_left_out(tmp_path: Path) -> None:
    write(tmp_path)
    for name in ("backgrounds", "london_portraits"):
        (tmp_path / name / "images").mkdir(parents=True)
    np.savez(tmp_path / "backgrounds" / "landmarks.npz", **labels())
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "images").write_text("where they come from")
    assert collections(tmp_path) == ("made",)
