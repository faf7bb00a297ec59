"""What the finder takes for a face is what the network must learn is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.template import Template
from training.data import Mixture, SampleMaker
from training.faceless import FacelessCrops


@pytest.fixture(scope="module")
def doll(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of sand, and of a doll's head in front of it, which the finder takes for a face."""
    folder = tmp_path_factory.mktemp("faceless")
    (folder / "backgrounds").mkdir()
    sand = np.random.default_rng(0).normal(120.0, 6.0, (240, 320, 3)).astype(np.uint8)
    cv2.imwrite(str(folder / "backgrounds" / "a.jpg"), sand)
    dolls = sand.copy()
    cv2.ellipse(dolls, (220, 120), (40, 54), 0, 0, 360, (150, 180, 225), -1)
    for u in (204, 236):
        cv2.ellipse(dolls, (u, 108), (8, 4), 0, 0, 360, (40, 30, 30), -1)
        cv2.line(dolls, (u - 10, 96), (u + 10, 96), (50, 60, 80), 4)
    cv2.ellipse(dolls, (220, 124), (6, 10), 0, 0, 360, (120, 150, 200), -1)
    cv2.ellipse(dolls, (220, 148), (16, 5), 0, 0, 360, (70, 70, 170), -1)
    cv2.imwrite(str(folder / "backgrounds" / "b.jpg"), dolls)
    return folder


def test_most_crops_show_what_the_finder_believes_in_most(doll: Path) -> None:
    crops, rng = FacelessCrops(doll), np.random.default_rng(1)
    drawn = [crops.draw(rng, 128) for _ in range(40)]
    assert all(image.shape == (128, 128, 3) and image.flags.c_contiguous for image in drawn)
    skin = [np.median(image[48:80, 48:80].astype(int) @ [1, 0, -1]) for image in drawn]  # red above blue
    assert np.mean(np.array(skin) > 40) > 0.6


def test_some_show_what_a_covered_lens_does(doll: Path) -> None:
    crops, rng = FacelessCrops(doll), np.random.default_rng(2)
    plain = [image for image in (crops.draw(rng, 16) for _ in range(200)) if image.std() == 0.0]
    assert 5 < len(plain) < 50
    assert 0.2 < np.mean([image.max() == 0 for image in plain]) < 0.8


def test_nothing_is_matchable_in_them(doll: Path, shipped_model) -> None:  # type: ignore[no-untyped-def]
    class Nobody:
        def draw(self, rng):  # type: ignore[no-untyped-def]
            raise AssertionError("no head was asked for")

    maker = SampleMaker(Nobody(), doll, Template(shipped_model), Mixture(synthetic=0.0, faceless=1.0), 2)
    (sample,) = maker.make(np.random.default_rng(0))
    assert not sample["matchable"].any() and sample["image"].std() > 0
    assert sample["surface"].shape == (3, 64, 64) and (sample["surface"][2] > 0.4).all()


def test_one_photograph_is_kept_for_validation(tmp_path: Path) -> None:
    (tmp_path / "backgrounds").mkdir()
    cv2.imwrite(str(tmp_path / "backgrounds" / "a.jpg"), np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match=r"holds 1 \.jpg without people, none for 'train'"):
        FacelessCrops(tmp_path)
