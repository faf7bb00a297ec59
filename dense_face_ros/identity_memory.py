"""What is known of the person in front of the camera: a Gaussian over the identity, carried from frame to frame."""

from __future__ import annotations

import numpy as np

from dense_face_ros.energy import IdentityPrior
from dense_face_ros.gauss_newton import solve


class IdentityMemory:
    """The next frame's identity prior: what the frames so far said, forgotten with a time constant.

    A posterior with mean m and information P is the person before any frame, what earlier frames said, and what its own
    frame said.
    Frames repeat each other's errors, so a frame counts by the share of a look that has passed since the one before:
    at every frame rate the memory becomes as sure as ``time_constant / look`` frames would make it. What was said
    fades by ``exp(-dt / time_constant)``; the person before any frame stays.

    Args:
        time_constant: seconds.
        look: seconds over which frames err alike: that much video says as much of a person as one frame.
        person: what is known before any frame; None: nothing, which is N(0, I).

    Raises:
        ValueError: one of them is not positive.
    """

    def __init__(self, time_constant: float, look: float, person: IdentityPrior | None = None) -> None:
        for name, value in (("time_constant", time_constant), ("look", look)):
            if not value > 0:
                raise ValueError(f"identity {name} is {value}; it must be a positive number of seconds")
        self._time_constant, self._look = time_constant, look
        self._person = person
        self.prior = person

    def learn(self, posterior: IdentityPrior, elapsed: float) -> None:
        """Take the posterior of a frame, fitted with ``prior``, ``elapsed`` seconds after the frame before."""
        if not len(posterior.mean):  # a face model of one person
            return
        keep = float(np.exp(-elapsed / self._time_constant))
        weight = min(elapsed / self._look, 1.0)
        size = len(posterior.mean)
        person = self._person or IdentityPrior(np.zeros(size), np.eye(size))
        before, lasting = self.prior or person, person.information @ person.mean
        # Information and information times mean are what adds up.
        told = (1.0 - weight) * before.information + weight * posterior.information - person.information
        moment = (1.0 - weight) * before.information @ before.mean + weight * posterior.information @ posterior.mean
        information = person.information + keep * told
        self.prior = IdentityPrior(solve(information, lasting + keep * (moment - lasting)), information)

    def forget(self) -> None:
        """Another person may come."""
        self.prior = self._person
