from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from dense_face_ros.ros.message_readers import read_eyes, read_pose, rotation_of, stamp_of


def quaternion(x: float, y: float, z: float, w: float) -> SimpleNamespace:
    return SimpleNamespace(x=x, y=y, z=z, w=w)


QUARTER = quaternion(0.0, 0.0, np.sqrt(0.5), np.sqrt(0.5))


def test_a_quarter_turn_about_z_brings_x_to_y() -> None:
    assert rotation_of(QUARTER) @ [1.0, 0.0, 0.0] == pytest.approx(np.array([0.0, 1.0, 0.0]))
    assert np.isnan(rotation_of(quaternion(0.0, 0.0, 0.0, 0.0))).all()


def test_a_pose_has_its_rotation_and_the_covariance_row_by_row() -> None:
    message = SimpleNamespace(pose=SimpleNamespace(pose=SimpleNamespace(orientation=QUARTER), covariance=range(36)))
    rotation, covariance = read_pose(message)
    assert np.array_equal(rotation, rotation_of(QUARTER))
    assert covariance.shape == (6, 6) and covariance[1, 2] == 8.0


def test_eyes_are_told_by_name_and_else_unknown() -> None:
    left, right = read_eyes(SimpleNamespace(name=["eye_openness_right", "jawOpen"], position=[0.7, 0.1]))
    assert np.isnan(left) and right == 0.7


def test_a_stamp_is_exact() -> None:
    stamp = SimpleNamespace(sec=1_700_000_000, nanosec=123_456_789)
    assert stamp_of(SimpleNamespace(header=SimpleNamespace(stamp=stamp))) == 1_700_000_000_123_456_789
