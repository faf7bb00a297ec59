from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import FACING_CAMERA
from training.benchmarks import ibug300w


def write_label(path: Path, points: np.ndarray) -> None:
    lines = [f"{u + 1:.6f} {v + 1:.6f}" for u, v in points]
    path.write_text("version: 1\nn_points:  68\n{\n" + "\n".join(lines) + "\n}\n")


@pytest.fixture
def folder(tmp_path: Path, state_of) -> Path:
    """A face in each of three of the distribution's folders, labelled with the tracker's own landmarks."""
    points = state_of(FACING_CAMERA).landmarks_2d
    for place, ending in {"helen/testset": ".jpg", "lfpw/testset": ".png", "ibug": ".jpg"}.items():
        (tmp_path / place).mkdir(parents=True)
        write_label(tmp_path / place / "image_01 _1.pts", points)
        cv2.imwrite(str(tmp_path / place / f"image_01 _1{ending}"), np.zeros((240, 320, 3), np.uint8))
    return tmp_path


def test_labels_count_pixels_from_one(folder: Path, state_of, model, known_tracker) -> None:
    result = ibug300w.evaluate(known_tracker([state_of(FACING_CAMERA)]), folder, model)
    assert result["n"] == 3 and result["interocular68"] < 1e-4 and result["auc_percent"] > 99.99
    assert {name: group["n"] for name, group in result["subsets"].items()} == {"common": 2, "challenging": 1, "full": 3}


def test_the_error_is_in_distances_of_the_outer_eye_corners(folder: Path, state_of, model, known_tracker) -> None:
    state = state_of(FACING_CAMERA)
    distance = np.linalg.norm(state.landmarks_2d[36] - state.landmarks_2d[45])
    write_label(folder / "ibug" / "image_01 _1.pts", state.landmarks_2d + (0.06 * distance, 0.0))
    write_label(folder / "lfpw" / "testset" / "image_01 _1.pts", state.landmarks_2d + (0.0, 0.1 * distance))
    result = ibug300w.evaluate(known_tracker([state]), folder, model)
    assert result["subsets"]["challenging"]["interocular68"] == pytest.approx(6.0, abs=1e-3)
    assert result["subsets"]["challenging"]["auc_percent"] == pytest.approx(25.0, abs=0.01)
    assert result["subsets"]["common"]["interocular51"] == pytest.approx(5.0, abs=1e-3)
    assert result["subsets"]["common"]["failure_rate_percent"] == 50.0


def test_a_failed_fit_counts(folder: Path, state_of, model, lost, known_tracker) -> None:
    result = ibug300w.evaluate(known_tracker([lost]), folder, model)
    assert result["failed"] == 3 and result["interocular68"] > 0.5


def test_what_is_not_the_data_set_is_named(folder: Path, model, lost, known_tracker, tmp_path: Path) -> None:
    def run(path: Path) -> None:
        ibug300w.evaluate(known_tracker([lost]), path, model)

    label = folder / "ibug" / "image_01 _1.pts"
    for text in ("1 2\n3 4\n", "version: 1\nn_points: 68\n{\n1 2\n}\n", "version: 1\nn_points: 68\n{\n1 two\n}\n", ""):
        label.write_text(text)
        with pytest.raises(ValueError, match=r"image_01 _1\.pts' is no \.pts file"):
            run(folder)
    label.with_suffix(".jpg").unlink()
    with pytest.raises(FileNotFoundError, match="no image beside it"):
        run(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty' holds no labels \(\*\.pts\) in any of helen/testset"):
        run(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        run(tmp_path / "nowhere")
