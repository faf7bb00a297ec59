"""Which frames are answered, by the order of their stamps: one rule for the tracker node and for recordings."""

from __future__ import annotations

import math
from enum import Enum

#: Seconds by which a stamp must go back to mean that the source began anew; less is a frame out of order.
RESTART = 1.0
#: Frames in a row after which stamps that do not fit those before are believed: a clock was set.
AGREEING = 5
_AGREEING_FAR = 2  # so many of stamps that went back far: one alone was held up on its way
_OTHER_CLOCK = 60.0  # seconds of age from which on stamps are taken to be of another clock
_AHEAD = 0.1  # seconds; so are stamps further ahead of the clock. Steps of simulated time are shorter


def age_of(elapsed: float) -> float | None:
    """Seconds since a stamp, ``elapsed`` by this clock; None where the stamp is of another one (a bag played without
    /clock, a camera's own)."""
    return elapsed if -_AHEAD < elapsed < _OTHER_CLOCK else None


class Turn(Enum):
    """What a stamp makes of its frame: the next one, the first of a source that began anew, or one to drop, as it is
    not after those before, or of another clock than they."""

    NEXT = "next"
    ANEW = "anew"
    OUT_OF_ORDER = "out_of_order"
    ASTRAY = "astray"


class StampOrder:
    """Takes the stamps of a source, in seconds, as its frames come.

    ``last`` is the newest that was answered; None before the first. A stamp that is not after it is out of order, or
    was seen already; the source began anew where several in a row rise from there, two where it goes back far. One of
    another clock after one of this clock is a glitch, which unless it lasts must not make the source begin anew, with
    the driver and an alarm forgotten.
    """

    def __init__(self) -> None:
        self.last: float | None = None
        self._late, self._rising = -math.inf, 0  # the last stamp out of order, and how many in a row rose up to it
        self._age: float | None = None  # of the frame before, by this clock
        self._astray = 0  # frames in a row that were stamped by another clock than those before

    def take(self, stamp: float, elapsed: float) -> Turn:
        """What becomes of the frame, which came ``elapsed`` seconds after its stamp by this clock."""
        if self._is_astray(elapsed):
            return Turn.ASTRAY
        turn = Turn.NEXT
        if self.last is not None and stamp <= self.last:
            if stamp != self._late:
                self._rising = self._rising + 1 if stamp > self._late else 1
                self._late = stamp
            if self._rising < (AGREEING if stamp > self.last - RESTART else _AGREEING_FAR):
                return Turn.OUT_OF_ORDER
            turn = Turn.ANEW
        self._late, self._rising = -math.inf, 0
        self.last = stamp
        return turn

    def _is_astray(self, elapsed: float) -> bool:
        age = age_of(elapsed)
        leap = self._age is not None and abs(elapsed - self._age) >= RESTART
        if age is None and leap and self._astray < AGREEING - 1:
            self._astray += 1
            return True
        self._age, self._astray = age, 0
        return False
