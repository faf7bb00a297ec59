"""What must hold for every drive."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attention.drives import (
    CLOSED,
    HIDDEN,
    LAP,
    LOST,
    OPEN,
    PASSENGER,
    REAR_MIRROR,
    ROAD,
    START,
    Camera,
    Segment,
    judge,
    timeline,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dense_face_ros.attention.states import State

seconds = st.integers(3, 45).map(lambda tenths: tenths / 10.0)
segments = st.builds(
    Segment,
    seconds,
    st.sampled_from([ROAD, ROAD, LAP, PASSENGER, REAR_MIRROR, LOST]),
    st.sampled_from([OPEN, OPEN, CLOSED, HIDDEN]),
)
scripts = st.lists(segments, min_size=2, max_size=9)
SLOW = Camera(15.0, jitter=0.2, dropout=0.02)


@settings(max_examples=15)
@given(script=scripts, data=st.data())
def test_more_time_away_never_lowers_the_alarm(script: list[Segment], data: st.DataObject) -> None:
    # A head that is found again shows its eyes, too, and would change more than where it points.
    seen = [i for i, segment in enumerate(script) if segment.at is not LOST]
    assume(seen)
    index = data.draw(st.sampled_from(seen))
    away = [*script]
    away[index] = Segment(script[index].seconds, LAP, script[index].eyes)
    before, after = judge(script, SLOW), judge(away, SLOW)
    for was, now in zip(before, after, strict=True):
        if State.UNKNOWN not in (was.state, now.state):
            assert now.state.severity >= was.state.severity, (was, now)


#: Of an awake driver, long enough that one look more makes one alarm of two looks, or a worse one.
looks = st.lists(
    st.builds(Segment, st.integers(5, 35).map(lambda tenths: tenths / 10.0), st.sampled_from([ROAD, LAP, PASSENGER])),
    min_size=4,
    max_size=8,
)


@settings(max_examples=25)
@given(script=looks, data=st.data())
def test_a_look_more_never_lowers_the_alarm(script: list[Segment], data: st.DataObject) -> None:
    at_road = [i for i, segment in enumerate(script) if segment.at is ROAD]
    assume(at_road)
    away = [*script]
    index = data.draw(st.sampled_from(at_road))
    away[index] = Segment(script[index].seconds, LAP)
    camera = Camera(15.0)
    for was, now in zip(judge(script, camera), judge(away, camera), strict=True):
        assert State.UNKNOWN in (was.state, now.state) or now.state.severity >= was.state.severity, (was, now)


@settings(max_examples=12)
@given(script=scripts, shift=st.integers(-900, 2_000_000_000))
def test_when_it_happens_does_not_matter(script: list[Segment], shift: int) -> None:
    here, there = judge(script, SLOW), judge(script, SLOW, start=START + shift)
    assert [s.state for s in here] == [s.state for s in there]
    assert [s.zone for s in here] == [s.zone for s in there]
    assert [s.glance for s in here] == pytest.approx([s.glance for s in there], abs=1e-4, nan_ok=True)
    since = [s.since - START for s in here]
    assert since == pytest.approx([s.since - START - shift for s in there], abs=1e-5)


def _glance(duration: float) -> list[Segment]:
    return [Segment(4.0), Segment(duration, LAP), Segment(3.0)]


def _closure(duration: float) -> list[Segment]:
    return [Segment(4.0), Segment(duration, ROAD, CLOSED), Segment(3.0)]


#: Durations that are not a frame from a threshold.
durations = st.one_of(*(st.floats(low, high) for low, high in ((0.3, 0.85), (1.15, 2.85), (3.15, 5.85), (6.15, 8.0))))


@settings(max_examples=12)
@given(make=st.sampled_from([_glance, _closure]), duration=durations, rate=st.floats(15.0, 60.0), phase=st.floats(0, 1))
def test_the_frame_rate_does_not_matter_by_more_than_a_frame(
    make: Callable[[float], list[Segment]], duration: float, rate: float, phase: float
) -> None:
    slow = timeline(judge(make(duration), Camera(rate, phase=phase)))
    fast = timeline(judge(make(duration), Camera(60.0)))
    assert [state for state, _ in slow] == [state for state, _ in fast]
    for (_, a), (_, b) in list(zip(slow, fast, strict=True))[2:]:
        assert abs(a - b) <= 1.5 / rate + 1.5 / 60.0


@settings(max_examples=12)
@given(script=scripts)
def test_attentive_needs_evidence(script: list[Segment]) -> None:
    states = judge(script, Camera(30.0))
    begin = 0.0
    for segment in script:
        lost = [s for s in states if begin + 0.25 < s.stamp - START < begin + segment.seconds]
        if segment.at is LOST:
            assert {s.state for s in lost} <= {State.UNKNOWN}
        begin += segment.seconds


@settings(max_examples=12)
@given(script=scripts)
def test_a_recording_gives_the_same_states_again(script: list[Segment]) -> None:
    assert repr(judge(script, SLOW)) == repr(judge(script, SLOW))
