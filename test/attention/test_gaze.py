"""Glances told from the directions of a head, on the shipped zones: the road ends at 15 degrees to either side."""

from __future__ import annotations

import pytest
from attention.drives import LAP, ROAD, WINDOW, ZONES

from dense_face_ros.attention.directions import HeadDirection
from dense_face_ros.attention.evidence import Interval
from dense_face_ros.attention.gaze import Gaze, GazeTracker
from dense_face_ros.attention.settings import PRESETS

Place = tuple[float, float]


def shown(
    places: list[Place], preset: str = "euro_ncap", sigma: float = 0.5
) -> tuple[GazeTracker, list[Interval[Gaze]]]:
    """A tracker that was shown a head at (yaw, pitch) ten times a second, and what it told."""
    tracker = GazeTracker(ZONES, PRESETS[preset])
    told = [tracker.observe(0.1 * i, HeadDirection(*place, sigma)) for i, place in enumerate(places)]
    return tracker, [interval for intervals in told for interval in intervals]


@pytest.mark.parametrize(
    ("preset", "before", "at_border", "gaze"),
    [
        ("euro_ncap", ROAD, (17.0, 0.0), Gaze.ROAD),
        ("euro_ncap", WINDOW, (17.0, 0.0), Gaze.AWAY),
        ("eu_addw", LAP, (0.0, 18.5), Gaze.AWAY),
        ("eu_addw", (0.0, 16.0), (0.0, 18.5), Gaze.ASIDE),
    ],
)
def test_a_head_just_beyond_a_border_stays_where_it_was(
    preset: str, before: Place, at_border: Place, gaze: Gaze
) -> None:
    assert shown([before] * 5 + [at_border] * 5, preset)[0].gaze is gaze


@pytest.mark.parametrize(
    ("sigmas", "gaze"), [(-1.15, Gaze.ROAD), (-0.85, None), (0.85, None), (1.15, Gaze.AWAY)], ids=str
)
def test_a_head_is_told_where_it_is_off_the_border_by_its_uncertainty(sigmas: float, gaze: Gaze | None) -> None:
    assert shown([(15.0 + 3.0 * sigmas, 0.0)] * 5, sigma=3.0)[0].gaze is gaze


def test_where_a_head_was_before_a_gap_widens_no_zone_after_it() -> None:
    tracker, _ = shown([ROAD] * 5)
    for stamp in (3.0, 3.1):
        tracker.observe(stamp, HeadDirection(17.0, 0.0, 0.5))
    assert tracker.gaze is Gaze.AWAY


def test_a_glance_begins_where_a_head_that_is_seen_unsteadily_left_its_rest() -> None:
    _, told = shown([*[ROAD] * 2, (-3.0, 0.0), *[ROAD] * 4, *[WINDOW] * 3], sigma=4.0)
    assert next(interval.begin for interval in told if interval.kind is Gaze.AWAY) == pytest.approx(0.65)


def test_a_glance_begins_after_the_one_before() -> None:
    """The head rests otherwise between them: where it rested before the first tells nothing of the second."""
    _, told = shown([*[ROAD] * 5, *[WINDOW] * 2, *[(10.0, 0.0)] * 2, *[WINDOW] * 2])
    assert told[-1].kind is Gaze.AWAY and told[-1].begin == pytest.approx(0.85)


def test_a_glance_begins_before_the_turn_halts_at_the_border() -> None:
    """Where the head halts nobody can tell whether it points at the road; that it had left its rest can be told."""
    _, told = shown([*[ROAD] * 5, (18.2, 0.0), *[WINDOW] * 3])
    assert next(interval.begin for interval in told if interval.kind is Gaze.AWAY) == pytest.approx(0.45)
