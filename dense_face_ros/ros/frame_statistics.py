"""Counting of frames: how many came, were answered or dropped and why, and how long they took."""

from __future__ import annotations

import bisect
import math
import threading
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

#: Why a frame that existed was not answered.
DROP_REASONS = {
    "superseded": "a newer frame came before its turn",
    "too_old": "older than max_age",
    "out_of_order": "stamped no later than a frame already processed",
    "no_stamp": "stamp 0",
    "bad_image": "cannot be decoded",
    "failed": "the tracker failed on it",
    "lost_before_arrival": "missing in the sequence of stamps (estimated, where they are even)",
}

_WINDOW = 600  # frames that the percentiles speak for
_PAUSE = 2.0  # seconds between stamps from which on the camera is taken to have paused
_ENOUGH = 5  # intervals that tell a period
_LONG = 1.25  # periods from which on an interval is a gap
_EVEN = 0.1  # of a period, by which half of the intervals may miss a whole number of them: more, and gaps tell nothing


@dataclass(frozen=True)
class FrameFigures:
    """Counts since the start; percentiles over the last frames, NaN where nothing was measured."""

    received: int
    processed: int
    with_head: int
    dropped: dict[str, int]
    latency_ms: tuple[float, float]  # p50, p99 of image stamp -> head_pose published
    processing_ms: tuple[float, float]  # p50, p99 of one frame's work, until its head is published
    pictures_ms: tuple[float, float]  # p50, p99 of what then is drawn for those who watch, before the next frame
    source_rate: float  # Hz, from the stamps


class FrameStatistics:
    """Thread-safe: frames arrive in one thread and are processed in another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = self._processed = self._with_head = 0
        self._dropped: Counter[str] = Counter(dict.fromkeys(DROP_REASONS, 0))
        self._latency: deque[float] = deque(maxlen=_WINDOW)
        self._processing: deque[float] = deque(maxlen=_WINDOW)
        self._pictures: deque[float] = deque(maxlen=_WINDOW)
        self._intervals: deque[float] = deque(maxlen=31)
        self._last_stamp: float | None = None
        self._gaps: list[float] = []  # the last intervals, as long as frames may be missing in each of them

    def receive(self, stamp: float) -> None:
        """A frame with this stamp (seconds) came; gaps in the stamps are counted as frames lost on the way."""
        with self._lock:
            self._received += 1
            interval = stamp - self._last_stamp if self._last_stamp is not None else 0.0
            self._last_stamp = stamp
            if not 0.0 < interval < _PAUSE:
                self._gaps.clear()
                return
            period = _period(self._intervals) if len(self._intervals) >= _ENOUGH else math.nan
            if math.isfinite(period):
                self._judge(interval, period)
            else:
                self._gaps.clear()
            self._intervals.append(interval)

    def _judge(self, interval: float, period: float) -> None:
        """Count the frames missing in the gaps that an interval ends, or notice that the camera has another rate."""
        if interval > _LONG * period:
            newest = [*self._gaps[1 - _ENOUGH :], interval]
            # Between lost frames the gaps would differ by whole periods.
            if len(newest) == _ENOUGH and max(newest) - min(newest) < 0.5 * period:
                self._intervals.clear()
                self._intervals.extend(self._gaps[1 - _ENOUGH :])
                self._gaps.clear()
            else:
                self._gaps.append(interval)
        elif self._gaps:
            # A frame stamped late leaves a gap too, but then this interval is short.
            together = [*self._gaps, interval]
            self._dropped["lost_before_arrival"] += max(round(sum(together) / period) - len(together), 0)
            self._gaps.clear()

    def drop(self, reason: str) -> None:
        """A frame was not answered; ``reason`` is a key of :data:`DROP_REASONS`."""
        if reason not in DROP_REASONS:
            raise KeyError(reason)
        with self._lock:
            self._dropped[reason] += 1

    def process(self, seconds: float, latency: float | None, with_head: bool) -> None:
        """A frame was answered after ``seconds`` of work; ``latency`` (seconds) is None where it cannot be known."""
        with self._lock:
            self._processed += 1
            self._with_head += with_head
            self._processing.append(seconds)
            if latency is None:
                self._latency.clear()  # what was measured by another clock says nothing of now
            else:
                self._latency.append(latency)

    def draw(self, seconds: float) -> None:
        """Pictures of an answered frame took ``seconds``."""
        with self._lock:
            self._pictures.append(seconds)

    def figures(self) -> FrameFigures:
        """The figures now."""
        with self._lock:
            interval = _period(self._intervals) if self._intervals else math.nan
            if self._intervals and math.isnan(interval):
                interval = sum(self._intervals) / len(self._intervals)
            return FrameFigures(
                received=self._received,
                processed=self._processed,
                with_head=self._with_head,
                dropped=dict(self._dropped),
                latency_ms=_percentiles_ms(self._latency),
                processing_ms=_percentiles_ms(self._processing),
                pictures_ms=_percentiles_ms(self._pictures),
                source_rate=1.0 / interval,
            )


def _period(intervals: deque[float]) -> float:
    """The camera's period, of which every interval is about a whole number; NaN where the stamps are too uneven to tell
    a lost frame from a late one.

    Most intervals may be long, where most frames are lost: it is about the median of the short ones.
    """
    ordered = sorted(intervals)
    shortest = ordered[len(ordered) // 10]  # a frame stamped late makes one that is shorter still
    about = float(np.median(ordered[: bisect.bisect(ordered, 1.5 * shortest)]))
    values = np.array(ordered)
    period = float(values.sum() / np.maximum(np.rint(values / about), 1.0).sum())
    missed = np.abs(values / period - np.maximum(np.rint(values / period), 1.0))
    return period if np.median(missed) <= _EVEN else math.nan


def _percentiles_ms(values: deque[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    p50, p99 = np.percentile(np.array(values), [50, 99])
    return 1e3 * float(p50), 1e3 * float(p99)
