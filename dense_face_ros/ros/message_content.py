"""What is published of a HeadState, as plain numbers: the content of messages, whichever library writes them."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_state import HeadState, Status

#: Relative standard deviation of an assumed focal length: a field of view of 60 deg that may be 40 to 85.
ASSUMED_FOCAL_SPREAD = 0.4

LANDMARK_FIELDS = ("x", "y", "z", "u", "v", "visibility", "sigma")


def pose_is_told(camera: PinholeCamera, require_camera_info: bool) -> bool:
    """Whether what rests on the camera may be published: pose, tf and the positions of landmarks."""
    return camera.metric or not require_camera_info


def pose_covariance(state: HeadState, raw: bool = False) -> Array:
    """(6, 6) covariance to publish: that of the fit, plus the doubt about an assumed camera.

    A focal length too long by a factor moves the head away by the same factor and brings its ray nearer to the optical
    axis by about that share of the angle to the axis; the head turns with its ray. As it is one error, depth and
    rotation are correlated, by which a receiver can tell it from noise.
    """
    covariance = np.array(state.covariance_raw if raw else state.covariance)
    if state.camera.metric:
        return covariance
    x, y, z = (state.pose_raw if raw else state.pose)[:3, 3]
    error = ASSUMED_FOCAL_SPREAD * np.array([0.0, 0.0, z, math.atan2(y, z), -math.atan2(x, z), 0.0])
    return np.asarray(covariance + np.outer(error, error))


def landmark_rows(state: HeadState, with_positions: bool = True) -> npt.NDArray[np.float32]:
    """(68, 7) of ``LANDMARK_FIELDS``: metres, pixels, probability, pixels; (0, 7) without a head.

    Without a trustworthy camera (``with_positions`` False) x, y, z are NaN.
    """
    if state.status is not Status.TRACKING:
        return np.empty((0, len(LANDMARK_FIELDS)), np.float32)
    positions = state.landmarks_3d if with_positions else np.full((68, 3), np.nan)
    columns = [positions, state.landmarks_2d, state.landmark_visibility[:, None], state.landmark_sigma[:, None]]
    return np.ascontiguousarray(np.hstack(columns), dtype=np.float32)


def expression_values(state: HeadState) -> dict[str, float]:
    """Named activations in [0, 1], with ``eye_openness_left`` and ``_right``; only those known in this frame.

    An eye whose openness is not known has no blink either. There are none without a head; of a head of which nothing is
    known the eyes are told as NaN, so that it is not taken for none.
    """
    eyes = dict(zip(("eye_openness_left", "eye_openness_right"), state.eye_openness, strict=True))
    left, right = (math.isfinite(openness) for openness in state.eye_openness)
    unseen = {f"eyeBlink_{side}" for side, seen in (("L", left), ("R", right)) if not seen}
    values = {**state.expression, **eyes}
    known = {name: float(value) for name, value in values.items() if math.isfinite(value) and name not in unseen}
    return eyes if not known and state.status is Status.TRACKING else known
