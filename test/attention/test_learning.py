"""What the policy learns while it judges: where the road is, how open the eyes are, and of whom."""

from __future__ import annotations

import math

import pytest
from attention.drives import (
    CAMERA,
    CLOSED,
    HIDDEN,
    LOST,
    MOUNTING,
    OPEN,
    ROAD,
    START,
    ZONES,
    Camera,
    Segment,
    judge,
    policy,
    see,
    states_of,
    timeline,
)

from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State


def test_sleep_is_told_before_the_mounting_is_learned() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [Segment(2.0), Segment(4.0, eyes=CLOSED), Segment(2.0)]
    states = [judging.update(sample) for sample in see(script, CAMERA)]
    assert [state for state, _ in timeline(states)] == ["unknown", "microsleep", "sleep", "unknown"]
    assert "learning the neutral pose" in states[-1].reason


@pytest.mark.parametrize("eyes", [CLOSED, HIDDEN])
def test_who_does_not_respond_does_not_teach_where_the_road_is(eyes: float) -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [Segment(60.0), Segment(120.0, (5.0, 20.0), eyes), Segment(4.0)]
    states = [judging.update(sample) for sample in see(script, Camera(10.0, noise=0.5), speed=25.0)]
    assert states[-50].state is State.UNRESPONSIVE and states[-1].zone == "road"


def test_who_drives_backwards_does_not_teach_where_the_road_is() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    in_mirror = [Segment(40.0, (-26.0, -8.0))]
    told = [judging.update(sample) for sample in see(in_mirror, Camera(10.0), speed=-6.0)]
    assert {s.state for s in told} == {State.UNKNOWN} and told[-1].mounting is None
    told = [judging.update(sample) for sample in see(in_mirror, Camera(10.0), start=START + 40.0, speed=6.0)]
    assert told[-1].mounting is not None


@pytest.mark.parametrize(("speed", "learned"), [(4.9, False), (5.0, True), (None, True), (math.nan, True)])
def test_where_the_road_is_is_learned_in_a_car_that_may_be_moving(speed: float | None, learned: bool) -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose(needed=2.0))
    for sample in see([Segment(3.0)], Camera(10.0), speed=speed):
        state = judging.update(sample)
    assert (state.mounting is not None) is learned


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


def test_a_head_whose_direction_is_uncertain_teaches_nothing() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    script = [(0.0, Segment(60.0), Camera(10.0, sigma=12.0)), (60.0, Segment(2.0), CAMERA)]
    states = [judging.update(s) for begin, part, camera in script for s in see([part], camera, START + begin)]
    assert states[-1].state is State.UNKNOWN and states[-1].mounting is None
    assert states[-1].reason == "learning the neutral pose: 2 of 30 s"


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
