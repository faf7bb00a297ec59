"""Copies of a picture are kept for validation together, or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.photographs.copies import kept_for_validation, pictures

PICTURES = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blurred noise, every picture as it is, copied, compressed anew, a little noisy, mirrored, of less contrast and
    brighter, on a black square, and all of that at once."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for i in range(PICTURES):
        small = rng.integers(0, 256, (6, 6, 3), np.uint8)
        picture = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{i:03d}_a.png"), picture)
        (folder / f"{i:03d}_copy.png").write_bytes((folder / f"{i:03d}_a.png").read_bytes())
        cv2.imwrite(str(folder / f"{i:03d}_jpeg.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 40])
        noisy = np.clip(picture + rng.normal(0.0, 12.0, picture.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i:03d}_noisy.png"), noisy)
        cv2.imwrite(str(folder / f"{i:03d}_mirrored.png"), picture[:, ::-1])
        pale = np.rint(0.5 * picture + 100.0).astype(np.uint8)
        cv2.imwrite(str(folder / f"{i:03d}_pale.png"), pale)
        square = np.zeros((100, 100, 3), np.uint8)
        square[10:74, 30:94] = picture
        cv2.imwrite(str(folder / f"{i:03d}_square.png"), square)
        square[10:74, 30:94] = pale[:, ::-1]
        cv2.imwrite(str(folder / f"{i:03d}_square_pale.jpg"), square, [cv2.IMWRITE_JPEG_QUALITY, 90])
    return folder


def test_copies_land_on_one_side(folder: Path) -> None:
    kept = kept_for_validation(sorted(folder.iterdir())).reshape(PICTURES, -1)
    assert kept.shape[1] == 8
    assert (kept == kept[:, :1]).all()
    assert 0.02 < kept[:, 0].mean() < 0.09, "about one picture in twenty"


def test_neither_order_nor_names_decide(folder: Path, tmp_path: Path) -> None:
    paths = sorted(folder.iterdir())
    kept, order = kept_for_validation(paths), np.random.default_rng(1).permutation(len(paths))
    np.testing.assert_array_equal(kept_for_validation([paths[i] for i in order]), kept[order])
    renamed = []
    for i, path in enumerate(paths[:100]):
        renamed.append(tmp_path / f"{len(paths) - i}.png")
        renamed[-1].write_bytes(path.read_bytes())
    np.testing.assert_array_equal(kept_for_validation(renamed), kept[:100])


def test_pictures_are_told_apart_over_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comes twice, the second time mirrored or paler, far behind the first."""
    once = np.random.default_rng(2).uniform(50.0, 200.0, (300, 12, 12)).astype(np.float32)
    again = np.where(np.arange(300)[:, None, None] % 2, once[:, :, ::-1], 0.4 * once + 60.0).astype(np.float32)
    both = np.concatenate([once, again])
    found = pictures(both)
    assert len(set(found)) == 300 and (found[:300] == found[300:]).all()
    monkeypatch.setattr("training.photographs.copies._BLOCK", 7)
    in_small_blocks = pictures(both)
    assert (in_small_blocks[:, None] == in_small_blocks).tolist() == (found[:, None] == found).tolist()


def test_pictures_of_one_shade_are_copies_of_each_other_alone() -> None:
    shades = np.broadcast_to(np.float32([[[10.0]], [[90.0]], [[200.0]]]), (3, 12, 12))
    other = np.random.default_rng(3).uniform(0.0, 255.0, (1, 12, 12)).astype(np.float32)
    found = pictures(np.concatenate([shades, other]).astype(np.float32))
    assert found[0] == found[1] == found[2] != found[3]


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_files_that_are_no_picture_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.jpg' cannot be read"):
        kept_for_validation([tmp_path / "a.jpg"])
