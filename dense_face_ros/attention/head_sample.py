"""What one frame told of the driver's head and eyes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from dense_face_ros.attention.directions import pose_flaw
from dense_face_ros.geometry import Array

EYES_UNKNOWN = (math.nan, math.nan)


@dataclass(frozen=True)
class HeadSample:
    """What one frame told.

    Attributes:
        stamp: seconds.
        rotation: (3, 3) camera <- head; None without a head.
        covariance: (6, 6) of position (m) and a rotation vector (rad) about the camera's axes, as in a ROS pose.
        eye_openness: (left, right) 0 closed, 1 open; NaN where unknown.
        speed: of the vehicle, m/s; None where unknown.
        lacking: why there is no rotation though there is a head, in words; else empty.
    """

    stamp: float
    rotation: Array | None = None
    covariance: Array | None = None
    eye_openness: tuple[float, float] = EYES_UNKNOWN
    speed: float | None = None
    lacking: str = ""

    @cached_property
    def flaw(self) -> str:
        """Why the pose of a head that is there says nothing, in words; empty where it does, or where nobody is."""
        return self.lacking if self.rotation is None else pose_flaw(self.rotation, self.covariance)
