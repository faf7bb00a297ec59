"""What the scripted drives do not show: broken input, doubt during an alarm, and the borders of what is judged."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from attention.drives import (
    CAMERA,
    CLOSED,
    HIDDEN,
    LAP,
    LOST,
    REAR_MIRROR,
    ROAD,
    SHOULDER,
    START,
    TIRED,
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
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State


def test_an_alarm_ends_only_with_attention_that_is_seen() -> None:
    states = judge([Segment(3.0), Segment(4.0, LAP), Segment(8.0, LOST), Segment(1.0, LAP), Segment(2.0)], CAMERA)
    assert [state for state, _ in timeline(states)] == [
        "unknown", "attentive", "long_distraction", "unknown", "long_distraction", "attentive"
    ]  # fmt: skip


def test_without_a_mounting_nothing_is_known() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, None)
    states = [judging.update(sample) for sample in see([Segment(1.0)], CAMERA)]
    assert {s.state for s in states} == {State.UNKNOWN} and "mounting is not known" in states[-1].reason


def test_waking_is_believed_where_nobody_knows_the_road() -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, None)
    script = [Segment(1.0), Segment(6.5, eyes=CLOSED), Segment(20.0), Segment(1.5, eyes=CLOSED)]
    states = [judging.update(sample) for sample in see(script, CAMERA)]
    assert [state for state, _ in timeline(states)] == [
        "unknown", "microsleep", "sleep", "unresponsive", "unknown", "microsleep"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "flaw"),
    [
        ({"covariance": np.zeros((6, 6))}, "head_pose has no valid covariance"),
        ({"covariance": None}, "head_pose has no valid covariance"),
        ({"rotation": np.full((3, 3), np.nan)}, "the orientation of head_pose is no unit quaternion"),
        ({"rotation": None, "lacking": "the pose is late"}, "the pose is late"),
    ],
)
def test_a_pose_that_cannot_be_used_is_no_evidence_and_no_missing_driver(broken: dict[str, Any], flaw: str) -> None:
    judging = policy()
    states = [judging.update(replace(sample, **broken)) for sample in see([Segment(11.0)], CAMERA)]
    assert {(s.state, s.reason) for s in states} == {(State.UNKNOWN, flaw)} and judging.flaw == flaw
    assert all(np.isnan(s.closure) for s in states), "eyes of a head that is not there"
    assert states[-1].degraded == f"{flaw}: nothing can be told"
    silent = judging.lapse(states[-1].stamp + 0.5, "nothing received")
    assert silent.degraded == "driver not seen: nothing can be told" and not judging.flaw
    good = list(see([Segment(1.0)], CAMERA, start=states[-1].stamp + 1.0))
    assert [judging.update(sample).state for sample in good][-1] is State.ATTENTIVE and not judging.flaw


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ({"rotation": None, "lacking": "the pose is late"}, True),
        ({"covariance": np.full((6, 6), np.nan)}, True),
        ({"rotation": None}, False),
    ],
    ids=["late", "no covariance", "nobody"],
)
def test_a_head_whose_pose_is_withheld_is_still_the_same_driver(broken: dict[str, Any], kept: bool) -> None:
    """A minute without usable poses of a head that is seen all the while; or nobody was."""
    judging = policy()
    *_, last = (judging.update(sample) for sample in see([Segment(1.0), Segment(9.0, LAP)], CAMERA))
    assert last.state is State.UNRESPONSIVE
    for sample in see([Segment(61.0, LAP)], CAMERA, start=last.stamp + 0.1):
        last = judging.update(replace(sample, **broken))
    assert last.state is State.UNKNOWN
    after = [judging.update(sample).state for sample in see([Segment(2.0, LAP)], CAMERA, start=last.stamp + 0.1)]
    assert (State.UNRESPONSIVE in after) is kept


def test_a_mounting_that_is_no_rotation_says_nothing() -> None:
    judging = policy()
    judging.heading.mounting = np.full((3, 3), np.nan)
    states = [judging.update(sample) for sample in see([Segment(6.0, LAP)], Camera())]
    assert {state.state for state in states} == {State.UNKNOWN}
    assert states[-1].reason == "the camera's mounting is not known"
    with pytest.raises(ValueError, match=r"camera mounting is \(nan, 0, 0\)"):
        camera_mounting(float("nan"), 0, 0)


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


def test_drowsiness_hides_no_worse_alarm_when_the_direction_is_in_doubt() -> None:
    border = Segment(2.0, (17.0, 0.0))
    assert states_of([*TIRED, border], camera=Camera(sigma=2.5))[-1] == "drowsy"
    changes = states_of([*TIRED, Segment(8.0, LAP), border, Segment(1.0, LAP)], camera=Camera(sigma=2.5))
    assert changes[-3:] == ["unresponsive", "unknown", "unresponsive"]


def test_a_look_that_is_not_judged_is_no_missing_response() -> None:
    script = [Segment(4.0), Segment(3.8, LAP), Segment(3.3, WINDOW)]
    assert "unresponsive" not in states_of(script, settings="eu_addw", speed=28.0)
    assert states_of([*script[:1], Segment(7.0, LAP)], settings="eu_addw", speed=28.0)[-1] == "unresponsive"


@pytest.mark.parametrize("settings", sorted(PRESETS))
def test_who_drives_backwards_may_look_behind(settings: str) -> None:
    """Also when the car drives on forwards before the eyes are back on the road: that glance begins anew then."""
    judging, told = policy(settings), []
    forwards, backwards = 14.0, -1.5
    parts = (([Segment(4.0)], forwards), ([Segment(25.0, SHOULDER)], backwards), ([Segment(1.5, SHOULDER)], forwards),
             ([Segment(3.0)], forwards))  # fmt: skip
    start = START
    for script, speed in parts:
        told += [judging.update(sample) for sample in see(script, CAMERA, start, speed)]
        start += script[0].seconds
    assert {s.state for s in told} == {State.UNKNOWN, State.ATTENTIVE} and told[-1].state is State.ATTENTIVE
    assert any(s.reason.endswith("not judged at this speed") for s in told)
    assert "long_distraction" in states_of([Segment(4.0), Segment(6.5, LAP)], settings=settings, speed=forwards)


def test_a_mirror_look_that_loses_the_head_keeps_its_grace() -> None:
    states = judge([Segment(4.0), *[Segment(0.5, REAR_MIRROR), Segment(0.6, LOST), Segment(1.0)] * 4])
    assert states[-1].budget_left == pytest.approx(10.0)


def test_a_speed_that_is_no_number_is_not_known() -> None:
    assert "long_distraction" in states_of([Segment(4.0), Segment(5.0, LAP)], speed=math.nan)


@pytest.mark.parametrize(
    ("glance", "road", "count", "alarm"), [(1.0, 1.8, 13, True), (0.4, 1.8, 44, False)], ids=["in 36 s", "in 96 s"]
)
def test_twelve_seconds_in_a_minute_are_too_many_for_nhtsa(glance: float, road: float, count: int, alarm: bool) -> None:
    script = [Segment(4.0), *[Segment(glance, LAP), Segment(road)] * count]
    assert ("repeated_distraction" in states_of(script, Camera(20.0), settings="nhtsa")) is alarm


def test_a_second_long_glance_is_warned_of_before_it_is_no_response() -> None:
    script = [Segment(4.0), Segment(3.3, LAP), Segment(3.0), Segment(3.3, LAP), Segment(1.0)]
    assert states_of(script)[2:] == ["long_distraction", "attentive"] * 2


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
