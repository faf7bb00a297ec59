from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.benchmarks import aflw2000
from training.benchmarks.conventions import AFLW2000_ZERO_PITCH, aflw2000_angles, along_line_of_sight

_YAWS = (5.0, -40.0, 70.0)


@pytest.fixture
def states(state_of):
    rotations = [rotation_from_yaw_pitch_roll(np.radians([yaw, 10.0, -5.0])) for yaw in _YAWS]
    return [state_of(r, position) for r, position in zip(rotations, [(0, 0, 0.6), (0.1, 0, 0.7), (0, -0.05, 0.5)],
                                                         strict=True)]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, states) -> Path:
    """Three photographs labelled, as the data set does it, with the states' own landmarks and poses."""
    for index, state in enumerate(states):
        depth = state.landmarks_3d[:, 2].mean() - state.landmarks_3d[:, 2]
        points = np.vstack([state.landmarks_2d.T, 800.0 * depth])
        pose = np.zeros((1, 7))
        pose[0, :3] = aflw2000_angles(along_line_of_sight(state.pose))
        name = f"image{index:05d}"
        savemat(tmp_path / f"{name}.mat", {"pt3d_68": points.astype(np.float32), "Pose_Para": pose})
        cv2.imwrite(str(tmp_path / f"{name}.jpg"), np.zeros((240, 320, 3), np.uint8))
    return tmp_path


def test_a_perfect_tracker_has_no_error(folder, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = aflw2000.evaluate(tracker, folder, model)
    assert (result["n"], result["failed"], result["n_bins"]) == (3, 0, [1, 1, 1])
    assert max(result["nme68_bins"] + result["nme51_bins"]) < 1e-4
    assert result["pose_mae"] < 1e-4 and result["pose_geodesic"] < 1e-4
    assert result["found_without_box"] == 3
    assert tracker.boxes[9:] == [None] * 3
    x0, y0, x1, y1 = tracker.boxes[0]
    assert np.allclose((x0, y0), states[0].landmarks_2d.min(axis=0), atol=1e-3)
    assert np.allclose((x1, y1), states[0].landmarks_2d.max(axis=0), atol=1e-3)


def test_visible_inner_landmarks_drop_with_yaw(folder, states, model, known_tracker) -> None:
    rows = aflw2000.evaluate(known_tracker(states), folder, model)["images"]
    seen = [row["visible_inner"] for row in rows]
    assert seen[0] == 51 and 25 <= seen[2] < seen[1] < 51


def test_a_failed_fit_counts_as_the_frontal_mean_face(folder, states, model, lost, known_tracker) -> None:
    result = aflw2000.evaluate(known_tracker([states[0], states[1], lost]), folder, model)
    assert result["failed"] == 1
    assert result["nme68_bins"][2] > 10 and result["nme68_bins"][0] < 1e-4
    assert result["images"][2]["pose_error"][1] == pytest.approx(70.0, abs=3.0)
    assert result["found_without_box"] == 2


def test_faces_turned_beyond_99_degrees_are_left_out_of_the_pose(folder, states, model, known_tracker) -> None:
    label = folder / "image00000.mat"
    sample = aflw2000.read_sample(label)
    pose = np.zeros((1, 7))
    pose[0, 2] = np.radians(120.0)
    savemat(label, {"pt3d_68": sample.points.T, "Pose_Para": pose})
    result = aflw2000.evaluate(known_tracker(states), folder, model)
    assert (result["n"], result["pose_n"]) == (3, 2)
    assert result["pose_mae"] < 1e-4


def test_another_zero_pose_is_another_pitch(folder, states, model, known_tracker, monkeypatch) -> None:
    nods = iter((AFLW2000_ZERO_PITCH, AFLW2000_ZERO_PITCH + 4.0))
    monkeypatch.setattr(aflw2000, "zero_pitch", lambda _: next(nods))
    shipped, own = (aflw2000.evaluate(known_tracker(states), folder, model) for _ in range(2))
    assert shipped["pose_geodesic"] < 1e-4 and own["pose_geodesic"] == pytest.approx(4.0)
    assert own["images"][0]["pose_error"][0] == pytest.approx(4.0, abs=0.1)
    assert own["zero_pitch_degrees"] == AFLW2000_ZERO_PITCH + 4.0


def test_limit_takes_the_first(folder, states, model, known_tracker) -> None:
    assert aflw2000.evaluate(known_tracker(states), folder, model, limit=2)["n"] == 2


def test_boxes_are_disturbed_as_named() -> None:
    assert aflw2000.grown((0, 0, 10, 20), 1.3) == pytest.approx((-1.5, -3, 11.5, 23))
    assert aflw2000.shifted((0, 0, 10, 20), 0.1, np.pi / 2) == pytest.approx((0, 2, 10, 22))


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        aflw2000.read_samples(tmp_path / "nowhere")


def test_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \*\.mat \(found: nothing\)"):
        aflw2000.read_samples(tmp_path)


def test_label_of_another_set_is_named(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"pt3d_68": np.zeros((3, 21)), "Pose_Para": np.zeros((1, 7))})
    with pytest.raises(ValueError, match=r"a\.mat' has \(3, 21\) for pt3d_68, expected \(3, 68\)"):
        aflw2000.read_samples(tmp_path)


@pytest.mark.parametrize("odd", [np.full((3, 68), np.nan), np.full((3, 68), "a", dtype=object)])
def test_label_that_holds_no_numbers_is_named(tmp_path: Path, odd: np.ndarray) -> None:
    savemat(tmp_path / "a.mat", {"pt3d_68": odd, "Pose_Para": np.zeros((1, 7))})
    with pytest.raises(ValueError, match=r"a\.mat'.* pt3d_68"):
        aflw2000.read_samples(tmp_path)


def test_label_that_is_no_matlab_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mat").write_text("not a label " * 20)
    with pytest.raises(ValueError, match=r"a\.mat' is not a whole MATLAB 5 file"):
        aflw2000.read_samples(tmp_path)


def test_missing_picture_is_named(folder, states, model, known_tracker) -> None:
    (folder / "image00001.jpg").unlink()
    with pytest.raises(ValueError, match=r"image00001\.jpg' is missing"):
        aflw2000.evaluate(known_tracker(states), folder, model)
