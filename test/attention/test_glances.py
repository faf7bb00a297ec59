"""Glances and their sum, from intervals that are known."""

from __future__ import annotations

import pytest

from dense_face_ros.attention.evidence import Interval
from dense_face_ros.attention.gaze import Gaze
from dense_face_ros.attention.glances import GlanceTimer
from dense_face_ros.attention.settings import PRESETS


def after(*taken: tuple[Gaze | None, float], grace: float = 0.0) -> tuple[GlanceTimer, float]:
    """A timer after intervals of so many seconds, one after the other, and when they end."""
    timer, at = GlanceTimer(PRESETS["euro_ncap"]), 0.0
    for kind, seconds in taken:
        timer.take(Interval(kind, at, at + seconds), grace)
        at += seconds
    return timer, at


def test_grace_is_given_once_a_glance() -> None:
    timer, end = after((Gaze.AWAY, 0.3), (Gaze.AWAY, 0.4), (Gaze.AWAY, 1.0), grace=0.5)
    assert timer.used(end) == pytest.approx(1.2)
    timer, end = after((Gaze.AWAY, 0.7), (Gaze.ROAD, 0.5), (Gaze.AWAY, 0.7), grace=0.5)
    assert timer.used(end) == pytest.approx(0.4)


def test_a_look_that_is_not_judged_breaks_what_is() -> None:
    timer, _ = after((Gaze.AWAY, 2.0), (Gaze.ASIDE, 0.5), (Gaze.AWAY, 1.0))
    assert (timer.glance, timer.judged) == pytest.approx((3.5, 1.0))


def test_only_a_gap_of_two_seconds_at_once_ends_a_glance() -> None:
    gap = (None, 1.5)
    assert after((Gaze.AWAY, 1.0), gap, (Gaze.AWAY, 0.5), gap)[0].glance == pytest.approx(1.5)
    assert after((Gaze.AWAY, 1.0), gap, (None, 0.5))[0].glance == 0.0


def test_only_after_a_warning_is_it_counted_how_long_nobody_responds() -> None:
    """Also of a driver who looked away from the first frame on."""
    timer, end = after((Gaze.AWAY, 4.0))
    assert timer.since_warning == 0.0
    timer.warn()
    timer.take(Interval(Gaze.AWAY, end, end + 0.5), 0.0)
    assert timer.since_warning == pytest.approx(0.5)
    timer.take(Interval(Gaze.ROAD, end + 0.5, end + 1.0), 0.0)
    timer.take(Interval(Gaze.AWAY, end + 1.0, end + 2.0), 0.0)
    assert timer.since_warning == 0.0


@pytest.mark.parametrize("between", [None, Gaze.AWAY, Gaze.ASIDE])
def test_two_seconds_on_the_road_are_two_at_once(between: Gaze | None) -> None:
    timer, end = after((Gaze.AWAY, 1.0), (Gaze.ROAD, 1.5), (between, 0.2), (Gaze.ROAD, 1.5))
    assert timer.used(end) == pytest.approx(1.2 if between is Gaze.AWAY else 1.0)
    assert timer.on_road == pytest.approx(1.5)


@pytest.mark.parametrize("rate", [15, 30, 60])
def test_two_seconds_on_the_road_give_the_budget_back_in_the_frame_that_ends_them(rate: int) -> None:
    frame = 1e-9 * (10**9 // rate)  # of a camera that counts whole nanoseconds
    timer, end = after((Gaze.AWAY, 1.0), *[(Gaze.ROAD, frame)] * (2 * rate - 1))
    assert timer.used(end) == pytest.approx(1.0)
    timer.take(Interval(Gaze.ROAD, end, end + frame), 0.0)
    assert timer.used(end + frame) == 0.0
