"""Closed eyes: how long at once, and PERCLOS."""

from __future__ import annotations

import math
from enum import Enum

from dense_face_ros.attention.evidence import EvidenceTimeline, Interval, SlidingTotal
from dense_face_ros.attention.settings import AttentionSettings

#: Percentile of the openness of awake eyes that stands for "open", its rate of learning (1/s) and its lowest value.
_OPEN_PERCENTILE, _OPEN_RATE, _OPEN_LOWEST = 0.75, 0.004, 0.5


class Lids(Enum):
    """State of the eyelids: closed when every eye that is seen is closed."""

    OPEN = "open"
    CLOSED = "closed"


class EyelidTracker:
    """Follows the openness of the eyes. Unknown time counts neither as closed nor as open."""

    def __init__(self, settings: AttentionSettings) -> None:
        self._settings = settings
        self._timeline: EvidenceTimeline[Lids] = EvidenceTimeline(settings.evidence_hold, settings.readaptation)
        self._closed = SlidingTotal(settings.perclos_window)
        self._seen = SlidingTotal(settings.perclos_window)
        self._open_level = 1.0
        self._last_stamp: float | None = None
        self.closure = self.open_for = self.unseen_for = 0.0

    @property
    def lids(self) -> Lids | None:
        """What the lids do; None when the eyes are not seen."""
        return self._timeline.kind

    def observe(self, stamp: float, openness: tuple[float, float], on_road: bool) -> None:
        """Take the openness (left, right) of a frame, NaN where unknown.

        ``on_road``: the head points at the road. Only then is it learned how open this driver's eyes are, as lids
        sink with a look down.
        """
        known = [value for value in openness if math.isfinite(value)]
        seen = None
        if known:
            # Lids move together, so both eyes are one quantity measured twice; a wink leaves the mean half open.
            openness_now = sum(known) / len(known)
            bound = self._settings.reopened if self.lids is Lids.CLOSED else self._settings.closed
            seen = Lids.CLOSED if openness_now <= bound * self._open_level else Lids.OPEN
            if on_road and seen is Lids.OPEN and self._last_stamp is not None:
                self._learn(openness_now, min(stamp - self._last_stamp, self._settings.evidence_hold))
        self._last_stamp = stamp
        for interval in self._timeline.observe(stamp, seen):
            self._take(interval)

    def lapse(self) -> None:
        """Forget the present evidence."""
        self._timeline.lapse()

    def perclos(self, stamp: float) -> float:
        """Share of the seen part of the window with closed eyes; NaN when too little of the window was seen."""
        seen = self._seen.at(stamp)
        if seen < self._settings.perclos_known * self._settings.perclos_window:
            return math.nan
        return self._closed.at(stamp) / seen

    def _take(self, interval: Interval[Lids]) -> None:
        if interval.kind is None:
            self.open_for = 0.0
            self.unseen_for += interval.seconds
            if self.unseen_for >= self._settings.budget_reset:
                self.closure = 0.0  # as for glances: they may have been open meanwhile
            return
        self.unseen_for = 0.0
        self._seen.add(interval.begin, interval.end)
        if interval.kind is Lids.CLOSED:
            self._closed.add(interval.begin, interval.end)
            self.open_for = 0.0
            self.closure += interval.seconds
        else:
            self.closure = 0.0
            self.open_for += interval.seconds

    def _learn(self, openness: float, seconds: float) -> None:
        """Follow the percentile of awake openness, slower than drowsiness comes."""
        step = _OPEN_PERCENTILE if openness > self._open_level else _OPEN_PERCENTILE - 1.0
        level = self._open_level + _OPEN_RATE * seconds * step
        self._open_level = min(max(level, _OPEN_LOWEST), 1.0)
