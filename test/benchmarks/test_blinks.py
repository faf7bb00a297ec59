"""Closures of the eyes: told from openness, compared with true ones, over a drive and a video with marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.face_model import FaceModel
from training.benchmarks.blinks import closures, compare, evaluate_drive, main
from training.rendering.drive import Drive, DriveRenderer

STILL = ((0.0, 0, 0, 0, 0.0, 0.0, 0.65), (0.8, 0, 0, 0, 0.0, 0.0, 0.65))


class OpennessTold:
    """Stands in for the tracker: both eyes of the frame ``i`` are ``told[i]`` open."""

    def __init__(self, told: list[float]) -> None:
        self.told = told

    def reset(self) -> None:
        self._next = iter(self.told)

    def update(self, image: np.ndarray, stamp: float, camera: object = None) -> Any:
        value = next(self._next)

        class State:
            eye_openness = (value, value)

        return State


def test_closures_have_the_hysteresis_of_attention_and_unknown_is_no_closure() -> None:
    openness = [0.9, 0.25, 0.15, 0.25, 0.35, 0.9, np.nan, np.nan, 0.1]
    pairs = [(value, value) for value in openness]
    assert closures([i / 30 for i in range(9)], pairs) == [(2, 3), (8, 8)]
    assert closures([0.0, 0.1], [(np.nan, 0.1), (0.9, 0.1)]) == [(0, 0)], "a wink is half open"


def test_what_overlaps_nearly_is_the_same() -> None:
    figures = compare(found=[(10, 14), (50, 55), (80, 90)], true=[(18, 20), (52, 52), (70, 75)])
    assert figures["recall"] == pytest.approx(2 / 3) and figures["missed"] == [70]
    assert figures["precision"] == pytest.approx(2 / 3) and figures["false"] == [80]
    assert compare([], [])["recall"] is None


def test_a_drive_is_compared_with_the_lids_that_are_drawn(shipped_model: FaceModel) -> None:
    eyelids = EyeOpenness()
    drive = Drive(STILL, blinks=((0.4, 0.2),))
    eyes = DriveRenderer(shipped_model, drive).truth.eye_openness
    assert eyes is not None
    true = eyes.mean(axis=1).tolist()
    right = evaluate_drive(OpennessTold(true), eyelids, shipped_model, drive)  # type: ignore[arg-type]
    assert (right["true"], right["recall"], right["precision"]) == (1, 1.0, 1.0)
    assert right["longest_excess_s"] == pytest.approx(0.0)
    assert right["openness_error"] < 0.02, "of eyes that differ a little from their mean"
    longer = [0.1 if 6 <= i < 18 else 1.0 for i in range(len(true))]
    wrong = evaluate_drive(OpennessTold(longer), eyelids, shipped_model, drive)  # type: ignore[arg-type]
    assert wrong["precision"] == 1.0 and wrong["longest_excess_s"] > 0.2
    assert wrong["openness_error"] > 0.1
    unseen = evaluate_drive(OpennessTold([np.nan] * len(true)), eyelids, shipped_model, drive)  # type: ignore[arg-type]
    assert unseen["openness_error"] is None and unseen["recall"] == 0.0
    assert unseen["openness_error_true_pose"] is None, "it is of the same eyes"
    for figures in (right, wrong):
        assert figures["openness_error_true_pose"] == pytest.approx(right["openness_error_true_pose"])
    assert 0.0 < right["openness_error_true_pose"] < 0.1, "what the network reads, whatever the tracker told"


def test_a_video_is_compared_with_marks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, marks, out = tmp_path / "face.avi", tmp_path / "marks.txt", tmp_path / "blinks.json"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (64, 48))
    for _ in range(40):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    marks.write_text("10, 20\n39\n")
    told = OpennessTold([0.05 if i in (10, 11, 29) else 0.9 for i in range(40)])
    arguments = ["--video", str(video), "--closures", str(marks), "--limit", "35", "--json", str(out)]
    assert main(arguments, told) == 0  # type: ignore[arg-type]
    figures = json.loads(out.read_text())["shown"]["face.avi"]
    assert (figures["true"], figures["found"], figures["missed"], figures["false"]) == (2, 2, [20], [29])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--video", "x.mp4"], "--video and --closures belong together"),
        (["--limit", "3"], "--limit is 3"),
        (["moonlight"], "drive 'moonlight' is unknown"),
        (["--video", "x.mp4", "--closures", "{marks}"], "holds 'ten'"),
        (["--video", "x.mp4", "--closures", "{none}"], "is empty"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "marks").write_text("3 ten")
    (tmp_path / "none").write_text("")
    filled = [word.format(marks=tmp_path / "marks", none=tmp_path / "none") for word in arguments]
    assert main(filled, OpennessTold([])) == 2  # type: ignore[arg-type]
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
