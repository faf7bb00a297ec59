"""What the scripted drives do not show: broken input, silence, restarts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attention.drives import (
    CLOSED,
    HIDDEN,
    LAP,
    LOST,
    MOUNTING,
    OPEN,
    REAR_MIRROR,
    ROAD,
    START,
    WINDOW,
    ZONES,
    Camera,
    Segment,
    judge,
    policy,
    see,
    states_of,
    timeline,
)

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy, HeadSample
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State

CAMERA = Camera(30.0)
TIRED = [Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 16


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


def test_an_alarm_ends_only_with_attention_that_is_seen() -> None:
    states = judge([Segment(3.0), Segment(4.0, LAP), Segment(8.0, LOST), Segment(1.0, LAP), Segment(2.0)], CAMERA)
    assert [state for state, _ in timeline(states)] == [
        "unknown", "attentive", "long_distraction", "unknown", "long_distraction", "attentive"
    ]  # fmt: skip


def test_without_a_mounting_nothing_is_known() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, None)
    states = [judging.update(sample) for sample in see([Segment(1.0)], CAMERA)]
    assert {s.state for s in states} == {State.UNKNOWN} and "mounting is not known" in states[-1].reason


def test_sleep_is_told_before_the_mounting_is_learned() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [Segment(2.0), Segment(4.0, eyes=CLOSED), Segment(2.0)]
    states = [judging.update(sample) for sample in see(script, CAMERA)]
    assert [state for state, _ in timeline(states)] == ["unknown", "microsleep", "sleep", "unknown"]
    assert "learning the neutral pose" in states[-1].reason


def test_waking_is_believed_where_nobody_knows_the_road() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, None)
    script = [Segment(1.0), Segment(6.5, eyes=CLOSED), Segment(20.0), Segment(1.5, eyes=CLOSED)]
    states = [judging.update(sample) for sample in see(script, CAMERA)]
    assert [state for state, _ in timeline(states)] == [
        "unknown", "microsleep", "sleep", "unresponsive", "unknown", "microsleep"
    ]  # fmt: skip


def test_a_pose_that_was_not_computed_is_no_evidence() -> None:
    good = list(see([Segment(1.0)], CAMERA))
    for broken in ({"covariance": np.zeros((6, 6))}, {"covariance": None}, {"rotation": np.full((3, 3), np.nan)}):
        judging = policy()
        states = [judging.update(replace(sample, **broken)) for sample in good]
        assert {s.state for s in states} == {State.UNKNOWN} and states[-1].reason == "no head pose"
        assert all(np.isnan(s.closure) for s in states), "eyes of a head that is not there"


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


def test_a_mounting_that_is_no_rotation_says_nothing() -> None:
    judging = policy()
    judging.mounting = np.full((3, 3), np.nan)
    states = [judging.update(sample) for sample in see([Segment(6.0, LAP)], Camera())]
    assert {state.state for state in states} == {State.UNKNOWN}
    assert states[-1].reason == "the camera's mounting is not known"
    with pytest.raises(ValueError, match=r"camera mounting is \(nan, 0, 0\)"):
        camera_mounting(float("nan"), 0, 0)


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
    assert states[-1].degraded == "where the head points is not certain: nothing can be told"
    assert next(s for s in states if s.degraded).stamp - START == pytest.approx(10.0, abs=0.1)
    states = judge([Segment(2.0), Segment(61.0, LOST), Segment(12.0, (17.0, 0.0))], camera=Camera(sigma=3.0))
    assert states[-1].degraded == "where the head points is not certain: nothing can be told"


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


def test_the_direction_and_the_mounting_are_told_while_they_are_known() -> None:
    told = judge([Segment(2.0), Segment(2.0, LAP), Segment(1.0, LOST)])
    assert told[30].direction is not None and told[-1].direction is None
    yaw, pitch = told[90].direction.yaw, told[90].direction.pitch
    assert (yaw, pitch) == pytest.approx(LAP, abs=0.1)
    assert told[-1].mounting == pytest.approx((12.0, 15.0, 4.0)), "a camera stays where it is"


def test_shut_eyes_towards_the_road_end_no_alarm() -> None:
    script = [Segment(4.0), Segment(7.0, LAP), Segment(0.9, ROAD, CLOSED), Segment(2.0, LAP)]
    assert states_of(script)[-1] == "unresponsive"
    assert states_of([*script[:2], Segment(2.0), Segment(2.0, LAP)])[-1] == "attentive"


def test_shut_eyes_towards_the_road_are_no_break_of_a_glance() -> None:
    script = [Segment(4.0), *[Segment(2.5, LAP), Segment(0.9, ROAD, CLOSED)] * 2]
    assert "long_distraction" in states_of(script)


def test_a_blink_interrupts_no_look_at_the_road() -> None:
    glances = [*[Segment(2.6, LAP), Segment(1.5)] * 2, Segment(2.6, LAP)]
    on_road = [Segment(0.9), Segment(0.2, eyes=CLOSED), Segment(1.3)]
    blinking = judge([Segment(4.0), *glances, *on_road])[-1]
    assert blinking.budget_left == pytest.approx(10.0)
    shut = judge([Segment(4.0), *glances, Segment(0.9), Segment(0.5, eyes=CLOSED), Segment(1.3)])[-1]
    assert shut.budget_left is not None and shut.budget_left < 3.0


@pytest.mark.parametrize("eyes", [CLOSED, HIDDEN])
def test_who_does_not_respond_does_not_teach_where_the_road_is(eyes: float) -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [Segment(60.0), Segment(120.0, (5.0, 20.0), eyes), Segment(4.0)]
    states = [judging.update(sample) for sample in see(script, Camera(10.0, noise=0.5), speed=25.0)]
    assert states[-50].state is State.UNRESPONSIVE and states[-1].zone == "road"


def test_a_road_that_was_learned_wrongly_is_learned_anew() -> None:
    """Parked, eyes on the phone; then the drive begins, and the speed is not known."""
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [Segment(40.0, (5.0, 22.0)), Segment(120.0)]
    states = [judging.update(sample) for sample in see(script, Camera(10.0, noise=0.5))]
    assert "long_distraction" in {state for state, _ in timeline(states)}
    assert (states[-1].state, states[-1].zone) == (State.ATTENTIVE, "road")


def test_a_driver_in_dark_glasses_who_sits_otherwise_is_learned_anew() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [Segment(60.0, ROAD, HIDDEN), Segment(90.0, (20.0, 0.0), HIDDEN)]
    states = [judging.update(sample) for sample in see(script, Camera(10.0, noise=0.5), speed=20.0)]
    assert "unresponsive" in {state for state, _ in timeline(states)} and states[-1].state is State.ATTENTIVE


def test_drowsiness_hides_no_worse_alarm_when_the_direction_is_in_doubt() -> None:
    border = Segment(2.0, (17.0, 0.0))
    assert states_of([*TIRED, border], camera=Camera(sigma=2.5))[-1] == "drowsy"
    changes = states_of([*TIRED, Segment(8.0, LAP), border, Segment(1.0, LAP)], camera=Camera(sigma=2.5))
    assert changes[-3:] == ["unresponsive", "unknown", "unresponsive"]


def test_somebody_else_may_sit_there_after_a_minute_without_a_head() -> None:
    """Who falls asleep and is gone is not the one who comes in dark glasses."""
    asleep = [Segment(4.0), Segment(4.0, ROAD, CLOSED)]
    assert states_of([*asleep, Segment(30.0, LOST), Segment(20.0, ROAD, HIDDEN)])[-1] == "unknown"
    assert states_of([*asleep, Segment(61.0, LOST), Segment(20.0, ROAD, HIDDEN)])[-1] == "attentive"
    judging = policy()
    for sample in [*see(asleep, CAMERA), *see([Segment(5.0, ROAD, HIDDEN)], CAMERA, start=START + 3600.0)]:
        state = judging.update(sample)
    assert state.state is State.ATTENTIVE


@pytest.mark.parametrize(
    ("gone", "speed", "kept"), [(9.5, None, True), (10.5, None, False), (12.0, 5.0, True), (12.0, 4.5, False)]
)
def test_who_comes_after_ten_seconds_in_a_car_that_may_stand_is_not_drowsy_for_another(
    gone: float, speed: float | None, kept: bool
) -> None:
    tired = [Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 16
    states = judge([*tired, Segment(gone, LOST), Segment(2.0)], CAMERA, speed=speed)
    assert states[-1].state is (State.DROWSY if kept else State.ATTENTIVE)
    assert math.isnan(states[-1].perclos) is not kept


def test_how_open_eyes_are_is_learned_anew_of_who_may_be_another() -> None:
    narrow, gone = [Segment(70.0, ROAD, 0.55)], Segment(12.0, LOST)
    assert "sleep" not in states_of([*narrow, Segment(4.0, ROAD, 0.16)])
    assert "sleep" in states_of([*narrow, gone, Segment(4.0), Segment(4.0, ROAD, 0.16)])


@pytest.mark.parametrize("between", [0.0, 12.0], ids=["no frames", "frames too far apart"])
def test_time_without_frames_is_no_driving_whatever_the_speed_is_then(between: float) -> None:
    judging = policy()
    parts = (0.0, TIRED, CAMERA), (64.0, [Segment(between, LOST)], Camera(2.0)), (80.0, [Segment(2.0)], CAMERA)
    for begin, script, camera in parts:
        for sample in see(script, camera, START + begin, speed=25.0):
            state = judging.update(sample)
    assert math.isnan(state.perclos)


def test_a_look_that_is_not_judged_is_no_missing_response() -> None:
    script = [Segment(4.0), Segment(3.8, LAP), Segment(3.3, WINDOW)]
    assert "unresponsive" not in states_of(script, settings="eu_addw", speed=28.0)
    assert states_of([*script[:1], Segment(7.0, LAP)], settings="eu_addw", speed=28.0)[-1] == "unresponsive"


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


def test_a_mirror_look_that_loses_the_head_keeps_its_grace() -> None:
    states = judge([Segment(4.0), *[Segment(0.5, REAR_MIRROR), Segment(0.6, LOST), Segment(1.0)] * 4])
    assert states[-1].budget_left == pytest.approx(10.0)


def test_a_speed_that_is_no_number_is_not_known() -> None:
    assert "long_distraction" in states_of([Segment(4.0), Segment(5.0, LAP)], speed=math.nan)


def test_a_second_long_glance_is_warned_of_before_it_is_no_response() -> None:
    script = [Segment(4.0), Segment(3.3, LAP), Segment(3.0), Segment(3.3, LAP), Segment(1.0)]
    assert states_of(script)[2:] == ["long_distraction", "attentive"] * 2


def test_time_that_nobody_saw_is_no_stay_on_the_road() -> None:
    used = [Segment(4.0), *[Segment(2.6, LAP), Segment(1.0)] * 2]

    def left(*on_road: Segment) -> float:
        budget = judge([*used, *on_road])[-1].budget_left
        assert budget is not None
        return budget

    assert left(Segment(1.3)) == pytest.approx(10.0)
    assert left(Segment(0.5), Segment(0.5, LOST), Segment(0.9)) < 6.0


def test_the_budget_is_never_less_than_nothing() -> None:
    states = judge([Segment(4.0), *[Segment(2.6, LAP), Segment(1.0)] * 6])
    left = [s.budget_left for s in states if s.budget_left is not None]
    assert np.nanmin(left) == 0.0


@pytest.mark.parametrize(
    ("then", "last"), [(Segment(1.0, LOST), "unknown"), (Segment(45.0, ROAD, HIDDEN), "attentive")]
)
def test_drowsiness_is_not_told_of_eyes_that_nobody_sees(then: Segment, last: str) -> None:
    assert states_of([*TIRED, Segment(1.0)])[-1] == "drowsy"
    assert states_of([*TIRED, then])[-1] == last


def test_who_fell_asleep_without_response_is_not_awake_because_the_eyes_are_hidden() -> None:
    glance = [Segment(4.0), Segment(5.5, LAP), Segment(1.5, LAP, CLOSED)]
    assert states_of([*glance, Segment(3.0, ROAD, HIDDEN)])[-1] == "unresponsive"
    asleep = [Segment(4.0), Segment(6.5, ROAD, CLOSED), Segment(1.0, LAP), Segment(1.2, LAP, CLOSED)]
    assert states_of([*asleep, Segment(11.0, LAP, HIDDEN), Segment(2.0, ROAD, HIDDEN)])[-1] == "unresponsive"


def test_of_a_slow_turn_only_the_last_moment_belongs_to_the_glance() -> None:
    settings = PRESETS["euro_ncap"]
    states = judge([Segment(4.0), Segment(6.0, WINDOW)], Camera(turn=6.0, sigma=0.3))
    first = next(s.glance for s in states if s.glance > 0.0)
    assert 0.5 < first < settings.transition + settings.readaptation


AFTER_LOSS = Segment(3.0, LOST)
ASLEEP = [Segment(1.0, ROAD, HIDDEN), Segment(7.0, ROAD, CLOSED)]


@pytest.mark.parametrize(
    ("settings", "script", "state", "seconds"),
    [
        ("euro_ncap", [AFTER_LOSS, Segment(4.0, LAP)], "long_distraction", 3.0),
        # Of each of the first looks, its last frame stands for 0.2 s: they last 2.6 s.
        (
            "euro_ncap",
            [*[AFTER_LOSS, Segment(2.45, LAP)] * 3, AFTER_LOSS, Segment(2.8, LAP)],
            "repeated_distraction",
            2.2,
        ),
        ("nhtsa", [AFTER_LOSS, Segment(6.0, LAP)], "unresponsive", 5.0),
        # 3.05 s of this glance pass before the loss, in which no warning is given.
        ("euro_ncap", [AFTER_LOSS, Segment(2.9, LAP), Segment(1.0, LOST), Segment(4.0, LAP)], "unresponsive", 2.95),
        ("euro_ncap", ASLEEP, "microsleep", 1.0),
        ("euro_ncap", ASLEEP, "sleep", 3.0),
        ("euro_ncap", ASLEEP, "unresponsive", 6.0),
        ("euro_ncap", [Segment(2.0, ROAD, CLOSED), Segment(1.0, ROAD, HIDDEN), Segment(1.0)], "attentive", 0.5),
        ("euro_ncap", [Segment(4.0, LAP), Segment(1.0, LOST), Segment(1.0)], "attentive", 0.5),
    ],
)
def test_what_lasts_exactly_long_enough_is_answered_in_that_frame(
    settings: str, script: list[Segment], state: str, seconds: float
) -> None:
    """What begins after a gap begins with a frame, and lasts whole frames, but their stamps are not exact."""
    begin = 1.0 + sum(segment.seconds for segment in script[:-1])
    told = timeline(judge([Segment(1.0), *script], Camera(20.0, phase=0.0), settings))
    assert next(t for name, t in told if name == state and t > begin) == pytest.approx(begin + seconds, abs=1e-3)


def test_a_head_whose_direction_is_uncertain_teaches_nothing() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [(0.0, Segment(60.0), Camera(10.0, sigma=12.0)), (60.0, Segment(2.0), CAMERA)]
    states = [judging.update(s) for begin, part, camera in script for s in see([part], camera, START + begin)]
    assert states[-1].state is State.UNKNOWN and states[-1].mounting is None
    assert states[-1].reason == "learning the neutral pose: 2 of 30 s"


def test_time_without_frames_is_not_said_to_hide_the_eyes() -> None:
    judging = policy()
    for begin in (0.0, 12.0):
        for sample in see([Segment(4.0, ROAD, HIDDEN)], CAMERA, START + begin):
            state = judging.update(sample)
    assert (state.state, state.degraded) == (State.ATTENTIVE, "")


def test_lids_that_are_heavy_with_drowsiness_are_not_how_open_the_eyes_are() -> None:
    """In the first minute they would be taken for it."""
    tired, heavy = [Segment(3.2), Segment(0.8, ROAD, CLOSED)], [Segment(3.2, ROAD, 0.5), Segment(0.8, ROAD, CLOSED)]
    states = states_of([*tired * 9, *heavy * 10, Segment(1.0), Segment(3.5, ROAD, 0.15)], camera=Camera(15.0))
    assert states == ["unknown", "attentive", "drowsy", "microsleep", "sleep"]


def test_who_looks_away_too_often_with_hidden_eyes_does_not_teach_where_the_road_is() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    down = (5.0, 20.0)
    seen, hidden = ([Segment(2.6, down, eyes), Segment(1.0, ROAD, eyes)] for eyes in (OPEN, HIDDEN))
    script = [Segment(35.0), *seen * 5, *hidden * 22, Segment(3.0)]
    states = [judging.update(sample) for sample in see(script, Camera(10.0, noise=0.5))]
    assert [name for name, _ in timeline(states)] == ["unknown", "attentive", "repeated_distraction", "attentive"]
    assert states[-1].zone == "road"
