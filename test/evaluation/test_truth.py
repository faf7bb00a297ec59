import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dense_face_ros.evaluation.truth import TruePoses, pose_errors

START = 1_700_000_000_000_000_000


def make(stamps: list[int], yaws: list[float]) -> TruePoses:
    positions = np.column_stack([np.arange(len(yaws)), np.zeros(len(yaws)), np.ones(len(yaws))]).astype(float)
    quaternions = Rotation.from_euler("z", np.reshape(yaws, (-1, 1)), degrees=True).as_quat()
    return TruePoses(START + np.array(stamps, dtype=np.int64), positions, quaternions.reshape(-1, 4), "camera")


def test_poses_between_two_are_interpolated_to_the_nanosecond() -> None:
    truth = make([0, 40_000_000, 80_000_000], [0.0, 10.0, 10.0])
    pose = truth.at(START + np.array([10_000_000, 40_000_000]))
    assert np.allclose(pose[:, 0, 3], [0.25, 1.0])
    assert np.allclose(pose[0, :3, :3], Rotation.from_euler("z", 2.5, degrees=True).as_matrix())


def test_of_poses_with_one_stamp_the_first_counts() -> None:
    pose = make([0, 0, 40_000_000], [0.0, 90.0, 10.0]).at(START + np.array([20_000_000]))[0]
    assert pose[0, 3] == 1.0 and np.allclose(pose[:3, :3], Rotation.from_euler("z", 5.0, degrees=True).as_matrix())


def test_nothing_is_made_up_outside_or_in_gaps() -> None:
    truth = make([0, 50_000_000, 500_000_000], [0.0, 0.0, 0.0])
    pose = truth.at(START + np.array([-1, 25_000_000, 200_000_000, 500_000_000, 500_000_001]))
    assert np.isfinite(pose).all(axis=(1, 2)).tolist() == [False, True, False, True, False]


def test_one_pose_is_known_at_its_own_time_only() -> None:
    pose = make([0], [5.0]).at(START + np.array([0, 1]))
    assert np.isfinite(pose[0]).all() and np.isnan(pose[1]).all()


def test_errors() -> None:
    true = np.eye(4)[None]
    found = true.copy()
    found[0, :3, :3] = Rotation.from_euler("y", 3.0, degrees=True).as_matrix()
    found[0, 2, 3] = 0.02
    angle, offset = pose_errors(found, true)
    assert angle[0] == pytest.approx(3.0) and offset[0].tolist() == [0.0, 0.0, 0.02]


def test_what_is_no_pose_is_refused() -> None:
    with pytest.raises(ValueError, match="no pose"):
        TruePoses(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 4)), "")
    with pytest.raises(ValueError, match="unit quaternions"):
        TruePoses(np.arange(2), np.zeros((2, 3)), np.array([[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0]]), "")
