"""What the scripted drives do not show: broken input, silence, restarts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from attention.drives import (
    CLOSED,
    LAP,
    LOST,
    MOUNTING,
    ROAD,
    START,
    ZONES,
    Camera,
    Segment,
    judge,
    policy,
    see,
    timeline,
)

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy, HeadSample
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State

CAMERA = Camera(30.0)


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


def test_silence_is_unknown_and_its_time_is_not_counted() -> None:
    judging = policy()
    for sample in see([Segment(2.0), Segment(2.0, LAP)], CAMERA):
        judging.update(sample)
    silent = judging.lapse(START + 4.5, "nothing received")
    assert (silent.state, silent.zone, silent.reason) == (State.UNKNOWN, "unknown", "nothing received")
    assert silent.last_known is State.ATTENTIVE
    later = [judging.update(sample) for sample in see([Segment(1.5, LAP)], CAMERA, start=START + 5.0)]
    assert later[0].state is State.UNKNOWN, "one frame proves nothing"
    alarm = next(s for s in later if s.state is State.LONG_DISTRACTION)
    assert 1.0 <= alarm.stamp - (START + 5.0) <= 1.15, "2 s before the silence, 1 s after it"


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


def test_silence_of_any_length_keeps_what_was_counted() -> None:
    """A replay is paused: the stamps go on where they were, whatever the node's clock says meanwhile."""
    drive = list(see([Segment(4.0), *[Segment(2.5, LAP), Segment(1.9)] * 3], Camera()))
    tired = list(see([Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 12, Camera()))
    for script in (drive, tired):
        paused, steady = policy(), policy()
        for i, sample in enumerate(script):
            if i == len(script) - 15:
                for waited in (0.4, 35.0, 120.0):
                    asked = paused.lapse(script[i - 1].stamp + waited, "nothing arrives")
                    assert asked.state is State.UNKNOWN
            after, expected = paused.update(sample), steady.update(sample)
        assert after.budget_left == pytest.approx(expected.budget_left, abs=0.3)
        assert after.perclos == pytest.approx(expected.perclos, abs=0.05, nan_ok=True)
        assert after.state is expected.state


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
    assert {state.degraded for state in states} == {""}
