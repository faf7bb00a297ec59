"""What is known of the person in front of the camera: a Gaussian over the identity, carried from frame to frame."""

from __future__ import annotations

import numpy as np

from dense_face_ros.energy import IdentityPrior
from dense_face_ros.gauss_newton import solve


class IdentityMemory:
    """The next frame's identity prior: what the frames so far said, forgotten with a time constant.

    A posterior with mean m and information P is N(0, I), what earlier frames said, and what its own frame said.
    Frames repeat each other's errors, so a frame counts by the share of a look that has passed since the one before:
    at every frame rate the memory becomes as sure as ``time_constant / look`` frames would make it. What was said
    fades by ``exp(-dt / time_constant)``; N(0, I) stays.

    Args:
        time_constant: seconds.
        look: seconds over which frames err alike: that much video says as much of a person as one frame.

    Raises:
        ValueError: one of them is not positive.
    """

    def __init__(self, time_constant: float, look: float) -> None:
        for name, value in (("time_constant", time_constant), ("look", look)):
            if not value > 0:
                raise ValueError(f"identity {name} is {value}; it must be a positive number of seconds")
        self._time_constant, self._look = time_constant, look
        self.prior: IdentityPrior | None = None

    def learn(self, posterior: IdentityPrior, elapsed: float) -> None:
        """Take the posterior of a frame, fitted with ``prior``, ``elapsed`` seconds after the frame before."""
        keep = float(np.exp(-elapsed / self._time_constant))
        weight = min(elapsed / self._look, 1.0)
        base = np.eye(len(posterior.mean))
        before = self.prior or IdentityPrior(np.zeros(len(base)), base)
        # Information and information times mean are what adds up.
        told = (1.0 - weight) * before.information + weight * posterior.information - base
        moment = (1.0 - weight) * before.information @ before.mean + weight * posterior.information @ posterior.mean
        information = base + keep * told
        self.prior = IdentityPrior(solve(information, keep * moment), information)

    def forget(self) -> None:
        """Another person may come."""
        self.prior = None
