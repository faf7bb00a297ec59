"""The limit of new heads: what it is chosen by is counted rightly."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.calibration import Calibration
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import Status
from dense_face_ros.tracker_settings import TrackerSettings
from training.benchmarks.finding import person
from training.benchmarks.metrics import box_of
from training.new_heads import Searcher, faceless_views, false_limits, least_limits, main, needed, table
from training.rendering.clip import Truth


class Told:
    """Stands in for the searcher: of every picture the same heads."""

    def __init__(self, *heads: tuple[np.ndarray, float]) -> None:
        self._heads = heads
        self.shown: list[tuple[int, ...]] = []

    def found(self, image: np.ndarray, camera: PinholeCamera) -> Any:
        assert (camera.height, camera.width) == image.shape[:2]
        self.shown.append(image.shape)
        return ((SimpleNamespace(box=box), limit) for box, limit in self._heads)


def test_the_limit_that_is_needed_is_the_one_that_just_tells_the_head() -> None:
    used = Calibration(vagueness_per_score=2.0)
    assert needed(0.3, 0.5, used) * np.exp(2.0 * 0.5) == pytest.approx(0.3)
    assert needed(0.3, 0.9, used) < needed(0.3, 0.2, used), "the surer the finder"


def test_heads_are_told_from_the_limit_that_is_needed(clip: list[np.ndarray], truth: Truth) -> None:
    searcher = Searcher(FaceModel.load(), network_path(None))
    ((fit, limit),) = searcher.found(clip[0], truth.camera)
    searcher.close()
    assert fit.vagueness > 0.0
    for share, status in ((0.99, Status.SEARCHING), (1.01, Status.TRACKING)):
        limited = Calibration(max_new_vagueness=share * limit)
        tracker = FaceTracker(TrackerSettings(calibration=limited))
        assert tracker.update(clip[0], 0.0, truth.camera).status is status
        tracker.close()


def test_of_rendered_people_only_a_head_on_the_face_counts(shipped_model: FaceModel) -> None:
    true = [box_of(still.landmarks) for still in person(shipped_model, 700_000)]
    told: Any = Told((true[0], 0.04), (true[0] + 0.02, 0.06), (true[0] + 2000.0, 0.01))
    assert least_limits(told, shipped_model, 1)[0] == 0.04
    nobody: Any = Told()
    assert least_limits(nobody, shipped_model, 1) == [np.inf] * 4


def test_every_view_of_a_faceless_photograph_counts() -> None:
    rng = np.random.default_rng(0)
    photograph = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
    views = list(faceless_views(photograph, 40, np.random.default_rng(1)))
    assert len(views) == 40 and all(view.shape[1] == 640 and view.dtype == np.uint8 for view in views)
    assert {view.ndim for view in views} == {2, 3}
    again = list(faceless_views(photograph, 40, np.random.default_rng(1)))
    assert all(np.array_equal(a, b) for a, b in zip(views, again, strict=True))
    file = cv2.imencode(".png", photograph)[1].tobytes()
    told: Any = Told((np.zeros(4), 0.2), (np.zeros(4), 0.1))
    assert false_limits(told, [file, file], 3) == [[0.1] * 3] * 2 and len(told.shown) == 6


def test_the_table_counts_pictures_and_photographs() -> None:
    inf = np.inf
    rows = table([0.03, 0.05, 0.2, inf], [[inf, 0.04], [0.09, 0.03], [inf, inf]], 0.05)
    by_limit = {row["max_new_vagueness"]: (row["found"], row["false"], row["photographs_with_false"]) for row in rows}
    assert by_limit[0.05] == (2, 2, 2) and by_limit[0.035] == (1, 1, 1) and by_limit[0.1] == (2, 3, 2)
    assert by_limit[None] == (3, 3, 2), "without a limit; where no head is found there is none to tell"


def test_bad_arguments_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--people", "0"]) == 2
    assert "--people is 0; it must be at least 1" in capsys.readouterr().err
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert str(tmp_path) in error and error.count("\n") == 1
