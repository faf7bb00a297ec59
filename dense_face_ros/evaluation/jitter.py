"""How much a tracked head shakes, without labels: what is left of the pose after a straight line through a short time.

A head's own movement is nearly straight over seven frames (0.23 s at 30 Hz), noise is not. The figure of a window is
the rms departure from its least-squares line: rotation in degrees, position in millimetres, inner landmarks in % of
``sqrt(w h)`` of their own bounding box and the jaw's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dense_face_ros.geometry import Array, PinholeCamera, vector_from_rotation
from dense_face_ros.head_state import HeadState, Status

WINDOW = 7  # frames
_PAUSE = 0.25  # seconds between frames over which a head's movement need not be straight any more
_INNER = slice(17, 68)  # landmarks that do not lie on the jaw line


@dataclass(frozen=True)
class Jitter:
    """Rms departure of one window, of the filtered pose and (``_raw``) of the one fitted to each frame."""

    rotation_deg: float
    position_mm: float
    rotation_raw_deg: float
    position_raw_mm: float
    landmarks_percent: float


class JitterMeter:
    """Takes the frames of a video in order and keeps the last ``WINDOW`` poses."""

    def __init__(self) -> None:
        self._window: deque[tuple[float, Array, Array, Array]] = deque(maxlen=WINDOW)
        self._camera: PinholeCamera | None = None

    def add(self, state: HeadState) -> Jitter | None:
        """Jitter of the window that ends with this frame; None unless there is a head in all of it, and neither a pause
        nor another camera, by which the same head is elsewhere."""
        if self._window and not 0.0 < state.stamp - self._window[-1][0] <= _PAUSE:
            self._window.clear()
        if state.camera != self._camera:
            self._window.clear()
            self._camera = state.camera
        if state.status is not Status.TRACKING:
            self._window.clear()
            return None
        self._window.append((state.stamp, state.pose, state.pose_raw, state.landmarks_2d))
        if len(self._window) < WINDOW:
            return None
        stamps, poses, raw, points = (np.stack(part) for part in zip(*self._window, strict=True))
        size = float(np.sqrt(np.prod(np.ptp(points[WINDOW // 2], axis=0))))
        inner = points[:, _INNER]
        return Jitter(
            rotation_deg=_turning(poses, stamps),
            position_mm=1e3 * _departure(poses[:, :3, 3], stamps),
            rotation_raw_deg=_turning(raw, stamps),
            position_raw_mm=1e3 * _departure(raw[:, :3, 3], stamps),
            landmarks_percent=100.0 * _departure(inner.reshape(WINDOW, -1), stamps) / size / np.sqrt(inner.shape[1]),
        )


def _turning(poses: Array, stamps: Array) -> float:
    middle = poses[WINDOW // 2, :3, :3]
    turns = np.stack([vector_from_rotation(p[:3, :3] @ middle.T) for p in poses])
    return float(np.degrees(_departure(turns, stamps)))


def _departure(values: Array, stamps: Array) -> float:
    """Rms over frames of the distance of rows (frames, dimensions) from their least-squares straight line in time."""
    time_axis = stamps - stamps.mean()
    centred = values - values.mean(axis=0)
    residual = centred - np.outer(time_axis, time_axis @ centred) / (time_axis @ time_axis)
    return float(np.sqrt((residual**2).sum() / (len(values) - 2)))
