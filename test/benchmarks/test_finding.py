"""Faces shown once: they are where the truth says, and what is told of them is counted rightly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.face_model import FaceModel
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.finding import faceless, look, main, on_the_face, person, summary
from training.benchmarks.metrics import box_of
from training.benchmarks.stills import Still, View, stills


class Told:
    """Stands in for tracker and finder: tells a head, or nothing, shifted against the truth by some pixels."""

    def __init__(self, still: Still, shift: float | None) -> None:
        self._still, self._shift = still, shift

    def reset(self) -> None:
        pass

    def update(self, image: np.ndarray, stamp: float, camera: object = None) -> Any:
        nothing = HeadState.without_head(stamp, Status.SEARCHING, "", self._still.camera, 1, 1)
        if self._shift is None:
            return nothing
        landmarks = self._still.landmarks + self._shift
        return replace(nothing, status=Status.TRACKING, landmarks_2d=landmarks, pose_raw=self._still.pose)

    def find(self, image: np.ndarray) -> list[FaceCandidate]:
        if self._shift is None:
            return []
        x0, y0, x1, y1 = (box_of(self._still.landmarks) + self._shift).tolist()
        return [FaceCandidate((x0, y0, x1, y1), 0.9, 0.0)]


@pytest.fixture(scope="module")
def shown(shipped_model: FaceModel) -> list[Still]:
    return person(shipped_model, 3)


def test_whole_faces_of_the_stated_range_are_shown(shown: list[Still]) -> None:
    assert len(shown) == 4
    for still in shown:
        height, width = still.image.shape[:2]
        assert (still.camera.width, still.camera.height) == (width, height)
        x0, y0, x1, y1 = box_of(still.landmarks)
        assert min(x0, y0) > -1 and x1 < width and y1 < height
        assert 0.11 < (y1 - y0) / height < 0.91


def test_a_still_shows_the_person_where_the_truth_says(shipped_model: FaceModel) -> None:
    views = [View(np.array([yaw, 0.0, 0.0]), np.array([0.05, 0.0, 0.8])) for yaw in (-40.0, 40.0)]
    left, right = stills(shipped_model, 5, views, lens=2.0)
    for still in (left, right):
        marks = still.camera.project(still.pose[:3, 3])
        assert still.landmarks[27] == pytest.approx(marks, abs=0.3 * np.ptp(still.landmarks[:, 1]))
    nose = [still.landmarks[30, 0] - still.landmarks[[0, 16], 0].mean() for still in (left, right)]
    assert nose[0] * nose[1] < 0, "turned to either side"
    assert np.abs(left.image.astype(int) - right.image).mean() > 1.0


def test_what_is_told_is_right_elsewhere_or_nothing(shown: list[Still]) -> None:
    still = shown[0]
    side = float(np.ptp(still.landmarks, axis=0).max())
    rows = []
    for shift in (0.05 * side, 2.0 * side, None):
        told: Any = Told(still, shift)
        rows.append(look(told, told, still))
    assert [row["tracked"] for row in rows] == [True, False, False]
    assert [row["elsewhere"] for row in rows] == [False, True, False]
    assert [row["proposed"] for row in rows] == [True, False, False]
    assert rows[0]["rotation_deg"] == pytest.approx(0.0, abs=1e-6) and rows[1]["rotation_deg"] is None
    figures = summary(rows)
    assert figures["all"]["tracked"] == pytest.approx(1 / 3)
    assert sum(row["n"] for row in figures["yaw_deg"]) == 3


def test_a_box_is_on_the_face_when_near_and_of_its_size() -> None:
    true = np.array([100.0, 100.0, 200.0, 200.0])
    assert on_the_face(true + 10.0, true)
    assert not on_the_face(true + 30.0, true)
    assert not on_the_face(np.array([50.0, 50.0, 250.0, 250.0]), true)


def test_heads_in_pictures_without_faces_are_counted(tmp_path: Path, shown: list[Still]) -> None:
    (tmp_path / "backgrounds").mkdir()
    for i in range(11):
        cv2.imwrite(str(tmp_path / "backgrounds" / f"{i:02d}.jpg"), np.full((48, 64, 3), 90, np.uint8))
    told: Any = Told(shown[0], 0.0)
    assert faceless(told, tmp_path) == {"val": {"pictures": 4, "heads": 4}, "train": {"pictures": 18, "heads": 18}}


def test_a_number_of_people_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--people", "0"]) == 2
    assert "--people is 0" in capsys.readouterr().err
