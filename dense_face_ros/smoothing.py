"""The pose filter: a constant-velocity error-state Kalman filter on position and rotation, timed by image stamps.

State: position, velocity, rotation matrix, angular velocity; their errors are small vectors in the camera frame, the
rotation's applied from the left, as in ``HeadState.covariance``. Nothing is an Euler angle. Process noise is white
acceleration of a density in time, so that the frame rate does not change how much is smoothed, and it grows with the
head's speed: a head at rest is smoothed most. When a pose departs further from the prediction than noise explains, the
predicted uncertainty is widened until it fits (a strong tracking filter): a quick turn is followed within the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dense_face_ros.calibration import Calibration
from dense_face_ros.gauss_newton import solve
from dense_face_ros.geometry import Array, lengths, rotation_from_vector, vector_from_rotation

_STAYS, _RATES = np.eye(12), np.eye(12, k=6)  # errors after dt are _STAYS + dt * _RATES times those before


@dataclass(frozen=True)
class PoseFilterSettings:
    """What the filter may assume. Angles in degrees, lengths in metres, times in seconds.

    Attributes:
        enabled: False returns every pose as it comes.
        position_agility: spectral density of the head's acceleration while it rests, m/s^2 per sqrt(Hz).
        rotation_agility: the same of its angular acceleration, degrees/s^2 per sqrt(Hz).
        position_pace: speed, m/s, at which the position's agility has doubled; it grows in proportion.
        rotation_pace: the same of the rotation, degrees/s.
        position_noise: (least, most) frame-to-frame standard deviation of a measured position.
        rotation_noise: (least, most) the same of a rotation. What the covariance holds beyond the most, such as the
            unknown size of the head, is the same error in every frame: it is passed on and not smoothed away.
        gate: how many times its expected square a departure may reach before it counts as movement.
        longest_gap: a longer time without a pose starts the filter anew.
    """

    enabled: bool = True
    position_agility: float = 0.008
    rotation_agility: float = 4.0
    position_pace: float = 0.02
    rotation_pace: float = 5.0
    position_noise: tuple[float, float] = (0.0005, 0.004)
    rotation_noise: tuple[float, float] = (0.2, 1.0)
    gate: float = 4.0
    longest_gap: float = 0.5

    def __post_init__(self) -> None:
        for name in ("position_agility", "rotation_agility", "position_pace", "rotation_pace", "gate", "longest_gap"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"filter {name} is {value}; it must be a positive number")
        for name in ("position_noise", "rotation_noise"):
            least, most = getattr(self, name)
            if not 0 < least <= most < np.inf:
                raise ValueError(f"filter {name} is ({least}, {most}); it must be 0 < least <= most")


class PoseFilter:
    """Smooths poses of one head, in the order of their stamps.

    ``lasting_share``, at least 0 and less than 1, is as in :class:`dense_face_ros.calibration.Calibration`.
    """

    def __init__(
        self, settings: PoseFilterSettings | None = None, lasting_share: float = Calibration.lasting_share
    ) -> None:
        self.settings = settings or PoseFilterSettings()
        self._passing_share = 1.0 - lasting_share  # of the variance
        s = self.settings
        self._least = np.repeat([s.position_noise[0], np.radians(s.rotation_noise[0])], 3)
        self._most = np.repeat([s.position_noise[1], np.radians(s.rotation_noise[1])], 3)
        self._density = np.repeat([s.position_agility**2, np.radians(s.rotation_agility) ** 2], 3)
        self._pace = np.array([s.position_pace, np.radians(s.rotation_pace)])
        self.reset()

    def reset(self) -> None:
        """Forget the past: the next pose is returned as it comes."""
        self._stamp: float | None = None
        self._rate = np.zeros(6)  # velocity (m/s), angular velocity (rad/s), camera frame
        self._spread = np.zeros((12, 12))  # covariance of (position, rotation, velocity, angular velocity) errors
        self._pose = np.eye(4)
        self._output: tuple[Array, Array] = (np.eye(4), np.zeros((6, 6)))

    def update(self, stamp: float, pose: Array, covariance: Array) -> tuple[Array, Array]:
        """Take the pose measured in the image of ``stamp`` and return the filtered one.

        A stamp equal to the last returns the last result again; an earlier one, or one more than ``longest_gap``
        later, starts the filter anew.

        Args:
            stamp: seconds.
            pose: (4, 4) camera <- head, metres.
            covariance: (6, 6) as ``HeadState.covariance_raw``.

        Returns:
            pose (4, 4) and covariance (6, 6), filtered.

        Raises:
            ValueError: stamp, pose or covariance is not finite.
        """
        for name, value in (("stamp", stamp), ("pose", pose), ("covariance", covariance)):
            if not np.isfinite(value).all():
                raise ValueError(f"filter got a {name} that is not finite; give it tracked frames only")
        if not self.settings.enabled:
            return pose, covariance
        elapsed = np.inf if self._stamp is None else stamp - self._stamp
        if elapsed == 0.0:
            return self._output
        noise, common = self._split(0.5 * (covariance + covariance.T))
        if not 0.0 < elapsed <= self.settings.longest_gap:
            self._start(pose, noise)
        else:
            self._predict(float(elapsed))
            self._correct(pose, noise)
        self._stamp = stamp
        self._output = (self._pose.copy(), self._spread[:6, :6] + common)
        return self._output

    def _split(self, covariance: Array) -> tuple[Array, Array]:
        """The covariance as frame-to-frame noise, and the rest, which frames share."""
        sigma = np.sqrt(np.maximum(covariance.diagonal(), 1e-24))
        share = np.minimum(np.sqrt(self._passing_share), self._most / sigma)
        rest = np.sqrt(1.0 - share * share)
        noise = covariance * share * share[:, None]
        variances = np.einsum("ii->i", noise)  # a view
        np.maximum(variances, self._least * self._least, out=variances)
        return noise, covariance * rest * rest[:, None]

    def _start(self, pose: Array, noise: Array) -> None:
        self._pose, self._rate = np.array(pose, dtype=np.float64), np.zeros(6)
        self._spread = np.zeros((12, 12))
        self._spread[:6, :6] = noise
        # The first rate is unknown: as of a head that moves at a few times its pace.
        self._spread[6:, 6:] = np.diag(np.repeat((5 * self._pace) ** 2, 3))

    def _predict(self, dt: float) -> None:
        self._pose[:3, 3] += dt * self._rate[:3]
        self._pose[:3, :3] = rotation_from_vector(dt * self._rate[3:]) @ self._pose[:3, :3]
        # Covariance of the errors after dt under white acceleration (Bar-Shalom, continuous white noise model).
        motion, density = _STAYS + dt * _RATES, self._density * self._hurry() ** 2
        self._spread = motion @ self._spread @ motion.T
        diagonals = np.einsum("aibi->abi", self._spread.reshape(2, 6, 2, 6))  # of its four blocks, a view
        diagonals += np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])[:, :, None] * density

    def _hurry(self) -> Array:
        """By how much the present speed multiplies the agility, (6,)."""
        return np.repeat(1.0 + lengths(self._rate.reshape(2, 3)) / self._pace, 3)

    def _correct(self, pose: Array, noise: Array) -> None:
        step = np.empty(6)
        step[:3] = pose[:3, 3] - self._pose[:3, 3]
        step[3:] = vector_from_rotation(pose[:3, :3] @ self._pose[:3, :3].T)
        for part in (slice(0, 3), slice(3, 6)):
            self._widen(part, step[part], noise[part, part])
        p = self._spread
        gain = solve(p[:6, :6] + noise, p[:6]).T
        change = gain @ step
        keep = _STAYS.copy()
        keep[:, :6] -= gain
        spread = keep @ p @ keep.T + gain @ noise @ gain.T
        self._spread = 0.5 * (spread + spread.T)  # rounding must not build up an antisymmetric part: it would explode
        self._pose[:3, 3] += change[:3]
        self._pose[:3, :3] = _orthonormal(rotation_from_vector(change[3:6]) @ self._pose[:3, :3])
        self._rate = self._rate + change[6:]

    def _widen(self, part: slice, step: Array, noise: Array) -> None:
        """Scale the errors of one part, value and rate, until its departure is no more than the gate expects."""
        predicted = float(self._spread[part, part].trace())
        factor = (float(step @ step) / self.settings.gate - float(noise.trace())) / predicted
        if factor > 1.0:
            scale = np.ones(12)
            scale[part] = scale[part.start + 6 : part.stop + 6] = np.sqrt(factor)
            self._spread = self._spread * np.outer(scale, scale)


def _orthonormal(rotation: Array) -> Array:
    """The rotation nearest to an almost-rotation: one Newton step of the polar decomposition undoes rounding."""
    return np.asarray(1.5 * rotation - 0.5 * rotation @ rotation.T @ rotation)
