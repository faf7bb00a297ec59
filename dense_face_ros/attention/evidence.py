"""What has been the case over time, told from single observations that may be wrong, late or missing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Kind = TypeVar("Kind")

_SAME = 1e-6  # seconds that are no difference between stamps


@dataclass(frozen=True)
class Interval(Generic[Kind]):
    """``kind`` was the case from ``begin`` to ``end`` (stamps); None: nobody knows."""

    kind: Kind | None
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.begin


class EvidenceTimeline(Generic[Kind]):
    """Turns observations into intervals that follow one another.

    What was observed holds until the next evidence, for at most ``hold`` seconds. A change is taken to have happened
    midway between two frames. It is believed when observations have agreed on it for ``confirm`` seconds: one wrong
    frame changes nothing, and believing late moves no boundary. Until then its time is not told.

    Observations may contradict what was the case without agreeing with each other. Nobody knows what was the case then,
    and after twice that time, what is.
    """

    def __init__(self, hold: float, confirm: float) -> None:
        self._hold, self._confirm = hold, confirm
        self._kind: Kind | None = None
        self._candidate: Kind | None = None
        self._candidate_seen = self._candidate_begin = self._contradicted = 0.0
        self._settled: float | None = None
        self._last_evidence = float("-inf")

    @property
    def kind(self) -> Kind | None:
        """What is the case now."""
        return self._kind

    def holding(self, stamp: float) -> Kind | None:
        """What still holds when the next observation comes at ``stamp``."""
        return None if self._expired(stamp) else self._kind

    def observe(
        self, stamp: float, seen: Kind | None, began: Callable[[], float] | None = None
    ) -> list[Interval[Kind]]:
        """Take one observation, None for a frame without evidence; what became certain by it.

        ``began`` says when a change to ``seen`` began, for changes that are seen only when they are far along. The
        interval that follows then overlaps the one before it.
        """
        if self._settled is None:
            self._settled = stamp
        out = []
        if self._expired(stamp):
            if self._candidate is None:
                out += self._settle(self._kind, self._last_evidence + self._hold)
            out += self._settle(None, stamp)
            self._kind = self._candidate = None
        if seen is not None:
            out += self._see(stamp, seen, began)
            self._last_evidence = stamp
        return out

    def _expired(self, stamp: float) -> bool:
        # Stamps of a steady camera may fall on the limit, and must not fall on both sides of it.
        return stamp > self._last_evidence + self._hold + _SAME

    def _see(self, stamp: float, seen: Kind, began: Callable[[], float] | None) -> list[Interval[Kind]]:
        if seen == self._kind:
            self._candidate = None
            return self._settle(seen, stamp)
        out = []
        if self._candidate is None:
            self._contradicted = stamp
        if seen != self._candidate:
            change = stamp if self._kind is None else 0.5 * (self._last_evidence + stamp)
            out += self._settle(self._kind if self._candidate is None else None, change)
            self._candidate, self._candidate_seen = seen, stamp
            self._candidate_begin = change if began is None else began()
        if stamp - self._candidate_seen >= self._confirm - _SAME:
            self._kind, self._candidate = seen, None
            out.append(Interval(seen, self._candidate_begin, stamp))
            self._settled = stamp
        elif stamp - self._contradicted >= 2.0 * self._confirm - _SAME:
            self._kind = None
        return out

    def _settle(self, kind: Kind | None, until: float) -> list[Interval[Kind]]:
        assert self._settled is not None
        if until <= self._settled:
            return []
        interval = Interval(kind, self._settled, until)
        self._settled = until
        return [interval]


class SlidingTotal:
    """How much of the last ``window`` seconds was covered by intervals, added in the order of their ends."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._intervals: deque[tuple[float, float]] = deque()

    def add(self, begin: float, end: float) -> None:
        """Count an interval."""
        if end <= begin:
            return
        # One interval a frame, most follow on the one before: a glance stays one.
        if self._intervals and begin <= self._intervals[-1][1] + _SAME:
            before = self._intervals.pop()
            begin, end = min(begin, before[0]), max(end, before[1])
        self._intervals.append((begin, end))
        while self._intervals[0][1] <= end - self._window:
            self._intervals.popleft()

    def clear(self) -> None:
        """Count nothing."""
        self._intervals.clear()

    def at(self, stamp: float) -> float:
        """Seconds counted within the window that ends at ``stamp``.

        Asking forgets nothing: while nothing arrives it is asked for estimated stamps, later than the next real one.
        """
        start = stamp - self._window
        return sum((end - max(begin, start) for begin, end in self._intervals if end > start), 0.0)
