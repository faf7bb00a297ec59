"""Training without any data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.data import make_dataset
from training.recipes import RECIPES
from training.rendered import FixedHeads


def test_recipes_of_renderings_need_no_data_and_leave_no_terms() -> None:
    assert RECIPES["smoke"].licence == "Apache-2.0"
    sample = next(iter(make_dataset(RECIPES["smoke"], None, "train", 3, 2)))
    assert sample["image"].shape == (128, 128, 3) and sample["template"].shape == (2, 64, 64)
    assert set(np.unique(sample["matchable"])) == {0, 1}


def test_other_recipes_ask_for_their_data() -> None:
    with pytest.raises(ValueError, match=r"recipe 'best' needs photographs.*--data"):
        make_dataset(RECIPES["best"], None, "train", 1, 2)
    assert all("research" in r.licence for r in RECIPES.values() if "research" in r.training_data)


def test_the_validation_heads_stay_the_same(shipped_model: FaceModel) -> None:
    template = Template(shipped_model)
    first, again = (FixedHeads(template, 3, 5, 2) for _ in range(2))
    np.testing.assert_array_equal(first[2]["image"], again[2]["image"])
    assert np.abs(first[0]["image"].astype(int) - first[1]["image"]).mean() > 5
    assert len(first) == 3
    with pytest.raises(IndexError):
        first[3]


def test_measured_skins_are_worn_by_most(shipped_model: FaceModel, tmp_path: Path) -> None:
    blue = np.broadcast_to(np.array([40, 60, 220], np.uint8), (2, len(shipped_model.mean), 3))
    np.savez(tmp_path / "skins.npz", skin=blue)

    def blueness(skins: Path | None) -> float:
        dataset = make_dataset(RECIPES["smoke"], None, "train", 3, 2, skins=skins)
        samples = [sample for sample, _ in zip(dataset, range(12), strict=False)]
        faces = [s["image"][::2, ::2][s["matchable"] == 1].astype(float) for s in samples]
        return float(np.median([face[:, 2].mean() - face[:, 0].mean() for face in faces if len(face)]))

    assert blueness(tmp_path / "skins.npz") > blueness(None) + 20
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        blueness(tmp_path / "none.npz")
