"""Copies of a picture are kept for validation together, or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.photographs.copies import kept_for_validation

PICTURES = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Blurred noise, every picture as it is, copied, compressed anew, a little noisy, and mirrored."""
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
    return folder


def test_copies_land_on_one_side(folder: Path) -> None:
    kept = kept_for_validation(sorted(folder.iterdir())).reshape(PICTURES, -1)
    assert kept.shape[1] == 5
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


@pytest.mark.parametrize("content", [b"", b"no picture"])
def test_files_that_are_no_picture_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.jpg' cannot be read"):
        kept_for_validation([tmp_path / "a.jpg"])
