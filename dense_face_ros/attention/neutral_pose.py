"""How a driver holds the head while looking at the road, learned from natural driving: it stands for the mounting of
the camera where nobody measured it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from dense_face_ros.geometry import FACING_CAMERA, Array, rotation_from_yaw_pitch_roll, yaw_pitch_roll_from_rotation

_BIN = 2.0  # degrees
_PEAK = 2  # bins to either side of the fullest that belong to its peak
_REVIEW = 1.0  # seconds of evidence between estimates


class NeutralPose:
    """The most frequent direction of the head, as a rotation away from the assumed one.

    Most of the time a driver looks at the road. So the place to look for is the fullest spot of the histogram of head
    directions, not their mean: glances of any number to all sides do not move it. Evidence fades with the time constant
    ``memory`` so that a new way of sitting is followed.

    Args:
        bounds: how far (yaw, pitch) may lie from the assumed direction, degrees. What lies beyond is counted as seen
            but cannot become neutral.
        needed: seconds of evidence before there is an estimate.
        share: part of the evidence that must lie in the peak.
        memory: seconds.

    Attributes:
        lasting_error: (3,) rad, that of the evidence which the present estimate comes from.
    """

    def __init__(
        self,
        bounds: tuple[float, float] = (40.0, 25.0),
        needed: float = 30.0,
        share: float = 0.4,
        memory: float = 360.0,
    ) -> None:
        self._bounds, self.needed, self._share, self._memory = bounds, needed, share, memory
        self._shape = tuple(int(2 * bound / _BIN) for bound in bounds)
        self.reset()

    def reset(self) -> None:
        """Forget everything: another driver, or a camera that was moved."""
        # Seconds, and seconds times yaw, pitch, cosine and sine of the roll, and times the lasting error: a camera that
        # hangs upside down sees rolls of both 180 and -180 degrees.
        self._sums = np.zeros((8, *self._shape))
        self._rotation: Array | None = None
        self.lasting_error = np.zeros(3)
        self._since_review = 0.0
        self.seconds = 0.0

    @property
    def rotation(self) -> Array | None:
        """(3, 3) assumed car <- car: the neutral head in the assumed frame. None before it is known."""
        return self._rotation

    @property
    def within(self) -> str:
        """Where the neutral direction may lie, in words."""
        return f"within {self._bounds[0]:g} degrees to the sides and {self._bounds[1]:g} up and down of the assumed one"

    def learn(self, rotation: Array, seconds: float, lasting_error: Array | None = None) -> None:
        """Take a head's rotation (3, 3) assumed car <- head that held for a time.

        ``lasting_error`` (3,) rad about the axes of the assumed car: what the neutral pose gets wrong with it.
        """
        angles = np.degrees(yaw_pitch_roll_from_rotation(FACING_CAMERA @ rotation))
        fading = math.exp(-seconds / self._memory)
        self._sums *= fading
        self.seconds = self.seconds * fading + seconds
        i, j = (math.floor((angle + bound) / _BIN) for angle, bound in zip(angles, self._bounds, strict=False))
        if 0 <= i < self._shape[0] and 0 <= j < self._shape[1]:
            error, roll = np.zeros(3) if lasting_error is None else lasting_error, np.radians(angles[2])
            self._sums[:, i, j] += seconds * np.array([1.0, *angles[:2], np.cos(roll), np.sin(roll), *error])
        self._since_review += seconds
        if self._since_review >= _REVIEW and self.seconds >= self.needed:
            self._since_review = 0.0
            self._estimate()

    def _estimate(self) -> None:
        smooth = cv2.blur(self._sums[0], (2 * _PEAK + 1,) * 2, borderType=cv2.BORDER_CONSTANT)
        i, j = np.unravel_index(int(np.argmax(smooth)), smooth.shape)
        rows, columns = (slice(max(k - _PEAK, 0), k + _PEAK + 1) for k in (int(i), int(j)))
        total, *sums = self._sums[:, rows, columns].sum(axis=(1, 2))
        if total >= self._share * self.seconds:
            yaw, pitch, cosine, sine, *error = np.array(sums) / total
            turn = [*np.radians([yaw, pitch]), np.arctan2(sine, cosine)]
            self._rotation = np.asarray(FACING_CAMERA.T @ rotation_from_yaw_pitch_roll(turn))
            self.lasting_error = np.array(error)
