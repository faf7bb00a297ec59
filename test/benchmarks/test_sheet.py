from pathlib import Path

import cv2
import numpy as np

from dense_face_ros.drawing import VISIBLE
from dense_face_ros.geometry import FACING_CAMERA
from training.benchmarks.sheet import Sheet


def test_fit_is_drawn_where_the_true_points_are(tmp_path: Path, model, state_of) -> None:
    state = state_of(FACING_CAMERA, (0.1, 0.05, 0.8))
    true = state.landmarks_2d[[30]] + np.array([[-20, -20], [20, -20], [-20, 20], [20, 20]])
    sheet = Sheet(model)
    sheet.add(np.zeros((240, 320, 3), np.uint8), state, true, "a", 1.0)
    sheet.write(tmp_path / "a.png")
    cell = cv2.imread(str(tmp_path / "a.png"))[:480, :480].astype(int)
    assert (np.abs(cell[235:245, 235:245] - VISIBLE).sum(axis=2) < 30).any(), "the nose tip, in the middle"


def test_the_worst_come_first_and_only_they_are_kept(tmp_path: Path, model, lost, state_of) -> None:
    true = state_of(FACING_CAMERA).landmarks_2d
    sheet = Sheet(model, most=2, columns=1)
    for grey, error in ((40, 1.0), (120, 3.0), (200, 2.0)):
        sheet.add(np.full((240, 320, 3), grey, np.uint8), lost, true, "", error)
    sheet.write(tmp_path / "a.png")
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture.shape == (960, 480, 3)
    assert picture[300, 470, 0] == 120 and picture[780, 470, 0] == 200
