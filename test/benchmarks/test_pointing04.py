from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.benchmarks import pointing04
from training.benchmarks.conventions import pointing04_rotation

POSES = ((-90, 0), (-30, 45), (0, 0), (15, -90))


@pytest.fixture
def states(state_of):
    return [state_of(pointing04_rotation(pose)) for pose in POSES]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images of person 8 with their label files as distributed, the frontal one repeated in Front."""
    for place in ("Person08", "Front"):
        (tmp_path / place).mkdir()
    for number, (tilt, pan) in enumerate(POSES):
        name = f"personne081{number:02d}{tilt:+d}{pan:+d}"
        for place in ("Person08", "Front") if tilt == pan == 0 else ("Person08",):
            cv2.imwrite(str(tmp_path / place / f"{name}.jpg"), np.zeros((240, 320, 3), np.uint8))
            (tmp_path / place / f"{name}.txt").write_text(f"{name}.jpg\n\nFace\n160\n120\n60\n80\n")
    return tmp_path


def test_a_perfect_tracker_has_no_error(folder: Path, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = pointing04.evaluate(tracker, folder, model)
    assert (result["n"], result["failed"]) == (4, 0)
    assert result["tilt_mae"] < 1e-3 and result["pan_mae"] < 1e-3
    assert result["tilt_right_class"] == result["pan_right_class"] == 1.0
    assert result["images"][0]["pan_error"] is None, "pan has no meaning when the person looks down"
    assert tracker.boxes == [None] * 4 + [(130.0, 80.0, 190.0, 160.0)] * 4
    assert result["protocols"]["labelled_box"]["tilt_mae"] < 1e-3


def test_errors_are_told_by_angle(folder: Path, state_of, states, model, lost, known_tracker) -> None:
    turned = state_of(pointing04_rotation((-26.0, 55.0)))
    result = pointing04.evaluate(known_tracker([states[0], turned, lost, lost]), folder, model)
    assert [row["tilt_error"] for row in result["images"]] == pytest.approx([0.0, 4.0, 0.0, 15.0], abs=1e-6)
    assert [row["pan_error"] for row in result["images"][1:]] == pytest.approx([10.0, 0.0, 90.0], abs=1e-6)
    assert result["tilt_right_class"] == 0.75 and result["pan_right_class"] == pytest.approx(1 / 3)
    assert result["failed"] == 2 and result["over_found"]["n"] == 2
    assert result["over_found"]["pan_mae"] == pytest.approx(10.0)


def test_images_without_boxes_are_found_only(folder: Path, states, model, known_tracker) -> None:
    next(folder.glob("Person08/*.txt")).unlink()
    assert list(pointing04.evaluate(known_tracker(states), folder, model)["protocols"]) == ["finder"]


def test_what_is_not_the_data_set_is_named(folder: Path, model, lost, known_tracker, tmp_path: Path) -> None:
    def refused(path: Path, words: str, error: type[Exception] = ValueError) -> None:
        with pytest.raises(error, match=words):
            pointing04.evaluate(known_tracker([lost]), path, model)

    label = folder / "Person08" / "personne08101-30+45.txt"
    for text in ("personne08101-30+45.jpg\n", "Face\n1\n2\n3\n", "Face\n1\n2\n3\nfour\n"):
        label.write_text(text)
        refused(folder, r"08101-30\+45\.txt' has no line 'Face' and four numbers")
    label.with_name("personne08101-30+44.jpg").write_bytes(label.with_suffix(".jpg").read_bytes())
    label.unlink()
    refused(folder, r"08101-30\+44\.jpg' is not named after a pose")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", r"empty' holds no \*\.jpg")
    refused(tmp_path / "nowhere", "nowhere' does not exist", FileNotFoundError)
