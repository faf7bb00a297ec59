"""Which frames are answered, by the order of their stamps: one rule for the tracker node and for recordings."""

from __future__ import annotations

import math
from enum import Enum

#: Seconds by which a stamp must go back to mean that the source began anew; less is a frame out of order.
RESTART = 1.0
#: Frames in a row after which stamps that do not fit those before are believed: a clock was set.
AGREEING = 5


class Turn(Enum):
    """What a stamp makes of its frame: the next one, the first of a source that began anew, or one to drop."""

    NEXT = "next"
    ANEW = "anew"
    OUT_OF_ORDER = "out_of_order"


class StampOrder:
    """Takes the stamps of a source, in seconds, as its frames come.

    ``last`` is the newest that was answered; None before the first. A stamp that is not after it is out of order, or
    was seen already; the source began anew where it goes back far, or where several in a row rise from there.
    """

    def __init__(self) -> None:
        self.last: float | None = None
        self._late, self._rising = -math.inf, 0  # the last stamp out of order, and how many in a row rose up to it

    def take(self, stamp: float) -> Turn:
        """What becomes of the frame."""
        turn = Turn.NEXT
        if self.last is not None and stamp <= self.last:
            if stamp != self._late:
                self._rising = self._rising + 1 if stamp > self._late else 1
                self._late = stamp
            if stamp > self.last - RESTART and self._rising < AGREEING:
                return Turn.OUT_OF_ORDER
            turn = Turn.ANEW
        self._late, self._rising = -math.inf, 0
        self.last = stamp
        return turn
