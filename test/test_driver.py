"""Which head is the driver's, and which cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.driver import Place, Seat

LEFT_HALF = Seat(right=0.5)
WIDTH, HEIGHT = 640, 480


def test_the_whole_image_is_the_seat_unless_told_otherwise() -> None:
    for centre in ([0, 0], [639, 479], [-40, 500]):
        assert Seat().holds(np.array(centre), WIDTH, HEIGHT)


def test_a_seat_holds_what_lies_in_it() -> None:
    assert LEFT_HALF.holds(np.array([319.0, 240.0]), WIDTH, HEIGHT)
    assert not LEFT_HALF.holds(np.array([320.0, 240.0]), WIDTH, HEIGHT)


def test_a_seat_at_the_edge_goes_on_beyond_the_image() -> None:
    assert LEFT_HALF.holds(np.array([-30.0, 240.0]), WIDTH, HEIGHT)
    assert not LEFT_HALF.holds(np.array([700.0, 240.0]), WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("seat", "message"),
    [
        ({"left": 0.6, "right": 0.6}, r"seat_left is 0\.6 and seat_right is 0\.6"),
        ({"top": 0.7, "bottom": 0.2}, r"seat_top is 0\.7 and seat_bottom is 0\.2"),
        ({"right": 1.2}, r"seat_right is 1\.2"),
        ({"left": float("nan")}, "seat_left is nan"),
    ],
)
def test_a_seat_without_room_is_refused(seat: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Seat(**seat)


def head(x: float = 0.0, z: float = 0.7, focal: float = 600.0) -> Place:
    """A head ``x`` metres beside the axis and ``z`` away."""
    return Place(np.array([320.0 + focal * x / z, 240.0]), focal / z)


@pytest.mark.parametrize("focal", [300.0, 600.0, 2000.0])
def test_a_neighbour_is_never_within_reach_and_a_leaning_head_soon_is(focal: float) -> None:
    there = head(focal=focal)
    for elapsed in (0.03, 0.2, 0.9):
        assert not there.reaches(head(x=0.4, focal=focal), 0.7, elapsed)
        assert there.reaches(head(x=0.05, focal=focal), 0.7, elapsed)
    assert not there.reaches(head(x=0.25, focal=focal), 0.7, 0.03)
    assert there.reaches(head(x=0.25, focal=focal), 0.7, 0.1)


def test_somebody_behind_is_not_the_driver_though_seen_beside_the_same_pixel() -> None:
    there = head(z=0.7)
    assert not there.reaches(head(z=1.5), 0.7, 0.5)
    assert there.reaches(head(z=0.78), 0.7, 0.5)
