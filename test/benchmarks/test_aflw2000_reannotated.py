from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.benchmarks import aflw2000_reannotated
from training.benchmarks.aflw2000_reannotated import POINTS
from training.benchmarks.conventions import aflw2000_angles


@pytest.fixture
def states(state_of):
    turned = [rotation_from_yaw_pitch_roll(np.radians([yaw, 0.0, 0.0])) for yaw in (5.0, -40.0)]
    return [state_of(turned[0], (0.05, 0.0, 0.7)), state_of(turned[1], (-0.12, 0.04, 0.9))]


@pytest.fixture
def folder(tmp_path: Path, states) -> Path:
    """Two images whose corrected points are the states'; the original ones are three pixels beside."""
    points = np.stack([state.landmarks_2d.T for state in states])
    for i, state in enumerate(states):
        pose = np.zeros((1, 7))
        pose[0, :3] = aflw2000_angles(state.pose[:3, :3])
        label = {"pt3d_68": np.vstack([points[i] + 3.0, np.zeros(68)]), "Pose_Para": pose}
        savemat(tmp_path / f"image{i}.mat", label)
        cv2.imwrite(str(tmp_path / f"image{i}.jpg"), np.zeros((240, 320, 3), np.uint8))
    np.save(tmp_path / POINTS, points.astype(np.float32))
    return tmp_path


def test_the_corrected_points_are_the_truth(folder: Path, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = aflw2000_reannotated.evaluate(tracker, folder, model)
    assert (result["n"], result["failed"], result["n_bins"]) == (2, 0, [1, 1, 0])
    assert result["nme68_mean_of_bins"] < 1e-3 and result["nme68_bins"][2] is None
    assert np.allclose(tracker.boxes[0][:2], states[0].landmarks_2d.min(axis=0), atol=1e-3)


def test_another_file_is_named(folder: Path, states, model, known_tracker) -> None:
    tracker, good = known_tracker(states), np.load(folder / POINTS)
    for points, words in ((good[:1], r"shape \(1, 2, 68\)"), (good[::-1], "not those of the folder's images in order")):
        np.save(folder / POINTS, points)
        with pytest.raises(ValueError, match=words):
            aflw2000_reannotated.evaluate(tracker, folder, model)
    (folder / POINTS).write_text("text")
    with pytest.raises(ValueError, match=r"pts68\.npy' is no array file, or damaged; copy it anew"):
        aflw2000_reannotated.evaluate(tracker, folder, model)
    odd = good.copy()
    odd[-1, 0, 3] = np.nan
    for points, words in ((good.astype("S8"), "holds no array of numbers"), (odd, f"first in row {len(odd) - 1}")):
        np.save(folder / POINTS, points)
        with pytest.raises(ValueError, match=words):
            aflw2000_reannotated.evaluate(tracker, folder, model)
    with open(folder / POINTS, "wb") as file:
        np.savez(file, good)
    with pytest.raises(ValueError, match="holds no array of numbers"):
        aflw2000_reannotated.evaluate(tracker, folder, model)
    (folder / POINTS).unlink()
    with pytest.raises(FileNotFoundError, match=r"pts68\.npy' does not exist"):
        aflw2000_reannotated.evaluate(tracker, folder, model)
