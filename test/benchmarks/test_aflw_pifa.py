from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.benchmarks import aflw_pifa
from training.benchmarks.markup21 import from_68


@pytest.fixture
def states(state_of):
    return [state_of(rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, 0.0]))) for yaw in (0.0, 30.0)]


def labels_of(states) -> np.ndarray:
    """(2, 102): 21 points of each state and 13 others far away; the second face shows only its first ten points."""
    points = [np.vstack([from_68(state.landmarks_2d), np.full((13, 2), 900.0)]) for state in states]
    visible = np.ones((2, 34))
    visible[1, 10:21] = 0.0
    points[1][10:21] = 0.0
    return np.hstack([np.stack([p[:, 0] for p in points]), np.stack([p[:, 1] for p in points]), visible])


@pytest.fixture
def folder(tmp_path: Path, states) -> Path:
    boxes = [[*s.landmarks_2d.min(axis=0), *np.ptp(s.landmarks_2d, axis=0)] for s in states]
    savemat(tmp_path / "BoundingBox.mat", {"bboxesT": np.array(boxes), "bboxesTr": np.zeros((1, 4))})
    savemat(tmp_path / "Landmark.mat", {"phisT": labels_of(states), "phisTr": np.zeros((1, 102))})
    (tmp_path / "TestImages").mkdir()
    for name in ("1.jpg", "2.jpg"):
        cv2.imwrite(str(tmp_path / "TestImages" / name), np.zeros((240, 320, 3), np.uint8))
    return tmp_path


def test_visible_points_of_the_own_21_are_scored(folder: Path, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = aflw_pifa.evaluate(tracker, folder, model)
    assert (result["n"], result["failed"]) == (2, 0) and result["nme21"] < 1e-6
    assert [row["visible"] for row in result["images"]] == [21, 10]
    assert np.allclose(tracker.boxes[0][2:], states[0].landmarks_2d.max(axis=0))


def test_the_error_is_a_share_of_the_labelled_box(folder: Path, states, model, known_tracker) -> None:
    middles = [0.5 * (s.landmarks_2d.min(axis=0) + s.landmarks_2d.max(axis=0)) for s in states]
    sides = [(100.0, 100.0), (80.0, 125.0)]  # of one area
    boxes = [[*(middle - 0.5 * np.array(side)), *side] for middle, side in zip(middles, sides, strict=True)]
    savemat(folder / "BoundingBox.mat", {"bboxesT": np.array(boxes)})
    labels = labels_of(states)
    labels[:, :34] += 3.0
    labels[:, 34:68] += 4.0
    savemat(folder / "Landmark.mat", {"phisT": labels})
    result = aflw_pifa.evaluate(known_tracker(states), folder, model)
    assert [row["nme21"] for row in result["images"]] == pytest.approx([5.0, 5.0])


def test_what_is_not_the_data_set_is_named(folder: Path, states, model, known_tracker, tmp_path: Path) -> None:
    def refused(words: str, error: type[Exception] = ValueError) -> None:
        with pytest.raises(error, match=words):
            aflw_pifa.evaluate(known_tracker(states), folder, model)

    labels = labels_of(states)
    order = np.r_[np.random.default_rng(0).permutation(21), 21:34]
    shuffled = np.hstack([labels[:, 34 * part + order] for part in range(3)])
    savemat(folder / "Landmark.mat", {"phisT": shuffled})
    refused(r"Landmark\.mat' are not AFLW's in AFLW's order: they lie 0\.\d+ box sizes")
    savemat(folder / "Landmark.mat", {"phisT": labels[:1]})
    refused("has 2 boxes and 1 faces with points")
    savemat(folder / "Landmark.mat", {"phisT": labels[:, :87]})
    refused(r"Landmark\.mat' has \(2, 87\) for phisT, expected \(N, 102\)")
    savemat(folder / "Landmark.mat", {"phis": labels})
    refused(r"Landmark\.mat' has nothing for phisT")
    (folder / "Landmark.mat").write_text("no matrix " * 30)
    refused(r"Landmark\.mat' is not a whole MATLAB 5 file")
    (folder / "Landmark.mat").unlink()
    refused(r"Landmark\.mat' does not exist", FileNotFoundError)
