"""How often something is published, by the stamps of the images it is made from."""

from __future__ import annotations

import math

_TOLERANCE = 0.1  # of a period: 30 Hz images give 10 Hz markers however unsteady their stamps are


class Pace:
    """Lets through what comes no more often than at a rate."""

    def __init__(self) -> None:
        self._last = -math.inf

    def due(self, stamp: float, rate: float) -> bool:
        """Whether it is time at ``stamp`` (seconds) for ``rate`` (Hz); always where stamps went back."""
        elapsed = stamp - self._last
        return elapsed < 0.0 or elapsed * rate >= 1.0 - _TOLERANCE

    def take(self, stamp: float) -> None:
        """Something was published."""
        self._last = stamp
