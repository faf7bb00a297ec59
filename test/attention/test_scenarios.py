"""Scripted drivers, and what the policy must say about them: state after state, with the second of each change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from attention.drives import (
    AFTER_START,
    CAMERAS,
    CLOSED,
    CLUSTER,
    DRIVER_MIRROR,
    LAP,
    LOST,
    OPEN,
    PASSENGER,
    REAR_MIRROR,
    ROAD,
    SHOULDER,
    START,
    WINDOW,
    Camera,
    Segment,
    check,
    judge,
    timeline,
)

from dense_face_ros.attention.states import Attention, State


@pytest.mark.parametrize("rate", [15.0, 20.0, 30.0, 60.0])
@pytest.mark.parametrize("phase", [0.01, 0.5, 0.99])
@pytest.mark.parametrize("at", [LAP, PASSENGER, WINDOW])
def test_3_seconds_away_alarm_and_2_9_do_not(rate: float, phase: float, at: tuple[float, float]) -> None:
    camera = Camera(rate, phase=phase)
    short = judge([Segment(4.0), Segment(2.9, at), Segment(2.0)], camera)
    check(short, *AFTER_START)
    long = judge([Segment(4.0), Segment(3.0, at), Segment(2.0)], camera)
    check(long, *AFTER_START, ("long_distraction", 7.0), ("attentive", 7.5), within=0.1)
    alarm = next(s for s in long if s.state is State.LONG_DISTRACTION)
    assert -1e-6 <= alarm.stamp - START - 7.0 <= 1.0 / rate + 1e-6


@pytest.mark.parametrize("camera", CAMERAS)
def test_2_9_seconds_do_not_alarm_in_noise(camera: Camera) -> None:
    for seed in range(3):
        states = judge([Segment(4.0), Segment(2.9, LAP), Segment(2.0)], replace(camera, turn=0.0), seed=seed)
        check(states, *AFTER_START)


@pytest.mark.parametrize("camera", CAMERAS)
def test_phone_in_the_lap(camera: Camera) -> None:
    states = judge([Segment(5.0), Segment(5.0, LAP), Segment(3.0)], camera)
    check(states, *AFTER_START, ("long_distraction", 8.0), ("attentive", 10.7))
    alarm = next(s for s in states if s.state is State.LONG_DISTRACTION)
    assert alarm.zone == "lap" and "lap" in alarm.reason and alarm.glance == pytest.approx(3.0, abs=0.12)
    assert alarm.since == alarm.stamp


@pytest.mark.parametrize("camera", CAMERAS)
def test_who_keeps_looking_away_does_not_respond(camera: Camera) -> None:
    states = judge([Segment(5.0), Segment(8.0, LAP), Segment(2.0)], camera)
    check(states, *AFTER_START, ("long_distraction", 8.0), ("unresponsive", 11.0), ("attentive", 13.7))


@pytest.mark.parametrize("camera", CAMERAS)
def test_10_seconds_in_30_alarm_until_2_seconds_on_the_road(camera: Camera) -> None:
    still = replace(camera, turn=0.0)
    script = [Segment(4.0), *[Segment(2.6, LAP), Segment(1.5)] * 4, Segment(2.0)]
    check(
        judge(script, still),
        *AFTER_START,
        ("repeated_distraction", 4.0 + 3 * 4.1 + 2.2),
        ("attentive", 4.0 + 3 * 4.1 + 2.6 + 2.0),
        within=0.4,
    )
    with_breaks = [Segment(4.0), *[Segment(2.6, LAP), Segment(2.3)] * 6]
    check(judge(with_breaks, still), *AFTER_START)


def test_who_looks_on_for_3_seconds_after_a_warning_does_not_respond() -> None:
    # The fourth look uses up the budget after 2.2 s; it is told to be too long after 3, and would be without response
    # after 6, had nobody been warned.
    script = [Segment(4.0), *[Segment(2.6, LAP), Segment(1.5)] * 3, Segment(5.6, LAP)]
    looks = 4.0 + 3 * 4.1
    check(judge(script), *AFTER_START, ("repeated_distraction", looks + 2.2), ("long_distraction", looks + 3.0),
          ("unresponsive", looks + 2.2 + 3.0), within=0.15)  # fmt: skip


def test_the_first_second_in_a_mirror_leaves_the_budget_alone() -> None:
    def left(seconds: float) -> float:
        budget = judge([Segment(4.0), *[Segment(seconds, REAR_MIRROR), Segment(1.0)] * 4])[-1].budget_left
        assert budget is not None
        return budget

    assert left(0.9) == pytest.approx(10.0)
    assert left(1.6) == pytest.approx(10.0 - 4 * 0.6, abs=0.2)


def test_what_lies_more_than_30_seconds_back_is_not_counted() -> None:
    seldom = [Segment(4.0), *[Segment(0.9, LAP), Segment(1.9)] * 20]
    check(judge(seldom), *AFTER_START)
    assert min(s.budget_left for s in judge(seldom) if s.budget_left is not None and s.budget_left >= 0.0) < 1.0
    often = [Segment(4.0), *[Segment(1.1, LAP), Segment(1.9)] * 20]
    assert any(s.state is State.REPEATED_DISTRACTION for s in judge(often))


@pytest.mark.parametrize("camera", CAMERAS)
def test_talking_to_a_passenger(camera: Camera) -> None:
    polite = judge([Segment(4.0), *[Segment(1.2, PASSENGER), Segment(3.0)] * 8], camera)
    check(polite, *AFTER_START)
    absorbed = judge([Segment(4.0), *[Segment(2.2, PASSENGER), Segment(1.2)] * 5], camera)
    assert [state for state, _ in timeline(absorbed)] == ["unknown", "attentive", "repeated_distraction"]


@pytest.mark.parametrize("camera", CAMERAS)
def test_over_the_shoulder(camera: Camera) -> None:
    check(judge([Segment(4.0), Segment(1.5, SHOULDER), Segment(3.0)], camera), *AFTER_START)
    # A head turned so far may be lost on the way; that is said, and does not make it a road glance.
    lost = judge([Segment(4.0), Segment(0.6, SHOULDER), Segment(0.8, LOST), Segment(3.0)], camera)
    check(lost, *AFTER_START, ("unknown", 4.8), ("attentive", 5.55))


@pytest.mark.parametrize("camera", CAMERAS)
def test_lost_face_is_unknown_and_stays_so(camera: Camera) -> None:
    states = judge([Segment(4.0), Segment(6.0, LOST), Segment(3.0)], camera)
    check(states, *AFTER_START, ("unknown", 4.2), ("attentive", 10.15))
    lost = next(s for s in states if s.stamp > START + 6.0)
    assert lost.reason == "no head pose" and lost.zone == "unknown" and lost.last_known is State.ATTENTIVE


def test_a_glance_goes_on_behind_a_short_loss_but_not_a_long_one() -> None:
    def away_twice(gap: float) -> list[Attention]:
        return judge([Segment(4.0), Segment(2.0, LAP), Segment(gap, LOST), Segment(1.5, LAP), Segment(1.0)])

    # Twice 0.1 s of the two looks is not told: evidence holds for 0.2 s, and is believed at once when dated back.
    check(away_twice(1.0), *AFTER_START, ("unknown", 6.2), ("attentive", 7.15), ("long_distraction", 7.8),
          ("attentive", 9.0), within=0.1)  # fmt: skip
    check(away_twice(2.5), *AFTER_START, ("unknown", 6.2), ("attentive", 8.65), within=0.1)


def test_alarm_then_loss_tells_what_was_known_last() -> None:
    states = judge([Segment(4.0), Segment(4.0, ROAD, CLOSED), Segment(3.0, LOST)])
    assert states[-1].state is State.UNKNOWN and states[-1].last_known is State.SLEEP


@pytest.mark.parametrize(
    ("kmh", "alarm"), [(15.0, None), (30.0, 10.0), (49.0, 10.0), (50.0, 7.5), (100.0, 7.5), (None, 7.5)]
)
def test_speed_decides_in_eu_addw(kmh: float | None, alarm: float | None) -> None:
    speed = None if kmh is None else kmh / 3.6
    states = judge([Segment(4.0), Segment(6.4, LAP), Segment(2.0)], settings="eu_addw", speed=speed)
    if alarm is None:
        check(states, *AFTER_START, ("unknown", 7.5), ("attentive", 10.5))
        assert any("not judged at this speed" in s.reason for s in states)
    else:
        check(states, *AFTER_START, ("long_distraction", alarm), ("attentive", 10.9))
    assert all(s.budget_left is None for s in states)


def test_eu_addw_judges_looks_into_its_area_3_only() -> None:
    aside = judge([Segment(4.0), Segment(6.0, PASSENGER), Segment(2.0)], settings="eu_addw")
    check(aside, *AFTER_START, ("unknown", 7.5), ("attentive", 10.15))
    assert any(s.reason.endswith("away from the road for 4.0 s; not judged there") for s in aside)
    # The look into the lap begins when the head leaves the passenger.
    both = judge([Segment(4.0), Segment(2.0, PASSENGER), Segment(4.0, LAP), Segment(2.0)], settings="eu_addw")
    check(both, *AFTER_START, ("long_distraction", 9.5), ("attentive", 10.5))
    assert next(s for s in both if s.state is State.LONG_DISTRACTION).glance == pytest.approx(5.5, abs=0.1)
    parted = [Segment(4.0), Segment(2.5, LAP), Segment(0.8, PASSENGER), Segment(2.5, LAP), Segment(2.0)]
    assert State.LONG_DISTRACTION not in {s.state for s in judge(parted, settings="eu_addw")}
    between = judge([Segment(4.0), Segment(3.0, (0.0, 20.0))], settings="eu_addw")
    assert between[-1].state is State.UNKNOWN, "at the area's border nobody can tell"


@pytest.mark.parametrize(("yaw", "judged"), [(34.5, True), (39.5, False), (-34.5, True), (-39.5, False)])
def test_eu_addw_judges_looks_down_as_far_as_37_degrees_to_the_side(yaw: float, judged: bool) -> None:
    states = judge([Segment(4.0), Segment(5.0, (yaw, 35.0))], settings="eu_addw")
    assert states[-1].state is (State.LONG_DISTRACTION if judged else State.UNKNOWN)
    assert states[-1].reason.endswith("not judged there") is not judged


@pytest.mark.parametrize(("last", "alarm"), [(0.4, False), (0.8, True)])
def test_12_seconds_in_all_are_too_many_for_nhtsa(last: float, alarm: bool) -> None:
    states = judge([Segment(4.0), *[Segment(1.9, LAP), Segment(1.5)] * 6, Segment(last, LAP)], settings="nhtsa")
    assert (State.REPEATED_DISTRACTION in {s.state for s in states}) is alarm, "11.8 s or 12.2 s"


@pytest.mark.parametrize(("look", "alarm"), [(0.4, None), (0.55, 55.9)])
def test_nhtsa_counts_the_looks_of_a_minute(look: float, alarm: float | None) -> None:
    """Looks that are 1.9 s apart: of 0.55 s each, they are 12 s within 52 s, and of 0.4 s never."""
    states = judge([Segment(4.0), *[Segment(look, LAP), Segment(1.9)] * 26], Camera(20.0), "nhtsa")
    check(states, *AFTER_START, *([] if alarm is None else [("repeated_distraction", alarm)]))


def test_nhtsa_is_stricter() -> None:
    check(judge([Segment(4.0), Segment(2.5, LAP), Segment(2.0)], settings="nhtsa"), *AFTER_START,
          ("long_distraction", 6.0), ("attentive", 7.0))  # fmt: skip


def test_doubt_about_the_direction_is_no_evidence() -> None:
    assert {s.state for s in judge([Segment(5.0)], Camera(sigma=12.0))} == {State.UNKNOWN}
    at_border = (13.0, 0.0)
    assert {s.state for s in judge([Segment(5.0, at_border)], Camera(sigma=5.0))} == {State.UNKNOWN}
    assert judge([Segment(5.0, at_border)], Camera(sigma=0.5))[-1].state is State.ATTENTIVE


def test_single_wrong_frames_change_nothing() -> None:
    away = [Segment(4.0), *[Segment(0.4, LAP), Segment(0.033, ROAD)] * 8]
    check(judge(away, Camera(turn=0.0)), *AFTER_START, ("long_distraction", 7.0))
    road = [Segment(4.0), *[Segment(0.7), Segment(0.033, PASSENGER)] * 60]
    states = judge(road, Camera(turn=0.0))
    check(states, *AFTER_START)
    assert all(s.zone == "road" for s in states if s.state is State.ATTENTIVE)


def test_transition_belongs_to_the_glance() -> None:
    # The head needs half a second for the turn; it leaves the road zone late in it.
    states = judge([Segment(4.0), Segment(4.0, PASSENGER)], Camera(turn=0.6))
    check(states, *AFTER_START, ("long_distraction", 7.0), within=0.12)


def test_a_turn_begins_on_the_road_not_in_the_glance_before() -> None:
    # The lap lies farther from the passenger than the road does: it must not be taken for where the head rested.
    states = judge([Segment(3.0), Segment(0.3, LAP), Segment(0.3), Segment(2.9, PASSENGER), Segment(2.0)], Camera(15.0))
    check(states, *AFTER_START)


def test_an_hour_of_normal_driving_raises_nothing() -> None:
    states = judge(normal_driving(3600.0), Camera(15.0, noise=0.7, jitter=0.2, dropout=0.01, turn=0.25), seed=5)
    assert len(states) > 50_000
    assert {s.state for s in states} == {State.UNKNOWN, State.ATTENTIVE}
    # Looks at the instruments end on the road's border for a head's direction: some of them cannot be told.
    assert sum(s.state is State.UNKNOWN for s in states) < 0.02 * len(states)
    zones = {s.zone for s in states}
    assert zones >= {"road", "rear_mirror", "driver_mirror", "cluster", "driver_shoulder"}


def normal_driving(seconds: float) -> list[Segment]:
    """Mirrors every few seconds, instruments, a look over the shoulder now and then, blinks."""
    rng, out, total = np.random.default_rng(3), [], 0.0
    targets = [REAR_MIRROR, DRIVER_MIRROR, CLUSTER, SHOULDER]
    while total < seconds:
        road = tuple(float(angle) for angle in rng.normal(0.0, (2.5, 1.5)))
        target = targets[rng.choice(4, p=[0.4, 0.25, 0.3, 0.05])]
        at_road, away = float(rng.uniform(1.5, 8.0)), float(rng.uniform(0.6, 1.2))
        blink = float(rng.uniform(0.12, 0.3))
        out += [Segment(0.5 * at_road, road), Segment(blink, road, CLOSED), Segment(0.5 * at_road, road, OPEN),
                Segment(away, target)]  # fmt: skip
        total += at_road + blink + away
    return out
