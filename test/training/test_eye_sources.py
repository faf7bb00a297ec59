"""Photographs whose eyes are learned from belong to the fits that label them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from training.eyes.examples import from_photographs
from training.eyes.sources import SOURCES
from training.photographs.collection import read_photographs
from training.photographs.fit import PhotographFits


def test_fits_of_other_photographs_are_refused(data: Path, tmp_path: Path) -> None:
    fits = PhotographFits.load(data / "fits.npz")
    replace(fits, name=np.roll(fits.name, 1)).save(tmp_path / "fits.npz")
    with pytest.raises(ValueError, match="is photograph 0; make it with"):
        SOURCES["best"].examples("train", data, 1, tmp_path / "fits.npz", None)


def test_a_split_without_an_accepted_fit_is_an_error(data: Path, shipped_model: FaceModel) -> None:
    fits = PhotographFits.load(data / "fits.npz")
    none = replace(fits, accepted=np.zeros(len(fits.name), bool))
    with pytest.raises(ValueError, match="no photograph for validation has an accepted fit"):
        from_photographs(shipped_model, read_photographs(data), none, validation=True, seed=0)
