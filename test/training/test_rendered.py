"""Training without any data."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.data import make_dataset
from training.recipes import RECIPES
from training.rendered import FixedHeads


def test_recipes_of_renderings_need_no_data_and_leave_no_terms() -> None:
    for name in ("free", "smoke"):
        assert RECIPES[name].licence == "Apache-2.0"
        sample = next(iter(make_dataset(RECIPES[name], None, "train", 3, 2)))
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
