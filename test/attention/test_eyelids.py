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


def test_lids_that_sink_over_half_an_hour_are_not_how_the_driver_s_eyes_are_made() -> None:
    assert after([*held(0.95, 120.0), (1800.0, 0.5), *held(0.14, 1.0)]).lids is Lids.CLOSED
