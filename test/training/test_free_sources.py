"""What the three networks learn from that are free for every use: portraits and backgrounds that the test makes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from portraits_folder import rendered_portrait, write_portraits

import dense_face_ros
from dense_face_ros.face_finder import INPUT_HEIGHT, INPUT_WIDTH, FaceFinder
from dense_face_ros.face_model import FaceModel
from training.data import ValidationSet, make_dataset
from training.eyes import sources as eyes
from training.face_finder import evaluate, sources
from training.face_finder.photographs import FacePhoto, load_backgrounds
from training.face_finder.sources import SOURCES
from training.face_finder.turned import turned_faces
from training.photographs.portrait_heads import PortraitHeads
from training.photographs.sources import BEHIND, learned_from, write_source
from training.recipes import RECIPES
from training.terms import FREE_BACKGROUNDS, PORTRAITS

MODELS = Path(dense_face_ros.__file__).parent / "models"


@pytest.fixture(scope="module")
def data(shipped_model: FaceModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("free")
    write_portraits(folder, rendered_portrait(shipped_model), shipped_model, 3)
    (folder / "backgrounds").mkdir()
    write_source(folder / "backgrounds", FREE_BACKGROUNDS, BEHIND)
    for i in range(3):
        picture = np.random.default_rng(i).integers(0, 255, (240, 320, 3), np.uint8)
        cv2.imwrite(str(folder / "backgrounds" / f"{i}.jpg"), cv2.GaussianBlur(picture, (0, 0), 9.0))
    return folder


def test_free_pictures_show_faces_of_both_splits(data: Path) -> None:
    made = {split: SOURCES["free"].maker(data, split, 8, None, None, 0) for split in ("train", "val")}
    pictures = {split: [maker.make(np.random.default_rng(seed)) for seed in range(8)] for split, maker in made.items()}
    for split in made:
        assert all(picture.image.shape == (INPUT_HEIGHT, INPUT_WIDTH) for picture in pictures[split])
        assert sum(len(picture.boxes) for picture in pictures[split]) >= 8
    other = SOURCES["free"].maker(data, "train", 8, None, None, 1).make(np.random.default_rng(0))
    assert np.abs(other.image.astype(int) - pictures["train"][0].image).max() > 0, "another seed draws other heads"
    trained_on, licence = learned_from(SOURCES["free"].photographs, data)
    assert licence == "Apache-2.0" and "research" not in trained_on


def test_the_finder_is_chosen_by_heads_that_look_like_nobody_in_training(data: Path, monkeypatch) -> None:
    drawn: list[tuple[bool, bool]] = []

    def drawing(*arguments: object) -> list[FacePhoto]:
        *_, skins, held_out = arguments
        drawn.append((skins is not None, bool(held_out)))
        return face

    face = turned_faces(
        FaceModel.load(),
        PortraitHeads(data, FaceModel.load(), validation=False),
        load_backgrounds(data, "train"),
        1,
        seed=(0,),
    )
    monkeypatch.setattr(sources, "rendered_faces", drawing)
    monkeypatch.setattr(sources, "load_skins", lambda *_: np.zeros((1, 3, 3), np.float32))
    for split in ("train", "val"):
        SOURCES["free"].maker(data, split, 2, None, Path("skins.npz"), 0)
    assert drawn == [(True, False)] * 2 + [(False, True)] * 2


def test_a_finder_is_measured_by_them(data: Path, monkeypatch) -> None:
    monkeypatch.setattr(evaluate, "DRAWN_HEADS", 80)
    found = evaluate.made_pictures(FaceFinder(MODELS / "face_finder_free.onnx"), data, "free", 12)
    assert found["pictures"] == 12 and found["faces"] >= 12 and found["recall"] > 50.0


def test_photographs_are_turned_to_where_their_label_says(data: Path, shipped_model: FaceModel) -> None:
    heads = PortraitHeads(data, shipped_model, validation=False)
    faces = turned_faces(shipped_model, heads, load_backgrounds(data, "train"), 24, seed=(0,))
    yaws = np.degrees([face.yaw for face in faces])
    assert np.ptp(yaws) > 60 and np.abs(yaws).max() < 51, "portraits look ahead, and are not turned into profiles"
    for face in faces:
        assert face.decode().shape == (192, 192, 3)
        middle = 0.5 * (face.outline.min(axis=0) + face.outline.max(axis=0))
        assert middle == pytest.approx([95.5, 95.5], abs=1.0)
        if 30.0 < abs(np.degrees(face.yaw)) < 80.0 and abs(np.degrees(face.roll)) < 20.0:
            assert np.sign(face.outline[30, 0] - face.outline[[0, 16], 0].mean()) == np.sign(face.yaw)


def test_best_asks_for_the_fits(data: Path) -> None:
    with pytest.raises(ValueError, match="--fits"):
        SOURCES["best"].maker(data, "train", 8, None, None, 0)


def test_the_free_recipe_learns_from_portraits(data: Path) -> None:
    sample = next(iter(make_dataset(RECIPES["free"], data, "train", 3, 2)))
    assert sample["image"].shape == (128, 128, 3) and sample["template"].shape == (2, 64, 64)
    kept = make_dataset(RECIPES["free"], data, "validation", 3, 2)
    assert isinstance(kept, ValidationSet) and len(kept) == 512
    first, again = kept[0], kept[2]
    assert (first["image"] != again["image"]).any(), "the one person comes again, seen otherwise"
    told = learned_from(RECIPES["free"].learns_from, data)
    assert told == (RECIPES["free"].training_data, RECIPES["free"].licence) == (PORTRAITS, "Apache-2.0")


def test_free_eyes_are_of_portraits_and_renderings(data: Path) -> None:
    examples = eyes.SOURCES["free"].examples("train", data, 4, data / "no_fits.npz", None)
    assert set(examples) == {"portraits", "renderings", "dark_glasses"}
    assert len(examples["portraits"].visible) == 4, "two people are trained on"
    assert examples["portraits"].visible.all() and not examples["dark_glasses"].visible.any()
    kept = eyes.SOURCES["free"].examples("validation", data, 4, data / "no_fits.npz", None)
    assert len(kept["portraits"].visible) == 2
    assert (eyes.SOURCES["free"].photographs, eyes.SOURCES["best"].photographs) == ("portraits", "collections")
