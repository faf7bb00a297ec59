from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import FACING_CAMERA
from training.benchmarks.plots import WorstAndBest, error_curves, rows_of, write_plots

ROWS = [
    {"name": str(i), "nme68": e, "nme51": None, "geodesic": 2.0 * e, "true_pitch_yaw_roll": [0.0, yaw, 0.0]}
    for i, (e, yaw) in enumerate([(1.0, -60.0), (2.0, 0.0), (4.0, 30.0), (30.0, 80.0)])
]


def test_the_curve_passes_the_shares_of_faces() -> None:
    (path,) = re.findall(r'<path d="([^"]*)" fill="none"', error_curves(ROWS, "t"))
    points = np.array([[float(n) for n in point.split()] for point in re.split("[ML]", path)[1:]])
    left, right, top, bottom = 62.0, 640.0 - 14.0, 30.0, 360.0 - 40.0
    error = (points[:, 0] - left) / (right - left) * 12.0
    share = (bottom - points[:, 1]) / (bottom - top)
    for at, wanted in {0.5: 0.0, 1.5: 0.25, 3.0: 0.5, 11.0: 0.75}.items():
        before = np.flatnonzero(error <= at)[-1]
        assert share[before] == pytest.approx(wanted, abs=0.01), at
    assert error[-1] == pytest.approx(12.0, abs=0.02) and share[-1] == pytest.approx(0.75, abs=0.01)


def test_plots_stand_beside_the_json(tmp_path: Path) -> None:
    written = write_plots({"benchmark": "aflw2000", "images": ROWS}, tmp_path / "a.b")
    assert [path.name for path in written] == ["a.b_ced.svg", "a.b_yaw.svg", "a.b_pose_yaw.svg"]
    for path in written:
        ElementTree.fromstring(path.read_text())
    assert written[2].read_text().count("<circle") == 4


def test_a_result_without_rows_is_named() -> None:
    with pytest.raises(ValueError, match="benchmark video has no rows per image"):
        rows_of({"benchmark": "video"})


def test_worst_and_best_are_told_apart(tmp_path: Path, model, state_of) -> None:
    sheet = WorstAndBest(model, most=1, columns=1)
    state = state_of(FACING_CAMERA)
    for error, grey in ((1.0, 40), (9.0, 200)):
        image = np.full((240, 320, 3), grey, np.uint8)
        sheet.add(image, replace(state, status=state.status), state.landmarks_2d, f"{error}", error)
    sheet.write_both(tmp_path / "x")
    worst, best = (cv2.imread(str(tmp_path / f"x_{kind}.png")) for kind in ("worst", "best"))
    assert np.median(worst) == 200 and np.median(best) == 40
