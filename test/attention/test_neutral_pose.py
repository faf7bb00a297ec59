from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from attention.drives import LAP, MOUNTING, PASSENGER, REAR_MIRROR, START, ZONES, Camera, Segment, see

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import State
from dense_face_ros.geometry import (
    FACING_CAMERA,
    Array,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    vector_from_rotation,
)
from dense_face_ros.ros.message_content import ASSUMED_FOCAL_SPREAD

ASSUMED = camera_mounting(0.0, 0.0, 0.0)
#: Six tenths of the time on the road, the rest to all sides.
BUSY = [Segment(3.0), Segment(1.0, LAP), Segment(2.0), Segment(1.3, PASSENGER), Segment(1.0, REAR_MIRROR)]


def rotation(yaw: float, pitch: float, roll: float = 0.0) -> Array:
    return FACING_CAMERA.T @ rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, roll]))


def learn(neutral: NeutralPose, yaw: float, pitch: float, seconds: float, roll: float = 0.0) -> None:
    rng = np.random.default_rng(1)
    for dy, dp in 2.0 * rng.normal(size=(int(seconds / 0.1), 2)):
        neutral.learn(rotation(yaw + dy, pitch + dp, roll), 0.1)


def error(neutral: NeutralPose, yaw: float, pitch: float, roll: float = 0.0) -> float:
    assert neutral.rotation is not None
    return float(np.degrees(np.linalg.norm(vector_from_rotation(neutral.rotation.T @ rotation(yaw, pitch, roll)))))


def test_unknown_until_enough_was_seen() -> None:
    neutral = NeutralPose(needed=30.0)
    learn(neutral, 12.0, -6.0, 28.0)
    assert neutral.rotation is None
    learn(neutral, 12.0, -6.0, 10.0)
    assert error(neutral, 12.0, -6.0) < 1.0


def test_its_lasting_error_is_that_of_the_looks_it_comes_from() -> None:
    neutral = NeutralPose(needed=10.0)
    for at, seconds, error_there in ((10.0, 4.0, 0.1), (-30.0, 4.0, 0.9), (11.0, 4.0, 0.3)):
        neutral.learn(rotation(at, 5.0), seconds, error_there * np.array([0.0, 1.0, -1.0]))
    assert neutral.lasting_error == pytest.approx([0.0, 0.2, -0.2], abs=0.01)
    neutral.reset()
    assert neutral.rotation is None and not neutral.lasting_error.any()


def test_distractions_do_not_move_it() -> None:
    neutral = NeutralPose()
    for _ in range(12):
        learn(neutral, 10.0, 5.0, 5.0, roll=6.0)
        learn(neutral, 15.0, 40.0, 4.0)
        learn(neutral, -30.0, 0.0, 1.0)
    assert error(neutral, 10.0, 5.0, 6.0) < 1.0


@pytest.mark.parametrize("roll", [0.0, 90.0, 178.0, -90.0])
def test_a_camera_may_hang_in_any_way(roll: float) -> None:
    """Around 180 degrees the roll jumps between its two ends."""
    neutral, rng = NeutralPose(), np.random.default_rng(2)
    for noise in 4.0 * rng.normal(size=400):
        neutral.learn(rotation(6.0, -4.0, roll + noise), 0.1)
    assert error(neutral, 6.0, -4.0, roll) < 1.0


def test_an_upside_down_camera_that_nobody_told_of_sees_the_same_zones() -> None:
    hanging = camera_mounting(0.0, 0.0, 180.0)
    policy = AttentionPolicy(PRESETS["euro_ncap"], ZONES, ASSUMED, NeutralPose())
    zones = {}
    script = [Segment(40.0), Segment(2.0, LAP), Segment(3.0), Segment(2.0, PASSENGER)]
    for sample in see(script, Camera(noise=1.0)):
        assert sample.rotation is not None
        turned = replace(sample, rotation=hanging.T @ MOUNTING @ sample.rotation)
        zones[round(sample.stamp - START, 3)] = policy.update(turned).zone
    asked = {time: zone for time, zone in zones.items() if 41.0 < time < 41.9 or 46.0 < time < 46.9}
    assert {zone for time, zone in asked.items() if time < 42.0} == {"lap"}
    assert {zone for time, zone in asked.items() if time > 46.0} == {"passenger"}


def test_without_a_preferred_direction_there_is_none() -> None:
    neutral, rng = NeutralPose(), np.random.default_rng(2)
    for yaw, pitch in rng.uniform((-40.0, -25.0), (40.0, 25.0), (1000, 2)):
        neutral.learn(rotation(yaw, pitch), 0.1)
    assert neutral.rotation is None


@pytest.mark.parametrize(("noise", "known"), [(4.0, True), (7.0, False)])
def test_a_head_may_swing_a_little_but_not_all_over(noise: float, known: bool) -> None:
    neutral, rng = NeutralPose(), np.random.default_rng(2)
    for yaw, pitch in noise * rng.normal(size=(600, 2)):
        neutral.learn(rotation(3.0 + yaw, pitch - 2.0), 0.1)
    assert (neutral.rotation is not None) is known
    assert not known or error(neutral, 3.0, -2.0) < 1.5


@pytest.mark.parametrize(("times", "known"), [(7, False), (9, True)])
def test_the_road_is_where_the_head_points_for_four_tenths_of_the_time(times: int, known: bool) -> None:
    neutral = NeutralPose()
    for i in range(600):
        neutral.learn(rotation(2.0, 1.0) if i % 20 < times else rotation(60.0, 0.0), 0.1)
    assert (neutral.rotation is not None) is known, f"{5 * times} %"


def test_it_follows_after_minutes() -> None:
    """Another way of sitting, after ten minutes, is the road when it prevails in a memory of six."""
    neutral = NeutralPose()
    for yaw, seconds, known in ((0.0, 600.0, 0.0), (14.0, 200.0, 0.0), (14.0, 30.0, 14.0)):
        turned = rotation(yaw, 0.0)
        for _ in range(int(5 * seconds)):
            neutral.learn(turned, 0.2)
        assert error(neutral, known, 0.0) < 1.0


@pytest.mark.parametrize(
    ("at", "known"), [((0.0, 23.5), True), ((0.0, 26.5), False), ((38.5, 0.0), True), ((41.5, 0.0), False)]
)
def test_the_road_lies_within_40_degrees_to_the_sides_and_25_up_and_down(at: tuple[float, float], known: bool) -> None:
    for sign in (1.0, -1.0):
        neutral, turned = NeutralPose(), rotation(sign * at[0], sign * at[1])
        for _ in range(350):
            neutral.learn(turned, 0.1)
        assert (neutral.rotation is not None) is known


def test_it_is_bounded() -> None:
    neutral = NeutralPose(bounds=(40.0, 25.0))
    learn(neutral, 70.0, 0.0, 60.0)
    assert neutral.rotation is None


def test_it_follows_a_new_way_of_sitting_and_can_be_reset() -> None:
    neutral = NeutralPose(memory=60.0)
    learn(neutral, 0.0, 0.0, 120.0)
    assert error(neutral, 0.0, 0.0) < 1.0
    learn(neutral, 14.0, 8.0, 120.0)
    assert error(neutral, 14.0, 8.0) < 1.0
    neutral.reset()
    assert neutral.rotation is None and neutral.seconds == 0.0


def test_policy_is_unknown_until_the_camera_is_learned_and_right_then() -> None:
    policy = AttentionPolicy(PRESETS["euro_ncap"], ZONES, ASSUMED, NeutralPose())
    script = [*BUSY * 6, Segment(4.0, LAP), Segment(2.0)]
    states = [policy.update(sample) for sample in see(script, Camera(15.0, noise=0.7, turn=0.25))]
    early = [s for s in states if s.stamp < START + 29.0]
    assert {s.state for s in early} == {State.UNKNOWN} and "learning the neutral pose" in early[-1].reason
    assert State.LONG_DISTRACTION in {s.state for s in states if s.stamp > START + 45.0}
    for moment, (zone, state) in {
        53.0: ("lap", State.LONG_DISTRACTION),
        55.3: ("road", State.ATTENTIVE),
    }.items():
        now = next(s for s in states if s.stamp >= START + moment)
        assert (now.zone, now.state) == (zone, state)


def test_nothing_is_learned_while_standing() -> None:
    for speed, known in ((4.5, False), (5.0, True), (None, True)):
        policy = AttentionPolicy(PRESETS["euro_ncap"], ZONES, ASSUMED, NeutralPose())
        for sample in see([Segment(32.0)], Camera(15.0), speed=speed):
            policy.update(sample)
        assert (policy.heading.car_from_camera is not None) is known


def test_learned_mounting_is_that_of_the_camera() -> None:
    policy = AttentionPolicy(PRESETS["euro_ncap"], ZONES, ASSUMED, NeutralPose())
    for sample in see([Segment(35.0)], Camera(15.0, noise=0.5)):
        policy.update(sample)
    learned = policy.heading.car_from_camera
    assert learned is not None
    assert np.degrees(np.linalg.norm(vector_from_rotation(learned @ MOUNTING.T))) == pytest.approx(0.0, abs=0.5)


def through_an_assumed_camera(sample: HeadSample, place: tuple[float, float], error: float) -> HeadSample:
    """What a tracker makes of a sample if its focal length is too long by ``error``, with the covariance it tells.

    place: angles (right, down) of the head off the optical axis, degrees.
    """
    assert sample.rotation is not None and sample.covariance is not None
    right, down = np.radians(place)
    lasting = np.array([0.0, 0.0, 0.7, down, -right, 0.0])
    spread = sample.covariance + ASSUMED_FOCAL_SPREAD**2 * np.outer(lasting, lasting)
    return replace(sample, rotation=rotation_from_vector(error * lasting[3:]) @ sample.rotation, covariance=spread)


def test_a_learned_mounting_takes_the_error_of_an_assumed_camera_with_it() -> None:
    """27 degrees off the axis the camera's doubt is 11 degrees: too much to tell anything."""
    script, camera = [Segment(36.0), Segment(4.0, LAP), Segment(3.0)], Camera(15.0, noise=0.7, turn=0.25)
    samples = list(see(script, camera))

    def judged(error: float, moves: tuple[float, float] = (0.0, 0.0), learn: bool = True) -> list[tuple[str, State]]:
        policy = AttentionPolicy(PRESETS["euro_ncap"], ZONES, MOUNTING, NeutralPose() if learn else None)
        out = []
        for sample in samples:
            away = sample.stamp > START + 35.5
            place = (12.0 + away * moves[0], -24.0 + away * moves[1])
            state = policy.update(through_an_assumed_camera(sample, place, error))
            out.append((state.zone, state.state))
        return out

    right = judged(0.0)
    assert {state for _, state in right[-90:]} == {State.ATTENTIVE, State.LONG_DISTRACTION}
    for error in (-0.4, 0.4):
        assert judged(error) == right
    leaning = judged(0.4, moves=(25.0, 0.0))
    assert {state for _, state in leaning[-30:]} == {State.UNKNOWN}, "the error is another where the head is now"
    assert {state for _, state in judged(0.0, learn=False)} == {State.UNKNOWN}, "a measured mounting has no such error"
