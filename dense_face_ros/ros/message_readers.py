"""What is read out of messages, whichever library made them. Needs no ROS installation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dense_face_ros.geometry import Array, rotation_from_quaternion


def stamp_of(message: Any) -> int:
    """Nanoseconds of a message with a header."""
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


def rotation_of(quaternion: Any) -> Array:
    """(3, 3) of a ``geometry_msgs/Quaternion``; NaN where it is none."""
    return rotation_from_quaternion([quaternion.x, quaternion.y, quaternion.z, quaternion.w])


def read_pose(message: Any) -> tuple[Array, Array]:
    """Rotation (3, 3) camera <- head of a ``geometry_msgs/PoseWithCovarianceStamped``, and the covariance (6, 6) of
    position and rotation."""
    covariance = np.array(message.pose.covariance, dtype=np.float64).reshape(6, 6)
    return rotation_of(message.pose.pose.orientation), covariance


def read_eyes(message: Any) -> tuple[float, float]:
    """Openness of the (left, right) eye of a ``sensor_msgs/JointState``, NaN where it does not tell it."""
    values = dict(zip(message.name, message.position, strict=False))
    return float(values.get("eye_openness_left", math.nan)), float(values.get("eye_openness_right", math.nan))
