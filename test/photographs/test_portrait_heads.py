"""Portraits as photographs to learn from: of a rendered person, whose landmarks are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from portraits_folder import rendered_portrait, write_portraits

from dense_face_ros.eyes import PATCH_WIDTH
from dense_face_ros.face_model import FaceModel
from training.benchmarks.stills import Still
from training.eyes.examples import from_portraits
from training.photographs.portrait_fit import AT_LANDMARKS
from training.photographs.portrait_heads import PortraitHeads


@pytest.fixture(scope="module")
def portrait(shipped_model: FaceModel) -> Still:
    return rendered_portrait(shipped_model)


@pytest.fixture(scope="module")
def data(portrait: Still, shipped_model: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portraits")
    write_portraits(folder, portrait, shipped_model, 11)
    return folder


def test_people_are_trained_on_or_validated_on(data: Path, shipped_model: FaceModel) -> None:
    trained, kept = (PortraitHeads(data, shipped_model, validation) for validation in (False, True))
    assert kept.usable.tolist() == [0, 10]
    assert sorted([*trained.usable, *kept.usable]) == list(range(11))
    drawn = {id(trained.draw(np.random.default_rng(seed))) for seed in range(40)}
    assert len(drawn) > 4, "each is fitted once, and any of them is drawn"


def test_labels_lie_on_the_face(data: Path, portrait: Still, shipped_model: FaceModel) -> None:
    heads = PortraitHeads(data, shipped_model, validation=True)
    head, marks = heads.labelled(0), list(AT_LANDMARKS)
    found = shipped_model.at(shipped_model.landmarks, head.pixels)[marks]
    true = portrait.landmarks[marks]
    # The picture is cut and resampled: the same up to scale and place.
    scale = np.ptp(found, axis=0) / np.ptp(true, axis=0)
    assert scale[0] == pytest.approx(scale[1], rel=0.03)
    moved = (found - found.mean(axis=0)) / scale.mean() + true.mean(axis=0)
    assert np.linalg.norm(moved - true, axis=1).mean() < 0.02 * np.ptp(true)
    size = np.sqrt(np.prod(np.ptp(shipped_model.at(shipped_model.landmarks, head.pixels), axis=0)))
    assert size == pytest.approx(128, rel=0.02)
    # Skin is where the nose is: its pixel in both pictures has the same colour.
    u, v = np.rint(shipped_model.at(shipped_model.landmarks, head.pixels)[30]).astype(int)
    x, y = np.rint(portrait.landmarks[30]).astype(int)
    assert head.photograph[v, u] == pytest.approx(portrait.image[y, x, ::-1], abs=30)
    # Pixels are those of a pinhole camera of the label's focal length.
    offset = head.pixels - head.points[:, :2] * (head.focal / head.points[:, 2:])
    assert np.ptp(offset, axis=0) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_eyes_of_portraits_are_open(data: Path, shipped_model: FaceModel) -> None:
    examples = from_portraits(shipped_model, PortraitHeads(data, shipped_model, validation=True), seed=0)
    assert examples.pictures.shape == (4, 1.5 * PATCH_WIDTH, 1.5 * PATCH_WIDTH)
    assert examples.visible.all() and (examples.openness > 0.5).all()
    assert examples.pictures.std(axis=(1, 2)).min() > 5


def test_portraits_that_do_not_fit_are_an_error(portrait: Still, shipped_model: FaceModel, tmp_path: Path) -> None:
    write_portraits(tmp_path, portrait, shipped_model, 2)
    file = tmp_path / "london_portraits" / "points189.npz"
    with np.load(file) as points:
        names = points["name"]
    np.savez(file, name=names, points189=np.random.default_rng(0).uniform(0, 480, (2, 189, 2)))
    with pytest.raises(ValueError, match="fits none of the portraits"):
        PortraitHeads(tmp_path, shipped_model, validation=False)
