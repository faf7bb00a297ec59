"""How long nothing has come, told by a clock that may be simulated. Needs no ROS installation."""

from __future__ import annotations


class Silence:
    """Begins when it is made, and anew with all that comes.

    Times are seconds: ``now`` of the node's clock, which with simulated time reads 0 before it begins, may stand still
    and may begin anew; ``steady`` of one that does none of this. The node's clock is seen to move only when it is asked
    for here, so ask often.
    """

    def __init__(self, now: float, steady: float) -> None:
        self._began, self._began_steady = now, steady
        self._now, self._moved = now, steady  # the node's clock, and when it was seen to move

    def end(self, now: float, steady: float) -> None:
        """Something came."""
        self._began, self._began_steady = now, steady
        self._look(now, steady)

    def by_clock(self, now: float, steady: float) -> float:
        """How long it lasts by the node's clock, counted from the beginning of simulated time at the earliest."""
        self._look(now, steady)
        if now < self._began or self._began == 0.0:
            self._began = now
        return now - self._began

    def without_clock(self, now: float, steady: float) -> float:
        """How long it lasts without the node's clock having moved."""
        return min(self.clock_stands(now, steady), steady - self._began_steady)

    def clock_stands(self, now: float, steady: float) -> float:
        """For how long the node's clock has not moved."""
        self._look(now, steady)
        return steady - self._moved

    def _look(self, now: float, steady: float) -> None:
        if now != self._now:
            self._now, self._moved = now, steady
