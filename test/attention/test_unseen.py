"""What is not seen, or not judged, raises no alarm and is not attention."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from attention.drives import (
    CLOSED,
    DRIVER_MIRROR,
    HIDDEN,
    LAP,
    LOST,
    MOUNTING,
    PASSENGER,
    ROAD,
    START,
    WINDOW,
    ZONES,
    Camera,
    Segment,
    judge,
    see,
    states_of,
    timeline,
)

from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State


def test_looks_now_into_the_judged_area_now_beside_it_are_no_attention() -> None:
    looks = [Segment(3.4, PASSENGER), Segment(3.4, LAP)] * 5
    states = judge([Segment(4.0), *looks, Segment(2.0)], settings="eu_addw", speed=20.0)
    away = [s for s in states if START + 11.2 < s.stamp < START + 38.0]  # what is not judged adds up to 3.5 s by then
    assert {s.state for s in away} == {State.UNKNOWN}
    assert any("of which the last 2.0 s are judged" in s.reason for s in away)
    assert any(s.reason.endswith("not judged there") for s in away)
    assert states[-1].state is State.ATTENTIVE


def test_doubt_about_the_judged_area_ends_no_glance() -> None:
    border, lap = (0.0, 17.5), (0.0, 30.0)  # the area is larger by 3 degrees while the head points into it
    script = [Segment(4.0), Segment(3.3, lap), *[Segment(2.4, border), Segment(3.3, lap)] * 2]
    assert "long_distraction" in states_of(script, settings="eu_addw", speed=20.0)


@pytest.mark.parametrize("rate", [15.0, 30.0, 60.0])
def test_time_in_which_nothing_is_seen_raises_no_alarm(rate: float) -> None:
    looks = [Segment(4.0), Segment(2.85, LAP), Segment(5.0, LOST), Segment(2.0)]
    assert "long_distraction" not in states_of(looks, Camera(rate))
    shut = [Segment(4.0), Segment(0.85, ROAD, CLOSED), Segment(0.6, ROAD, HIDDEN), Segment(2.0)]
    assert "microsleep" not in states_of(shut, Camera(rate))


@pytest.mark.parametrize(
    ("look", "loss", "alarm"),
    [
        (Segment(2.85, LAP), Segment(0.6, LOST), "long_distraction"),
        (Segment(0.85, ROAD, CLOSED), Segment(0.6, ROAD, HIDDEN), "microsleep"),
    ],
)
def test_it_is_raised_when_the_same_is_seen_after_it(look: Segment, loss: Segment, alarm: str) -> None:
    before = look.seconds + loss.seconds
    (at,) = [t for name, t in timeline(judge([Segment(4.0), look, loss, look])) if name == alarm]
    assert 4.0 + before < at < 4.0 + before + 0.25, "as soon as it is believed"


@pytest.mark.parametrize("turn", [0.0, 0.3, 0.6, 0.9])
def test_3_seconds_after_a_warning_that_holds_include_the_turn_of_the_head(turn: float) -> None:
    looks = [Segment(2.6, LAP), Segment(1.5)] * 4
    states = judge([Segment(4.0), *looks, Segment(6.0, LAP)], Camera(turn=turn))
    alarm = next(s for s in states if s.state is State.UNRESPONSIVE)
    assert alarm.glance == pytest.approx(3.0, abs=0.05)
    assert next(s for s in states if s.state is State.REPEATED_DISTRACTION).stamp < alarm.stamp - 3.0


@pytest.mark.parametrize("budget_reset", [0.1, 2.0, 20.0])
def test_a_gap_is_as_long_whatever_gives_the_budget_back(budget_reset: float) -> None:
    settings = replace(PRESETS["custom"], budget_reset=budget_reset)
    short, long = Segment(0.4, ROAD, HIDDEN), Segment(5.0, ROAD, HIDDEN)
    for gap, alarm in ((short, True), (long, False)):
        shut = [Segment(4.0), Segment(0.7, ROAD, CLOSED), gap, Segment(0.7, ROAD, CLOSED), Segment(1.0)]
        assert ("microsleep" in states_of(shut, settings=settings)) is alarm
    for gap, alarm in ((Segment(0.4, LOST), True), (Segment(5.0, LOST), False)):
        looks = [Segment(4.0), Segment(2.0, LAP), gap, Segment(1.5, LAP), Segment(1.0)]
        assert ("long_distraction" in states_of(looks, settings=settings)) is alarm


def ended(script: list[Segment]) -> float:
    """When an alarm has ended."""
    return next(t for name, t in timeline(judge(script)) if name == "attentive" and t > 7.0)


def test_eyes_that_are_hidden_in_a_blink_are_not_shut() -> None:
    script = [Segment(4.0), Segment(3.5, LAP), Segment(0.2, ROAD, CLOSED), Segment(2.0, ROAD, HIDDEN)]
    assert ended(script) < 7.5 + 0.2 + 0.2 + 0.6, "half a second on the road, after the lids' last state has expired"
    script[2:] = [Segment(0.6, ROAD, CLOSED), Segment(4.0, ROAD, HIDDEN)]
    assert ended(script) > 7.5 + 0.6 + 2.0, "but those that were shut for longer"


@pytest.mark.parametrize(
    ("zone", "at", "beside"),
    [
        ("driver_mirror", DRIVER_MIRROR, (29.0, 17.5)),
        ("lap", LAP, (49.0, 40.0)),
        ("driver_window", WINDOW, (60.0, 32.0)),
    ],
)
def test_a_zone_is_as_large_as_ever_after_a_loss(
    zone: str, at: tuple[float, float], beside: tuple[float, float]
) -> None:
    """It is larger while the head points at it."""
    fresh = judge([Segment(2.0), Segment(1.0, beside)], Camera(sigma=0.5))[-1].zone
    held = judge([Segment(2.0), Segment(1.0, at), Segment(1.0, beside)], Camera(sigma=0.5))[-1].zone
    lost = [Segment(2.0), Segment(1.0, at), Segment(30.0, LOST), Segment(1.0, beside)]
    assert (fresh, held) == ("elsewhere", zone)
    assert judge(lost, Camera(sigma=0.5))[-1].zone == "elsewhere"


@pytest.mark.parametrize("speed", [None, math.nan, math.inf])
def test_a_speed_that_is_no_number_is_unknown(speed: float | None) -> None:
    judging = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose())
    states = [judging.update(sample) for sample in see([Segment(40.0), Segment(3.5, LAP)], Camera(), speed=speed)]
    assert states[-1].state is State.LONG_DISTRACTION


@pytest.mark.parametrize("rate", [10.0, 20.0, 30.0, 60.0])
def test_a_gap_of_exactly_two_seconds_ends_a_glance_and_a_closure(rate: float) -> None:
    hidden = 2.2 - 1.0 / rate  # the last frame before it stands for 0.2 s
    shut = [Segment(4.0), Segment(0.7, ROAD, CLOSED), Segment(hidden, ROAD, HIDDEN), Segment(0.7, ROAD, CLOSED)]
    looks = [Segment(4.0), Segment(2.0, LAP), Segment(hidden, LOST), Segment(1.5, LAP)]
    for script in (shut, looks):
        assert not {"microsleep", "long_distraction"} & set(states_of(script, Camera(rate)))


@pytest.mark.parametrize("rate", [10.0, 20.0, 30.0, 60.0])
def test_a_microsleep_is_given_up_in_the_frame_that_ends_ten_seconds_of_hidden_eyes(rate: float) -> None:
    script = [Segment(4.0), Segment(2.0, ROAD, CLOSED), Segment(12.0, ROAD, HIDDEN)]
    told = timeline(judge(script, Camera(rate, phase=0.0)))
    assert [at for name, at in told if name == "attentive"][-1] == pytest.approx(16.2 - 1.0 / rate, abs=1e-3)


#: Its frames come a hundredth of a microsecond early: a hundred of them are ten seconds all the same.
_NOT_EXACT = Camera(10.000001)


def test_who_comes_in_the_frame_that_ends_ten_seconds_without_a_head_may_be_another() -> None:
    states = judge([Segment(36.0), Segment(9.9, LOST), Segment(1.0)], _NOT_EXACT)
    assert not math.isnan(states[350].perclos) and math.isnan(states[-1].perclos)


def test_eyes_that_were_hidden_for_the_time_that_counts_before_an_alarm_were_never_seen() -> None:
    """Such a driver, who now sits otherwise, is learned anew. The alarm is raised after 11 s, 10.9 s after a frame."""
    settings = replace(PRESETS["euro_ncap"], unseen=10.9)
    judging = AttentionPolicy(settings, ZONES, MOUNTING, NeutralPose(needed=5.0))
    script = [Segment(8.0, ROAD, HIDDEN), Segment(20.0, (20.0, 0.0), HIDDEN)]
    states = [judging.update(sample) for sample in see(script, _NOT_EXACT)]
    assert "long_distraction" in {state for state, _ in timeline(states)}
    assert states[-1].state is State.ATTENTIVE
