"""Where a head points in the car, of poses relative to the camera: through a mounting that is known, or learned."""

from __future__ import annotations

import numpy as np

from dense_face_ros.attention.directions import HeadDirection, lasting_error
from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.geometry import Array


class CarHeading:
    """Turns head samples into directions, and learns the neutral pose from them.

    Args:
        mounting: (3, 3) car <- camera; None while it is not known. May be set later.
        neutral: learns how the head is held towards the road, and corrects the mounting by it; None: trust it.
        max_sigma: degrees; nothing is learned from a direction that is less certain.
    """

    def __init__(self, mounting: Array | None, neutral: NeutralPose | None, max_sigma: float) -> None:
        self.mounting, self.neutral, self._max_sigma = mounting, neutral, max_sigma

    @property
    def car_from_camera(self) -> Array | None:
        """Rotation (3, 3) as corrected by the neutral pose; None while it is not known."""
        mounting = self._known_mounting
        if mounting is None or self.neutral is None:
            return mounting
        return None if self.neutral.rotation is None else np.asarray(self.neutral.rotation.T @ mounting)

    @property
    def doubt(self) -> str:
        """Why nothing is known of any head's direction, in words; empty where it is."""
        if self._known_mounting is None:
            return "the camera's mounting is not known"
        if self.neutral is None or self.neutral.rotation is not None:
            return ""
        if self.neutral.seconds >= self.neutral.needed:
            return f"no direction {self.neutral.within} prevails: set camera_yaw and camera_pitch, if it goes on"
        return f"learning the neutral pose: {self.neutral.seconds:.0f} of {self.neutral.needed:.0f} s"

    def direction(self, sample: HeadSample, learned_for: float) -> HeadDirection | None:
        """Direction of a sample's head; None without one, and while the mounting is not known.

        ``learned_for``: seconds that the sample stands for in the neutral pose; 0 where it may not be learned from.
        """
        mounting = self._known_mounting
        if mounting is None or sample.rotation is None or sample.covariance is None:
            return None
        rotation = mounting @ sample.rotation
        covariance = mounting @ sample.covariance[3:, 3:] @ mounting.T
        if self.neutral is None:
            return HeadDirection.of(rotation, covariance)
        # An error that lasts turns the neutral pose as it turns the head: between them only its change is left.
        lasting = mounting @ lasting_error(sample.covariance)
        noise = covariance - np.outer(lasting, lasting)
        if learned_for > 0.0 and HeadDirection.of(rotation, noise).sigma <= self._max_sigma:
            self.neutral.learn(rotation, learned_for, lasting)
        if self.neutral.rotation is None:
            return None
        change = lasting - self.neutral.lasting_error
        sigma = HeadDirection.of(rotation, noise + np.outer(change, change)).sigma
        turned = HeadDirection.of(self.neutral.rotation.T @ rotation, covariance)
        return HeadDirection(turned.yaw, turned.pitch, sigma)

    @property
    def _known_mounting(self) -> Array | None:
        """The mounting; None where it is no rotation, as of a transform that is none."""
        return None if self.mounting is None or not np.isfinite(self.mounting).all() else self.mounting
