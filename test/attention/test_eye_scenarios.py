"""Scripted drivers whose eyes close, tire or are hidden, and what the policy must say about them."""

from __future__ import annotations

import math

import pytest
from attention.drives import (
    AFTER_START,
    CAMERAS,
    CLOSED,
    HIDDEN,
    LAP,
    LOST,
    OPEN,
    ROAD,
    START,
    Camera,
    Segment,
    check,
    judge,
    policy,
    see,
    timeline,
)

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.states import State


@pytest.mark.parametrize("camera", CAMERAS)
def test_sleep_and_waking_up(camera: Camera) -> None:
    states = judge([Segment(5.0), Segment(7.0, ROAD, CLOSED), Segment(2.0)], camera)
    check(states, *AFTER_START, ("microsleep", 6.0), ("sleep", 8.0), ("unresponsive", 11.0), ("attentive", 12.5))


@pytest.mark.parametrize("camera", CAMERAS)
def test_microsleep_and_a_blink(camera: Camera) -> None:
    states = judge(
        [Segment(5.0), Segment(0.3, ROAD, CLOSED), Segment(5.0), Segment(1.6, ROAD, CLOSED), Segment(2.0)], camera
    )
    check(states, *AFTER_START, ("microsleep", 11.3), ("attentive", 12.4))


@pytest.mark.parametrize("camera", CAMERAS)
def test_nodding_off(camera: Camera) -> None:
    nod = [Segment(0.5, ROAD, CLOSED), Segment(1.2, (0.0, 40.0), CLOSED), Segment(3.0)]
    states = judge([Segment(5.0), *nod, *nod], camera)
    check(
        states,
        *AFTER_START,
        ("microsleep", 6.0),
        ("attentive", 7.2),
        ("microsleep", 10.7),
        ("attentive", 11.9),
    )


@pytest.mark.parametrize("camera", CAMERAS)
def test_sunglasses(camera: Camera) -> None:
    states = judge([Segment(14.0, ROAD, HIDDEN), Segment(4.0, LAP, HIDDEN)], camera)
    check(states, *AFTER_START, ("long_distraction", 17.0))
    assert all(math.isnan(s.perclos) and math.isnan(s.closure) for s in states)
    told = next(s for s in states if s.degraded)
    assert told.stamp - START == pytest.approx(10.0, abs=0.3) and "eyes not seen" in told.degraded


def test_closed_eyes_are_told_wherever_the_head_points() -> None:
    # A nodding head stops at the border of the road: where it points cannot be told, that nobody looks can.
    border = (0.0, 12.5)
    states = judge([Segment(4.0), Segment(7.0, border, CLOSED), Segment(2.0, border, OPEN)], Camera(sigma=5.0))
    check(states, *AFTER_START, ("unknown", 4.2), ("microsleep", 5.0), ("sleep", 7.0), ("unresponsive", 10.0),
          ("unknown", 11.5))  # fmt: skip


def test_eyes_hidden_while_asleep_leave_the_alarms_of_the_head() -> None:
    script = [Segment(4.0), Segment(1.5, ROAD, CLOSED), Segment(8.0, LAP, HIDDEN), Segment(2.0, ROAD, OPEN)]
    check(judge(script), *AFTER_START, ("microsleep", 5.0), ("unknown", 5.7), ("long_distraction", 8.5),
          ("unresponsive", 11.5), ("attentive", 14.0))  # fmt: skip


def test_degraded_does_not_depend_on_where_the_head_points() -> None:
    border = (17.5, 0.0)
    states = judge([Segment(11.0, ROAD, HIDDEN), Segment(2.0, border, HIDDEN)], Camera(sigma=5.0))
    assert states[-1].state is State.UNKNOWN and "eyes not seen" in states[-1].degraded
    lost = judge([Segment(11.0, ROAD, HIDDEN), Segment(1.0, LOST)])
    assert lost[-1].degraded == "", "that the driver is not seen is not said at once"


def test_a_lost_frame_now_and_then_changes_nothing_about_hidden_eyes() -> None:
    """Two events each would push the alarms out of those that are kept."""
    judging, told = policy(), []
    for i, sample in enumerate(see([Segment(20.0, ROAD, HIDDEN)], Camera())):
        told.append(judging.update(HeadSample(sample.stamp) if i % 30 == 7 else sample).degraded)
    begun = next(i for i, text in enumerate(told) if text)
    assert 290 <= begun <= 320 and set(told[begun:]) == {"eyes not seen: sleep and drowsiness cannot be told"}


def test_eyes_hidden_in_a_microsleep_are_given_up_after_a_while() -> None:
    states = judge([Segment(4.0), Segment(2.0, ROAD, CLOSED), Segment(12.0, ROAD, HIDDEN)])
    check(states, *AFTER_START, ("microsleep", 5.0), ("unknown", 6.2), ("attentive", 16.2))
    assert states[-1].degraded


def test_eyes_hidden_in_sleep_do_not_make_the_driver_attentive() -> None:
    asleep = [Segment(4.0), Segment(4.0, ROAD, CLOSED), Segment(40.0, ROAD, HIDDEN)]
    check(judge(asleep), *AFTER_START, ("microsleep", 5.0), ("sleep", 7.0), ("unknown", 8.2))
    awake = [*asleep, Segment(2.0, ROAD, OPEN)]
    assert judge(awake)[-1].state is State.ATTENTIVE, "eyes that are seen open end it"
    gone = [Segment(4.0), Segment(9.0, ROAD, CLOSED), Segment(40.0, ROAD, HIDDEN)]
    assert judge(gone)[-1].state is not State.ATTENTIVE


def test_drowsiness_is_told_where_glances_are_not_judged() -> None:
    blinking = [Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 20
    states = judge([*blinking, Segment(8.0, LAP)], settings="eu_addw", speed=15.0 / 3.6)
    assert states[-1].state is State.DROWSY


def test_drowsiness_is_a_share_of_closed_eyes() -> None:
    blinking = [Segment(3.8), Segment(0.2, ROAD, CLOSED)] * 20
    awake = judge(blinking, Camera(noise=0.7))
    check(awake, *AFTER_START)
    assert awake[-1].perclos == pytest.approx(0.05, abs=0.02)
    tired = judge([*blinking, *[Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 20, *blinking], Camera(noise=0.7))
    assert [state for state, _ in timeline(tired)] == ["unknown", "attentive", "drowsy", "attentive"]


@pytest.mark.parametrize(
    ("closed", "then", "last"),
    [(0.7, 0.7, "attentive"), (0.8, 0.7, "drowsy"), (0.8, 0.55, "drowsy"), (0.8, 0.45, "attentive")],
)
def test_15_percent_of_closed_eyes_are_drowsiness_until_10(closed: float, then: float, last: str) -> None:
    """Of 5 s each: 16 % is enough and 14 % is not; 11 % is not yet 10, and 9 % is less."""
    first, later = ([Segment(5.0 - shut), Segment(shut, ROAD, CLOSED)] for shut in (closed, then))
    states = judge([*first * 7, *later * 14], Camera(20.0))
    assert states[-1].perclos == pytest.approx(then / 5.0, abs=2e-3) and states[-1].state.value == last
    assert (State.DROWSY in {s.state for s in states}) is (closed == 0.8)


def test_how_open_eyes_are_is_learned_for_each_driver() -> None:
    # A fit that never sees these eyes more than half open; 0.16 of it would count as closed for everybody else.
    states = judge([Segment(300.0, ROAD, 0.55), Segment(5.0, ROAD, 0.16), Segment(5.0, ROAD, 0.05)])
    assert [state for state, _ in timeline(states)][:4] == ["unknown", "attentive", "microsleep", "sleep"]
    assert timeline(states)[2][1] == pytest.approx(306.0, abs=0.1)


@pytest.mark.parametrize(("ahead", "down"), [(1.0, 0.58), (0.56, 0.29)])
def test_lids_that_are_lowered_by_a_look_down_are_not_shut(ahead: float, down: float) -> None:
    """Eyes 9.7 mm open are still so by 6.4 mm when they look 40 degrees down (Read et al. 2006), and eyes of 6 mm, the
    narrowest that Euro NCAP asks for, by two thirds as well. A blink in that look ends all the same."""
    look = [Segment(1.2, LAP, down), Segment(0.2, LAP, CLOSED), Segment(1.2, LAP, down)]
    states = judge([Segment(70.0, ROAD, ahead), *[*look, Segment(3.0, ROAD, ahead)] * 3], Camera(noise=0.7))
    check(states, *AFTER_START)
    assert states[-1].perclos < 0.05
