"""The way a head points in the car, with its uncertainty, and how the camera stands in the car.

The car frame is the body frame of REP-103: x forward, y to the left, z up. A head that faces the road straight ahead
has the orientation of the car. Angles are degrees, as the zones are: yaw > 0 points to the left, pitch > 0 downwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dense_face_ros.angles import wrap_degrees
from dense_face_ros.geometry import FACING_CAMERA, Array, rotation_from_yaw_pitch_roll, yaw_pitch_roll_from_rotation


@dataclass(frozen=True)
class HeadDirection:
    """``sigma`` is the largest standard deviation over all ways the direction may be wrong."""

    yaw: float
    pitch: float
    sigma: float

    @classmethod
    def of(cls, rotation: Array, covariance: Array) -> HeadDirection:
        """From the rotation (3, 3) car <- head and the covariance (3, 3) of a rotation vector about the car's axes."""
        x, y, z = rotation[:, 0].tolist()
        yaw, pitch = math.atan2(y, x), -math.asin(min(max(z, -1.0), 1.0))
        cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
        # Turns about the direction itself do not change it: what counts is the covariance across it.
        across = np.array([[-sy, cy, 0.0], [sp * cy, sp * sy, cp]])
        (a, b), (_, c) = (across @ covariance @ across.T).tolist()
        largest = 0.5 * (a + c + math.hypot(a - c, 2.0 * b))
        return cls(math.degrees(yaw), math.degrees(pitch), math.degrees(math.sqrt(max(largest, 0.0))))


def pose_flaw(rotation: Array, covariance: Array | None) -> str:
    """Why rotation (3, 3) and covariance (6, 6) of a head pose say nothing, in words; empty where they do."""
    if not np.isfinite(rotation).all():
        return "the orientation of head_pose is no unit quaternion"
    # Variances of 0 mean that nobody computed them.
    if covariance is None or not (np.isfinite(covariance).all() and (np.diagonal(covariance)[3:] > 0.0).all()):
        return "head_pose has no valid covariance"
    return ""


def lasting_error(covariance: Array) -> Array:
    """(3,) rad: the part of the rotation's error that comes with one standard deviation of the depth's.

    What makes the depth wrong is the camera's assumed focal length or the size of this head, and both last: the part is
    the same in every frame with the head in the same place. ``covariance`` (6, 6): position, rotation vector.
    """
    if covariance[2, 2] <= 0.0:
        return np.zeros(3)
    return np.asarray(covariance[3:, 2] / math.sqrt(covariance[2, 2]))


def camera_mounting(yaw: float, pitch: float, roll: float) -> Array:
    """Rotation (3, 3) car <- camera of a camera that looks at the driver. Degrees.

    With all zero it looks straight to the rear. It is then turned about the car's axes, roll first: yaw > 0 makes it
    look to the car's right (it stands left of the driver's line of sight), pitch > 0 upwards (it stands low).

    Raises:
        ValueError: an angle is no number.
    """
    if not all(map(math.isfinite, (yaw, pitch, roll))):
        raise ValueError(f"camera mounting is ({yaw}, {pitch}, {roll}); yaw, pitch and roll must be numbers of degrees")
    turn = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, roll]))
    return np.asarray(FACING_CAMERA.T @ turn @ FACING_CAMERA.T)


def mounting_angles(rotation: Array) -> tuple[float, float, float]:
    """Yaw, pitch, roll in degrees with which :func:`camera_mounting` gives this rotation (3, 3) car <- camera."""
    yaw, pitch, roll = np.degrees(yaw_pitch_roll_from_rotation(FACING_CAMERA @ rotation @ FACING_CAMERA)).tolist()
    return yaw, pitch, roll


def between_degrees(a: HeadDirection, b: HeadDirection) -> float:
    """Angle between two directions, for directions that are close."""
    yaw = wrap_degrees(a.yaw - b.yaw) * math.cos(math.radians(0.5 * (a.pitch + b.pitch)))
    return math.hypot(yaw, a.pitch - b.pitch)
