"""What is counted of covered faces: with trackers that see covers, or see through them, on faces of one shade."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import FACING_CAMERA
from dense_face_ros.head_state import HeadState
from training.benchmarks import occlusion, worn_masks
from training.benchmarks.covers import COLOURS, COVERS, SHAPES, Cover
from training.benchmarks.occlusion import Person, look, main, measure, summary

_SKIN = (100, 140, 200)


class Knowing:
    """Tells the true head, and a landmark visible where its pixel shows skin, or everywhere where it is ``blind``.

    ``shift``: pixels that all landmarks move to the right as soon as any of the picture is covered. Where more than
    ``most`` of the landmarks are covered no head is told.
    """

    def __init__(self, state: HeadState, lost: HeadState, blind: bool = False, shift: float = 0.0, most: int = 68):
        self._state, self._lost, self._blind, self._shift, self._most = state, lost, blind, shift, most
        self.boxes: list[Any] = []

    def fit(self, image: np.ndarray, box: Any = None, camera: Any = None) -> HeadState:
        self.boxes.append((box, camera))
        column, row = np.rint(self._state.landmarks_2d).astype(int).T
        skin = (image[row, column] == _SKIN).all(axis=1)
        if (~skin).sum() > self._most:
            return self._lost
        moved = self._state.landmarks_2d + (0.0 if skin.all() else self._shift, 0.0)
        return replace(self._state, landmarks_2d=moved, landmark_visible=skin | self._blind)

    def update(self, image: np.ndarray, stamp: float, camera: Any = None) -> HeadState:
        raise NotImplementedError


@pytest.fixture
def state(state_of) -> HeadState:
    return state_of(FACING_CAMERA)


@pytest.fixture
def person(state: HeadState) -> Person:
    image = np.full((240, 320, 3), _SKIN, np.uint8)
    return Person(image, None, state.landmarks_2d, np.ones(68, bool))


def test_who_sees_covers_has_full_recall_and_who_sees_through_them_has_none(person, state, lost) -> None:
    for blind, recall in ((False, 1.0), (True, 0.0)):
        told = measure(Knowing(state, lost, blind), [person, person])
        assert (told["n"], told["refused"]) == (2, 0)
        assert list(told["covers"]) == list(SHAPES)
        for colours in told["covers"].values():
            assert list(colours) == list(COLOURS)
            for name, figures in colours.items():
                # The colour of skin cannot be told from this skin.
                assert figures["recall"] == (0.0 if name == "skin" else recall)
                assert (figures["n"], figures["refused"]) == (2, 0.0)
                assert (figures["recall_bare"], figures["false_hides"], figures["moved"]) == (0.0, 0.0, 0.0)


def test_heads_are_fitted_in_the_box_of_the_true_points_with_their_camera(person, state, lost, camera) -> None:
    tracker = Knowing(state, lost)
    measure(tracker, [replace(person, camera=camera)])
    points = person.points
    box = (*points.min(axis=0), *points.max(axis=0))
    assert len(tracker.boxes) == 1 + len(COVERS)
    assert all(asked == pytest.approx(box) and by == camera for asked, by in tracker.boxes)


def test_landmarks_beside_a_cover_that_are_lost_or_move_are_counted(person, state, lost) -> None:
    tracker = Knowing(state, lost, shift=4.0)
    bare = tracker.fit(person.image)
    tracker._state = replace(state, landmarks_2d=state.landmarks_2d + (40.0, 0.0))  # looks for all of them elsewhere
    other = replace(person, image=np.where(np.arange(320)[:, None] > 230, 0, person.image).astype(np.uint8))
    row = look(tracker, other, bare, Cover("eye", "dark"))
    assert row["told"] > row["lost"] > 0
    figures = summary([row])
    assert figures["false_hides"] == row["lost"] / row["told"]
    size = float(np.sqrt(np.prod(np.ptp(person.points, axis=0))))
    assert figures["moved"] == figures["moved_p90"] == pytest.approx(100.0 * 44.0 / size)


def test_what_the_face_itself_hides_is_not_counted(person, state, lost) -> None:
    seen = np.ones(68, bool)
    seen[48:68] = False
    cover = Cover("box", "grey")
    rows = [look(Knowing(state, lost), p, state, cover) for p in (person, replace(person, seen=seen))]
    assert rows[0]["covered"] - rows[1]["covered"] == 20
    nothing = look(Knowing(state, lost), replace(person, seen=np.zeros(68, bool)), state, cover)
    assert summary([nothing]) | {"n": 0} == {
        "n": 0, "refused": 0.0, "recall": None, "recall_bare": None, "false_hides": None, "moved": None,
        "moved_p90": None,
    }  # fmt: skip


def test_what_was_told_hidden_without_the_cover_is_no_false_hide(person, state, lost) -> None:
    bare = replace(state, landmark_visible=np.arange(68) < 36)
    row = look(Knowing(state, lost), person, bare, Cover("box", "grey"))
    beside = look(Knowing(state, lost), person, state, Cover("box", "grey"))["told"]
    assert row["told"] == beside - 12, "both eyes"
    assert row["hidden_bare"] == 20, "the mouth"
    dark = person.image.copy()
    dark[: round(state.landmarks_2d[30, 1]) - 20] = 0
    told = measure(Knowing(state, lost), [replace(person, image=dark)])["covers"]["box"]["grey"]
    assert (told["recall"], told["false_hides"]) == (1.0, 0.0), "what is hidden all the time"


def test_refused_heads_are_counted_and_are_in_no_share(person, state, lost) -> None:
    told = measure(Knowing(state, lost, most=10), [person])
    assert told["covers"]["eye"]["grey"]["refused"] == 0.0
    box = told["covers"]["box"]["grey"]
    assert (box["n"], box["refused"], box["recall"]) == (1, 1.0, None)
    alone = measure(Knowing(state, lost, most=-1), [person])
    assert (alone["n"], alone["refused"], alone["covers"]["eye"]["grey"]["n"]) == (1, 1, 0)


@pytest.fixture
def masks(tmp_path: Path, state: HeadState, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photographs with names; those that begin with "v" are kept for validation. Mesh points are around the face."""
    folder = tmp_path / "masked_faces"
    (folder / "images").mkdir(parents=True)
    names = ["v covered.png", "v bare.png", "trained.png"]
    for name in names:
        image = np.full((240, 320, 3), _SKIN, np.uint8)
        if "covered" in name:
            image[round(state.landmarks_2d[30, 1]) :] = 0
        cv2.imwrite(str(folder / "images" / name), image)
    x0, y0, x1, y1 = (*state.landmarks_2d.min(axis=0), *state.landmarks_2d.max(axis=0))
    mesh = np.tile([x0, y0, 0.0], (3, 478, 1)).astype(np.float32)
    mesh[:, 0] = x1, y1, 0.0
    np.savez(folder / "landmarks.npz", name=np.array(names), mesh478=mesh, has_mesh478=np.ones(3, bool),
             split=np.array(["val", "val", "train"]))  # fmt: skip
    return tmp_path


def test_mouths_under_real_masks_and_without(masks: Path, state, lost) -> None:
    listed = [("mask", "v covered.png"), ("bare", "v bare.png")]
    told = worn_masks.measure(Knowing(state, lost), masks, listed)
    assert told["mask"] == {"n": 1, "refused": 0, "mouth_visible": 0.0}
    assert told["bare"] == {"n": 1, "refused": 0, "mouth_visible": 1.0}
    refused = worn_masks.measure(Knowing(state, lost, most=10), masks, listed)
    assert refused["mask"] == {"n": 1, "refused": 1, "mouth_visible": None}


@pytest.mark.parametrize(("name", "words"), [("trained.png", "was trained on"), ("none.png", "has no photograph")])
def test_photographs_that_were_trained_on_or_are_missing_are_named(masks: Path, state, lost, name, words) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=words) as error:
        worn_masks.measure(Knowing(state, lost), masks, [("mask", name)])
    assert name in str(error.value)


def test_the_list_of_masks_is_sorted_and_names_nobody_twice(tmp_path: Path) -> None:
    listed = worn_masks.sorted_photographs()
    kinds = [kind for kind, _ in listed]
    assert kinds.count("mask") > 30 and kinds.count("bare") > 30 and set(kinds) == set(worn_masks.KINDS)
    assert len({name for _, name in listed}) == len(listed)
    wrong = tmp_path / "list.txt"
    wrong.write_text("# a comment\nmask a b.jpg\nhat c.jpg\n")
    with pytest.raises(ValueError, match=r"'hat c\.jpg' begins with none of mask, bare"):
        worn_masks.sorted_photographs(wrong)


def test_the_command_writes_what_it_measured(
    masks: Path, person: Person, state, lost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    for name in occlusion._PEOPLE:
        (masks / name).mkdir()
    people = {name: lambda folder, model: iter([person]) for name in occlusion._PEOPLE}
    monkeypatch.setattr(occlusion, "_PEOPLE", people)
    monkeypatch.setattr(worn_masks, "sorted_photographs", lambda: [("mask", "v covered.png")])
    texts = []
    for name in ("one.json", "two.json"):
        assert main([str(masks), "--json", str(tmp_path / name)], Knowing(state, lost)) == 0
        texts.append((tmp_path / name).read_text())
    assert texts[0] == texts[1]
    result = json.loads(texts[0])
    assert result["benchmark"] == "occlusion" and len(result["provenance"]["models"]["face_model.npz"]) == 64
    assert result["people"].keys() == people.keys() and result["worn_masks"]["mask"]["mouth_visible"] == 0.0


@pytest.mark.parametrize("missing", ["synthesis_ai_sample", "aflw2000_sample", "masked_faces"])
def test_a_folder_that_is_missing_is_one_line(missing: str, tmp_path: Path, state, lost, capsys) -> None:
    for name in {"synthesis_ai_sample", "aflw2000_sample", "masked_faces"} - {missing}:
        (tmp_path / name).mkdir()
    assert main([str(tmp_path)], Knowing(state, lost)) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and str(tmp_path / missing) in error
