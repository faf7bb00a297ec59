"""What is learned of a driver's eyes."""

from __future__ import annotations

import pytest

from dense_face_ros.attention.eyelids import EyelidTracker, Lids
from dense_face_ros.attention.settings import PRESETS


@pytest.mark.parametrize(("on_road", "lids"), [(True, Lids.OPEN), (False, Lids.CLOSED)])
def test_how_open_eyes_are_is_learned_on_the_road_only(on_road: bool, lids: Lids) -> None:
    """Lids that sink with a look down are not this driver's open eyes."""
    tracker = EyelidTracker(PRESETS["euro_ncap"])
    for i in range(3000):
        tracker.observe(0.1 * i, (0.55, 0.55), on_road)
    for i in range(3000, 3010):
        tracker.observe(0.1 * i, (0.16, 0.16), on_road)
    assert tracker.lids is lids
