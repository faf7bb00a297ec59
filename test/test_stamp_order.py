from __future__ import annotations

import pytest

from dense_face_ros.stamp_order import RESTART, StampOrder, Turn, age_of


def turns(*stamps: float) -> list[Turn]:
    order = StampOrder()
    return [order.take(stamp, 0.0) for stamp in stamps]


@pytest.mark.parametrize("first", [0.0, 1000.0])
def test_a_stamp_seen_already_or_passed_is_out_of_order(first: float) -> None:
    late = [first + 0.5, first + 0.5, first + 0.25, first + 0.5, first + 0.75]
    assert turns(first, *late) == [Turn.NEXT, Turn.NEXT, *[Turn.OUT_OF_ORDER] * 3, Turn.NEXT]


def test_two_stamps_that_went_back_far_enough_begin_a_new_order() -> None:
    back = 10.0 - RESTART
    assert turns(10.0, back + 0.125, back - 0.125, back - 0.125, back, back, back + 0.125) == [
        Turn.NEXT, *[Turn.OUT_OF_ORDER] * 3, Turn.ANEW, Turn.OUT_OF_ORDER, Turn.NEXT
    ]  # fmt: skip


def test_one_frame_that_was_held_up_for_long_begins_nothing_anew() -> None:
    assert turns(10.0, 5.0, 10.1, 5.1, 10.2, 5.1, 5.0) == [
        Turn.NEXT, Turn.OUT_OF_ORDER, Turn.NEXT, Turn.OUT_OF_ORDER, Turn.NEXT, *[Turn.OUT_OF_ORDER] * 2
    ]  # fmt: skip


def test_the_last_stamp_is_that_of_a_frame_that_was_answered() -> None:
    order = StampOrder()
    assert order.last is None
    for stamp in (10.0, 9.5):
        order.take(stamp, 0.0)
    assert order.last == 10.0


def test_frames_in_a_row_that_rise_below_the_last_are_of_a_clock_that_was_set_back() -> None:
    rising = [9.5 + 0.03 * i for i in range(7)]
    assert turns(10.0, *rising) == [Turn.NEXT, *[Turn.OUT_OF_ORDER] * 4, Turn.ANEW, Turn.NEXT, Turn.NEXT]
    assert turns(10.0, *rising[:4], 10.1, *rising[:4]) == [
        Turn.NEXT, *[Turn.OUT_OF_ORDER] * 4, Turn.NEXT, *[Turn.OUT_OF_ORDER] * 4
    ], "frames of two cameras on one topic"  # fmt: skip
    assert Turn.ANEW not in turns(10.0, *[9.5] * 20), "one frame again and again"
    assert turns(10.0, *[stamp for stamp in rising[:5] for _ in range(2)])[-2] is Turn.ANEW, "each of them twice"
    assert turns(10.0, 9.9, *rising[:5])[-2:] == [Turn.OUT_OF_ORDER, Turn.ANEW], "one that falls is the first of them"


@pytest.mark.parametrize(("elapsed", "age"), [(-100.0, None), (-0.05, -0.05), (5.0, 5.0), (100.0, None)])
def test_a_stamp_far_from_the_clock_has_no_age(elapsed: float, age: float | None) -> None:
    assert age_of(elapsed) == age


def received(*frames: tuple[float, float]) -> list[Turn]:
    """Turns of frames by their stamps and the times that they came."""
    order = StampOrder()
    return [order.take(stamp, came - stamp) for stamp, came in frames]


@pytest.mark.parametrize("astray", [7.0, 1500.0])
def test_one_frame_of_another_clock_begins_nothing_anew(astray: float) -> None:
    frames = (1000.0, 1000.1), (astray, 1000.2), (1000.2, 1000.3)
    assert received(*frames) == [Turn.NEXT, Turn.ASTRAY, Turn.NEXT]


def test_another_clock_that_stays_is_believed() -> None:
    other = [(7.0 + 0.1 * i, 1000.1 + 0.1 * i) for i in range(6)]
    assert received((1000.0, 1000.0), *other) == [
        Turn.NEXT, *[Turn.ASTRAY] * 4, Turn.OUT_OF_ORDER, Turn.ANEW
    ]  # fmt: skip
    assert received(*other, (2.0, 1001.0), (2.1, 1001.1))[-1] is Turn.ANEW, "so may a source with a clock of its own"
