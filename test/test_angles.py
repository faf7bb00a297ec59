import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dense_face_ros.angles import geodesic, wrap_degrees


def test_wrapped_angles_are_the_same_within_half_a_turn() -> None:
    wrapped = wrap_degrees(np.array([-180.0, -181.0, 180.0, 359.0, 10.0, -725.0, np.nan]))
    assert np.array_equal(wrapped, [-180.0, 179.0, -180.0, -1.0, 10.0, -5.0, np.nan], equal_nan=True)
    assert wrap_degrees(-181.0) == 179.0


def test_geodesic_is_the_angle_between_rotations() -> None:
    degrees = np.array([0.0, 1e-4, 30.0, 179.0, 180.0])
    base = Rotation.from_rotvec([0.3, -0.2, 0.9])
    turned = Rotation.from_rotvec(degrees[:, None] * [0.36, 0.48, 0.8], degrees=True) * base
    assert geodesic(turned.as_matrix(), base.as_matrix()) == pytest.approx(degrees, abs=1e-5)
    assert geodesic(turned.as_matrix()[2], base.as_matrix()) == pytest.approx(30.0)
    assert np.isnan(geodesic(np.full((3, 3), np.nan), np.eye(3)))
