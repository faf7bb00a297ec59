"""True head poses on a time line of their own, and how far tracked ones are from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation, Slerp

from dense_face_ros.angles import geodesic
from dense_face_ros.geometry import Array

#: Seconds; between true poses further apart the truth is unknown.
_LONGEST_GAP = 0.1


@dataclass(frozen=True)
class TruePoses:
    """Camera <- head poses in order of time.

    Attributes:
        stamps: (N,) nanoseconds.
        positions: (N, 3) metres.
        quaternions: (N, 4) x, y, z, w.
        frame_id: the frame they are in, which must be the images'.

    Raises:
        ValueError: when there is none, or one is no pose.
    """

    stamps: npt.NDArray[np.int64]
    positions: Array
    quaternions: Array
    frame_id: str

    def __post_init__(self) -> None:
        if len(self.stamps) == 0:
            raise ValueError("there is no pose on it")
        if not (np.isfinite(self.positions).all() and np.isfinite(self.quaternions).all()):
            raise ValueError("poses on it are not finite")
        if (np.abs(np.linalg.norm(self.quaternions, axis=1) - 1.0) > 1e-3).any():
            raise ValueError("orientations on it are no unit quaternions")

    def at(self, stamps: npt.NDArray[np.int64]) -> Array:
        """(M, 4, 4) poses at the given nanoseconds (M,), interpolated; NaN where the nearest are too far apart."""
        times, keep = np.unique(self.stamps, return_index=True)
        out = np.full((len(stamps), 4, 4), np.nan)
        after = np.clip(np.searchsorted(times, stamps, side="left"), 0, len(times) - 1)
        before = np.clip(np.searchsorted(times, stamps, side="right") - 1, 0, len(times) - 1)
        inside = (times[before] <= stamps) & (stamps <= times[after])
        known = inside & (times[after] - times[before] <= round(1e9 * _LONGEST_GAP))
        if not known.any():
            return out
        # Nanoseconds since the epoch do not fit a float64: count from the first.
        seconds = 1e-9 * (stamps[known] - times[0]).astype(np.float64)
        knots = 1e-9 * (times - times[0]).astype(np.float64)
        rotations = Rotation.from_quat(self.quaternions[keep])
        if len(knots) == 1:
            turned = np.tile(rotations.as_matrix(), (len(seconds), 1, 1))
        else:
            turned = Slerp(knots, rotations)(np.clip(seconds, 0.0, knots[-1])).as_matrix()
        poses = np.tile(np.eye(4), (len(seconds), 1, 1))
        poses[:, :3, :3] = turned
        for axis in range(3):
            poses[:, axis, 3] = np.interp(seconds, knots, self.positions[keep, axis])
        out[known] = poses
        return out


def pose_errors(found: Array, true: Array) -> tuple[Array, Array]:
    """Angle in degrees (N,) and position difference in metres (N, 3), of poses (N, 4, 4); NaN where either is."""
    return geodesic(found[:, :3, :3], true[:, :3, :3]), found[:, :3, 3] - true[:, :3, 3]
