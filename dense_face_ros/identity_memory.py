"""What is known of the person in front of the camera: a Gaussian over the identity, carried from frame to frame."""

from __future__ import annotations

import numpy as np

from dense_face_ros.energy import IdentityPrior
from dense_face_ros.gauss_newton import solve


class IdentityMemory:
    """The next frame's identity prior: this frame's posterior, forgotten with a time constant.

    A posterior with mean m and information P is N(0, I) and what the frames said, P - I. What they said fades by
    ``exp(-dt / time_constant)``; N(0, I) stays. Frames repeat each other's errors, so the time constant also bounds
    how sure the memory can become.
    """

    def __init__(self, time_constant: float = 2.0) -> None:
        if not time_constant > 0:
            raise ValueError(f"identity time_constant is {time_constant}; it must be a positive number of seconds")
        self._time_constant = time_constant
        self.prior: IdentityPrior | None = None

    def learn(self, posterior: IdentityPrior, elapsed: float) -> None:
        """Take the posterior of a frame; ``elapsed`` seconds will have passed by the next one."""
        keep = float(np.exp(-elapsed / self._time_constant))
        base = np.eye(len(posterior.mean))
        information = base + keep * (posterior.information - base)
        mean = solve(information, keep * (posterior.information @ posterior.mean))
        self.prior = IdentityPrior(mean, information)

    def forget(self) -> None:
        """Another person may come."""
        self.prior = None
