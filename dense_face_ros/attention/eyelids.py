"""Closed eyes: how long at once, and PERCLOS."""

from __future__ import annotations

import math
from enum import Enum

from dense_face_ros.attention.evidence import EvidenceTimeline, Interval, SlidingTotal
from dense_face_ros.attention.settings import TOLERANCE, AttentionSettings

#: Percentile of the openness of awake eyes that stands for "open", and its lowest value.
_OPEN_PERCENTILE, _OPEN_LOWEST = 0.75, 0.5
#: Rate of learning it (1/s) in the first seconds of evidence, and later: what sinks then is not how the eyes are made.
_OPEN_RATES, _OPEN_FIRST = (0.04, 0.0002), 60.0


class Lids(Enum):
    """State of the eyelids: closed when those of the eyes that are seen are, in the mean."""

    OPEN = "open"
    CLOSED = "closed"


class EyelidTracker:
    """Follows the openness of the eyes. Unknown time counts neither as closed nor as open."""

    def __init__(self, settings: AttentionSettings) -> None:
        self._settings = settings
        self._timeline: EvidenceTimeline[Lids] = EvidenceTimeline(settings.evidence_hold, settings.readaptation)
        self.forget_driver()
        self._last_stamp: float | None = None
        self.closure = self.open_for = self.unseen_for = 0.0

    @property
    def lids(self) -> Lids | None:
        """What the lids do; None when the eyes are not seen."""
        return self._timeline.kind

    def observe(self, stamp: float, openness: tuple[float, float], awake: bool) -> None:
        """Take the openness (left, right) of a frame, NaN where unknown.

        ``awake``: the head points at the road, of a driver who is not drowsy. Only then is it learned how open this
        driver's eyes are, as lids sink with a look down.
        """
        known = [value for value in openness if math.isfinite(value)]
        seen = None
        if known:
            # Lids move together, so both eyes are one quantity measured twice; a wink leaves the mean half open.
            openness_now = sum(known) / len(known)
            closed_before = self._timeline.holding(stamp) is Lids.CLOSED
            bound = self._settings.reopened if closed_before else self._settings.closed
            seen = Lids.CLOSED if openness_now <= bound * self._open_level else Lids.OPEN
            if awake and seen is Lids.OPEN and self._last_stamp is not None:
                self._learn(openness_now, min(stamp - self._last_stamp, self._settings.evidence_hold))
        self._last_stamp = stamp
        for interval in self._timeline.observe(stamp, seen):
            self._take(interval)

    def forget_driver(self) -> None:
        """Somebody else's eyes may come: neither their PERCLOS nor how open they are is known."""
        self._closed = SlidingTotal(self._settings.perclos_window)
        self._seen = SlidingTotal(self._settings.perclos_window)
        self._open_level, self._learned_for = 1.0, 0.0

    def perclos(self, stamp: float) -> float:
        """Share of the seen part of the window with closed eyes; NaN when too little of the window was seen."""
        seen = self._seen.at(stamp)
        if seen < self._settings.perclos_known * self._settings.perclos_window - TOLERANCE:
            return math.nan
        return self._closed.at(stamp) / seen

    def _take(self, interval: Interval[Lids]) -> None:
        if interval.kind is None:
            self.open_for = 0.0
            self.unseen_for += interval.seconds
            if self.unseen_for >= self._settings.gap - TOLERANCE:
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
        """Follow the percentile of awake openness, after the first minute much slower than drowsiness comes."""
        step = _OPEN_PERCENTILE if openness > self._open_level else _OPEN_PERCENTILE - 1.0
        rate = _OPEN_RATES[0] if self._learned_for < _OPEN_FIRST else _OPEN_RATES[1]
        self._learned_for += seconds
        level = self._open_level + rate * seconds * step
        self._open_level = min(max(level, _OPEN_LOWEST), 1.0)
