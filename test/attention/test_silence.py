"""Stamps that go back, silence and restarts, and what is said of time in which nothing is seen."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from attention.drives import (
    CAMERA,
    CLOSED,
    HIDDEN,
    LAP,
    LOST,
    ROAD,
    START,
    TIRED,
    Camera,
    Segment,
    judge,
    policy,
    see,
)

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.states import State


def test_samples_out_of_order_or_seen_already_change_nothing() -> None:
    judging = policy()
    samples = list(see([Segment(2.0), Segment(2.0, LAP)], CAMERA))
    states = [judging.update(sample) for sample in samples]
    assert judging.update(samples[-1]) is states[-1]
    assert judging.update(samples[-5]) is states[-1]


def test_a_recording_that_begins_anew_begins_with_nothing_known() -> None:
    judging = policy()
    script = [Segment(2.0), Segment(2.5, LAP)]
    first = [judging.update(sample) for sample in see(script, CAMERA)]
    again = [judging.update(sample) for sample in see(script, CAMERA)]
    assert [s.state for s in again] == [s.state for s in first]
    assert [s.glance for s in again] == pytest.approx([s.glance for s in first], nan_ok=True)


def test_stamps_that_go_back_during_an_alarm_are_told() -> None:
    judging = policy()
    for sample in see([Segment(2.0), Segment(4.0, ROAD, CLOSED)], CAMERA):
        asleep = judging.update(sample)
    assert asleep.state is State.SLEEP
    again = list(see([Segment(4.0, ROAD, CLOSED)], CAMERA, start=asleep.stamp - 5.0 - 0.5 / 30.0))
    first = judging.update(again[0])
    assert (first.state, first.last_known) == (State.UNKNOWN, None)
    assert first.reason == "the stamps went back by 5.0 s: judged anew"
    assert judging.update(again[1]).reason != first.reason, "once"
    assert [judging.update(sample) for sample in again][-1].state is State.SLEEP


@pytest.mark.parametrize(("back", "anew"), [(0.96875, False), (1.0, True)])
def test_stamps_that_go_back_by_a_second_begin_anew(back: float, anew: bool) -> None:
    judging = policy()
    for sample in see([Segment(2.0)], CAMERA):
        judging.update(sample)
    before = judging.update(HeadSample(START + 4.0))
    after = judging.update(HeadSample(START + 4.0 - back))
    assert (after is not before, after.reason.startswith("the stamps went back by 1.0 s")) == (anew, anew)


def test_silence_is_unknown_and_its_time_is_not_counted() -> None:
    """But for what a frame stands for, as in every gap."""
    judging = policy()
    for sample in see([Segment(2.0), Segment(2.0, LAP)], CAMERA):
        judging.update(sample)
    silent = judging.lapse(START + 4.5, "nothing received")
    assert (silent.state, silent.zone, silent.reason) == (State.UNKNOWN, "unknown", "nothing received")
    assert silent.last_known is State.ATTENTIVE
    later = [judging.update(sample) for sample in see([Segment(1.5, LAP)], CAMERA, start=START + 5.0)]
    assert later[0].state is State.UNKNOWN, "one frame proves nothing"
    alarm = next(s for s in later if s.state is State.LONG_DISTRACTION)
    assert 0.8 <= alarm.stamp - (START + 5.0) <= 0.95, "2.2 s before the silence, 0.8 s after it"


def test_the_first_sample_may_be_empty() -> None:
    state = policy().update(HeadSample(5.0))
    assert (state.state, state.since, state.last_known) == (State.UNKNOWN, 5.0, None)
    assert math.isnan(state.glance) and state.budget_left is not None and math.isnan(state.budget_left)


@pytest.mark.parametrize("gap", [0.0, 0.1, 0.48, 3.0])
@pytest.mark.parametrize(
    "script",
    [
        [Segment(4.0), *[Segment(2.5, LAP), Segment(1.9)] * 3],
        [Segment(2.0), Segment(2.1, LAP), Segment(3.0, LAP, CLOSED), Segment(3.0)],
        [Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 12,
    ],
    ids=["glances", "alarms", "tired"],
)
def test_silence_changes_nothing_that_frames_tell(script: list[Segment], gap: float) -> None:
    """However long it lasts by the clock, and whether frames are missing after it or, as in a replay that was paused,
    none. What differs is since when the state holds: a silence ends it."""
    silent, steady = policy(), policy()
    last, missing = START, 0.0
    for i, sample in enumerate(see(script, Camera())):
        if i and i % 35 == 0:
            for waited in (0.4, 35.0, 120.0):
                asked = silent.lapse(last + waited, "nothing arrives")
                assert (asked.state, asked.zone, asked.direction) == (State.UNKNOWN, "unknown", None)
                assert math.isnan(asked.glance) and math.isnan(asked.closure)
            missing += gap
        last = sample.stamp + missing
        sample = replace(sample, stamp=last)
        state, expected = silent.update(sample), steady.update(sample)
        assert repr(replace(state, since=0.0)) == repr(replace(expected, since=0.0))


def test_eyes_of_a_head_that_was_not_there_are_not_said_to_be_hidden() -> None:
    states = judge([Segment(4.0), Segment(60.0, LOST), Segment(3.0)])
    assert {state.degraded for state in states} == {"", "driver not seen: nothing can be told"}
    assert states[-1].degraded == ""


def test_a_driver_who_is_not_seen_is_said_to_be_so_within_ten_seconds() -> None:
    states = judge([Segment(4.0), Segment(12.0, LOST), Segment(1.0)])
    told = [state.stamp - START for state in states if state.degraded]
    assert told[0] == pytest.approx(14.0, abs=0.05) and told[-1] == pytest.approx(16.0, abs=0.1)


def test_a_head_whose_direction_stays_uncertain_is_said_to_be_so() -> None:
    states = judge([Segment(12.0, (12.0, 0.0))], camera=Camera(sigma=14.0))
    assert states[-1].degraded == "where the head points is not certain: glances cannot be told"
    assert next(s for s in states if s.degraded).stamp - START == pytest.approx(10.0, abs=0.1)
    states = judge([Segment(2.0), Segment(61.0, LOST), Segment(12.0, (17.0, 0.0))], camera=Camera(sigma=3.0))
    assert states[-1].degraded == "where the head points is not certain: glances cannot be told"
    states = judge([Segment(12.0, (12.0, 0.0), HIDDEN)], camera=Camera(sigma=14.0))
    assert states[-1].degraded.endswith("not certain: nothing can be told, for eyes are not seen either")


def test_silence_is_said_to_show_no_driver_even_from_the_start() -> None:
    for seen in (0, 30):
        judging = policy()
        for sample in list(see([Segment(1.0)], Camera()))[:seen]:
            judging.update(sample)
        last = START + seen / 30
        told = [judging.lapse(last + silence, "nothing received").degraded for silence in (0.5, 9.0, 10.6)]
        assert told == ["", "", "driver not seen: nothing can be told"]


@pytest.mark.parametrize("asked", [0.0, 1.7e9], ids=["before simulated time began", "years after the recording"])
def test_how_long_nothing_is_seen_counts_in_the_time_of_the_samples(asked: float) -> None:
    judging = policy()
    judging.lapse(asked, "nothing received yet")
    states = [judging.update(sample) for sample in see([Segment(12.0, LOST), Segment(1.0)], CAMERA)]
    told = [state.stamp - START for state in states if state.degraded]
    assert told[0] == pytest.approx(10.0, abs=0.1) and told[-1] == pytest.approx(12.1, abs=0.1)


@pytest.mark.parametrize("between", [0.0, 12.0], ids=["no frames", "frames too far apart"])
def test_time_without_frames_is_no_driving_whatever_the_speed_is_then(between: float) -> None:
    judging = policy()
    parts = (0.0, TIRED, CAMERA), (64.0, [Segment(between, LOST)], Camera(2.0)), (80.0, [Segment(2.0)], CAMERA)
    for begin, script, camera in parts:
        for sample in see(script, camera, START + begin, speed=25.0):
            state = judging.update(sample)
    assert math.isnan(state.perclos)


@pytest.mark.parametrize("asked", [0.0, 1.7e9], ids=["before simulated time began", "years after the recording"])
def test_the_first_state_begins_with_the_first_frame(asked: float) -> None:
    """Before it the node asks by its clock."""
    judging = policy()
    judging.lapse(asked, "nothing received yet")
    assert judging.update(HeadSample(START)).since == START


def test_no_state_began_after_the_frame_that_shows_it() -> None:
    """A replay was paused: silence lasted by the clock, and not by the stamps."""
    judging = policy()
    for sample in see([Segment(1.0)], CAMERA):
        judging.update(sample)
    assert judging.lapse(START + 5.0, "nothing received").since == START + 5.0
    assert judging.update(HeadSample(START + 1.4)).since == START + 1.4


def test_a_camera_too_slow_to_be_judged_is_told() -> None:
    states = judge([Segment(5.0)], Camera(4.0))
    assert states[-1].reason == "frames come 0.25 s apart; what one shows stands for 0.2 s"
    in_doubt = judge([Segment(5.0, (17.0, 0.0))], Camera(8.0, sigma=3.0))
    assert in_doubt[-1].reason == "it is not certain yet whether the head points at the road", "8 Hz are enough"


def test_time_that_nobody_saw_is_no_stay_on_the_road() -> None:
    used = [Segment(4.0), *[Segment(2.6, LAP), Segment(1.0)] * 2]

    def left(*on_road: Segment) -> float:
        budget = judge([*used, *on_road])[-1].budget_left
        assert budget is not None
        return budget

    assert left(Segment(1.3)) == pytest.approx(10.0)
    assert left(Segment(0.5), Segment(0.5, LOST), Segment(0.9)) < 6.0


def test_time_without_frames_is_not_said_to_hide_the_eyes() -> None:
    judging = policy()
    for begin in (0.0, 12.0):
        for sample in see([Segment(4.0, ROAD, HIDDEN)], CAMERA, START + begin):
            state = judging.update(sample)
    assert (state.state, state.degraded) == (State.ATTENTIVE, "")
