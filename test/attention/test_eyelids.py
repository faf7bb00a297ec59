"""What is learned of a driver's eyes."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.attention.eyelids import EyelidTracker, Lids
from dense_face_ros.attention.settings import PRESETS

SETTINGS = PRESETS["euro_ncap"]


def after(script: list[tuple[float, float]], awake: bool = True) -> EyelidTracker:
    """A tracker that was shown (seconds, openness at the end) after one another, ten times a second, from 0.95 on."""
    tracker = EyelidTracker(SETTINGS)
    begins = [script[0][1], *(openness for _, openness in script[:-1])]
    parts = [np.linspace(begin, end, int(10 * seconds)) for begin, (seconds, end) in zip(begins, script, strict=True)]
    openness = np.concatenate(parts)
    for i, value in enumerate(openness):
        tracker.observe(0.1 * i, (value, value), awake)
    return tracker


def held(openness: float, seconds: float) -> list[tuple[float, float]]:
    """A step to an openness that lasts."""
    return [(0.1, openness), (seconds, openness)]


@pytest.mark.parametrize(("awake", "lids"), [(True, Lids.OPEN), (False, Lids.CLOSED)])
def test_how_open_eyes_are_is_learned_on_the_road_only(awake: bool, lids: Lids) -> None:
    """Lids that sink with a look down are not this driver's open eyes."""
    assert after([*held(0.55, 70.0), *held(0.16, 1.0)], awake).lids is lids


@pytest.mark.parametrize(("second", "lids"), [(40.0, Lids.OPEN), (65.0, Lids.CLOSED)])
def test_how_open_eyes_are_is_learned_in_the_first_minute_on_the_road(second: float, lids: Lids) -> None:
    """Lids at 0.17 are open of narrow eyes alone: these are narrow for 18 s from then on."""
    assert after([*held(0.95, second), *held(0.55, 18.0), *held(0.17, 1.0)]).lids is lids


def test_eyes_that_are_shut_for_long_teach_nothing() -> None:
    assert after([*held(0.95, 5.0), *held(0.03, 30.0), *held(0.95, 1.0), *held(0.17, 1.0)]).lids is Lids.CLOSED


def test_lids_that_sink_over_half_an_hour_are_not_how_the_driver_s_eyes_are_made() -> None:
    assert after([*held(0.95, 120.0), (1800.0, 0.5), *held(0.14, 1.0)]).lids is Lids.CLOSED


def test_eyes_that_are_hardly_opened_are_still_told_from_closed_ones() -> None:
    assert after([*held(0.3, 70.0), *held(0.09, 1.0)]).lids is Lids.CLOSED


@pytest.mark.parametrize(("before", "lids"), [(0.95, Lids.OPEN), (0.03, Lids.CLOSED)])
def test_lids_at_the_border_stay_as_they_were(before: float, lids: Lids) -> None:
    assert after([*held(before, 1.0), *held(0.25, 1.0)]).lids is lids


@pytest.mark.parametrize(("openness", "lids"), [(0.26, Lids.CLOSED), (0.34, Lids.OPEN)])
def test_closed_lids_are_open_again_from_three_tenths_on(openness: float, lids: Lids) -> None:
    assert after([*held(0.03, 1.0), *held(openness, 1.0)]).lids is lids


@pytest.mark.parametrize(("openness", "lids"), [(0.2, Lids.CLOSED), (0.21, Lids.OPEN)])
def test_lids_that_are_80_percent_closed_are_closed(openness: float, lids: Lids) -> None:
    assert after(held(openness, 1.0)).lids is lids


def test_lids_that_were_closed_before_a_gap_need_not_open_wide_after_it() -> None:
    tracker = after(held(0.03, 1.0))
    for stamp in (4.0, 4.1):
        tracker.observe(stamp, (0.25, 0.25), awake=True)
    assert tracker.lids is Lids.OPEN


@pytest.mark.parametrize(
    ("openness", "lids"), [((0.28, 0.04), Lids.CLOSED), ((0.95, 0.03), Lids.OPEN), ((np.nan, 0.03), Lids.CLOSED)]
)
def test_the_mean_of_the_eyes_that_are_seen_counts(openness: tuple[float, float], lids: Lids) -> None:
    tracker = EyelidTracker(SETTINGS)
    for i in range(5):
        tracker.observe(0.1 * i, openness, awake=True)
    assert tracker.lids is lids


def test_perclos_is_a_share_of_the_time_in_which_eyes_were_seen() -> None:
    tracker = after([*held(0.95, 34.0), *held(0.03, 6.0)])
    assert tracker.perclos(40.0) == pytest.approx(6.0 / 40.0, abs=0.01)
    assert np.isnan(after(held(0.95, 25.0)).perclos(25.0)), "less than half of the window"


def test_perclos_is_known_in_the_frame_that_ends_half_a_window() -> None:
    tracker, frame = EyelidTracker(SETTINGS), 1e-9 * (10**9 // 30)  # of a camera that counts whole nanoseconds
    for i in range(900):
        tracker.observe(i * frame, (0.95, 0.95), awake=True)
    assert np.isnan(tracker.perclos(899 * frame))
    tracker.observe(900 * frame, (0.95, 0.95), awake=True)
    assert tracker.perclos(900 * frame) == 0.0


@pytest.mark.parametrize(
    ("hidden", "closure"), [([1.7], 2.0), ([2.1], 1.0), ([1.2, 1.2], 3.0)], ids=["briefly", "long", "briefly twice"]
)
def test_a_closure_goes_on_when_eyes_were_hidden_only_briefly(hidden: list[float], closure: float) -> None:
    script = held(0.03, 1.0)
    for seconds in hidden:
        script += [*held(np.nan, seconds), *held(0.03, 1.0)]
    assert after(script).closure == pytest.approx(closure, abs=0.5)


@pytest.mark.parametrize(
    ("between", "seconds"), [(0.95, 3.0), (np.nan, 1.0), (0.03, 1.0)], ids=["open", "hidden", "shut"]
)
def test_eyes_are_open_for_as_long_as_that_is_seen_at_once(between: float, seconds: float) -> None:
    script = [*held(0.95, 1.0), *held(between, 1.0), *held(0.95, 1.0)]
    assert after(script).open_for == pytest.approx(seconds, abs=0.3)


def test_a_pause_teaches_nothing() -> None:
    tracker = EyelidTracker(SETTINGS)
    for stamp, openness in ((0.0, 0.7), (1000.0, 0.7), *((1000.0 + 0.1 * i, 0.15) for i in range(1, 4))):
        tracker.observe(stamp, (openness, openness), True)
    assert tracker.lids is Lids.CLOSED, "of eyes that open fully"
