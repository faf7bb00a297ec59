"""What the scripted drives do not show: broken input, silence, restarts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from attention.drives import CLOSED, LAP, LOST, MOUNTING, START, ZONES, Camera, Segment, judge, policy, see, timeline

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
    assert [s.glance for s in again] == [s.glance for s in first]


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
    assert (state.state, state.since, state.last_known, state.budget_left) == (State.UNKNOWN, 5.0, None, 10.0)
