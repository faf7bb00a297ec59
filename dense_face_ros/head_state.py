"""What one frame told about the head: plain values, NaN where nothing was computed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array, PinholeCamera, yaw_pitch_roll_from_rotation


class Status(str, Enum):
    """TRACKING: a head was fitted in this frame. LOST: tracked before, not in this frame. SEARCHING: no head known."""

    TRACKING = "tracking"
    LOST = "lost"
    SEARCHING = "searching"


def _unknown(*shape: int) -> Array:
    return np.full(shape, np.nan)


@dataclass(frozen=True)
class HeadState:
    """Result of one frame. Without a head (status not TRACKING) every array holds NaN and ``landmark_visible`` False.

    All but ``pose`` and ``covariance`` is as fitted, and lies where the head is in the image: moved to the smoothed
    pose, landmarks would trail behind it.

    Attributes:
        stamp: seconds, of the image.
        status: see :class:`Status`.
        reason: why there is no head, or empty.
        camera: the camera the pose is relative to; its ``metric`` says whether the pose is.
        pose: (4, 4) camera <- head, metres, as filtered.
        pose_raw: the same as fitted to this frame, with the person's shape as learned so far; not smoothed.
        covariance: (6, 6) of ``pose``: x, y, z (metres, camera frame), then a rotation vector (radians) about the
            camera's axes, applied from the left: the order and frame of ``geometry_msgs/PoseWithCovariance``.
        covariance_raw: the same of ``pose_raw``.
        coefficients: (K + E,) identity in standard deviations, then expression activations.
        expression: name -> activation in [0, 1]; NaN where the part of the face that shows it is hidden.
        landmarks_2d: (68, 2) pixels of the (distorted) image.
        landmarks_3d: (68, 3) metres in the camera frame.
        landmark_visible: (68,) whether each landmark's surface faces the camera unhidden and was matched, and the
            network is not much vaguer of the lower face than of eyes and brows, as where something covers it.
        landmark_visibility: (68,) the probability behind ``landmark_visible``.
        landmark_sigma: (68,) standard deviation in pixels.
        eye_openness: (left, right) of the person: 0 closed, 1 open; NaN where it cannot be told.
        vertices: (V, 3) metres in the camera frame.
        matchability: (h, w) over the network's crop, which ``view`` places in the image.
        flow: (2, h, w) crop pixels; ``flow_sigma`` (h, w) its predicted standard deviation.
        quality: named figures of the fit: ``inliers`` (share), ``residual`` (pixels of the crop), ``coverage``,
            ``sigma`` (the network's median standard deviation, pixels of the crop).
        view: what the network saw of the image; None without a head.
        track: counts the drivers that a tracker follows, from 1: the same number for as long as the driver is
            remembered, through losses too. 0 without a head, and of a lone photograph.
    """

    stamp: float
    status: Status
    reason: str
    camera: PinholeCamera
    pose: Array
    pose_raw: Array
    covariance: Array
    covariance_raw: Array
    coefficients: Array
    expression: dict[str, float]
    landmarks_2d: Array
    landmarks_3d: Array
    landmark_visible: npt.NDArray[np.bool_]
    landmark_visibility: Array
    landmark_sigma: Array
    eye_openness: tuple[float, float]
    vertices: npt.NDArray[np.floating]
    matchability: npt.NDArray[np.floating]
    flow: npt.NDArray[np.floating]
    flow_sigma: npt.NDArray[np.floating]
    quality: dict[str, float]
    view: FacingView | None = None
    track: int = 0

    @property
    def yaw_pitch_roll(self) -> Array:
        """(yaw, pitch, roll) of ``pose`` in degrees, signs as in ``geometry.rotation_from_yaw_pitch_roll``."""
        return np.degrees(yaw_pitch_roll_from_rotation(self.pose[:3, :3]))

    @classmethod
    def without_head(
        cls, stamp: float, status: Status, reason: str, camera: PinholeCamera, vertices: int, coefficients: int
    ) -> HeadState:
        """The state of a frame in which no head was fitted."""
        return cls(
            stamp=stamp,
            status=status,
            reason=reason,
            camera=camera,
            pose=_unknown(4, 4),
            pose_raw=_unknown(4, 4),
            covariance=_unknown(6, 6),
            covariance_raw=_unknown(6, 6),
            coefficients=_unknown(coefficients),
            expression={},
            landmarks_2d=_unknown(68, 2),
            landmarks_3d=_unknown(68, 3),
            landmark_visible=np.zeros(68, dtype=bool),
            landmark_visibility=_unknown(68),
            landmark_sigma=_unknown(68),
            eye_openness=(np.nan, np.nan),
            vertices=_unknown(vertices, 3),
            matchability=_unknown(64, 64),
            flow=_unknown(2, 64, 64),
            flow_sigma=_unknown(64, 64),
            quality={},
        )
