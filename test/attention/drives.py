"""Scripted drives: where a driver's head and eyes are and for how long, as the samples a tracker would give of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS, AttentionSettings
from dense_face_ros.attention.states import Attention
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.geometry import FACING_CAMERA, rotation_from_yaw_pitch_roll

#: Head directions (yaw, pitch) in degrees of a driver on the left.
ROAD, LAP, PASSENGER, SHOULDER = (0.0, 0.0), (5.0, 35.0), (-60.0, 0.0), (95.0, 0.0)
REAR_MIRROR, DRIVER_MIRROR, CLUSTER, WINDOW = (-26.0, -8.0), (30.0, 5.0), (0.0, 15.0), (60.0, 0.0)
LOST = (np.nan, np.nan)
OPEN, CLOSED, HIDDEN = 0.95, 0.03, np.nan

ZONES = ZoneMap.load()
#: A camera on the steering column: off to the side, looking up and tilted.
MOUNTING = camera_mounting(12.0, 15.0, 4.0)
START = 1000.0


@dataclass(frozen=True)
class Segment:
    """The head points ``at`` (yaw, pitch) in the car, or is not found; the eyes are ``eyes`` open, NaN: hidden."""

    seconds: float
    at: tuple[float, float] = ROAD
    eyes: float = OPEN


@dataclass(frozen=True)
class Camera:
    """How the drive is seen. ``rate`` Hz; ``noise`` degrees; ``jitter`` share of a frame; ``dropout`` share of frames;
    ``turn`` seconds that a turn of the head takes; ``phase`` of the first frame, share of a frame."""

    rate: float = 30.0
    noise: float = 0.0
    jitter: float = 0.0
    dropout: float = 0.0
    turn: float = 0.0
    phase: float = 0.5
    sigma: float = 1.5


#: Cameras from slow to fast, with noise, lost frames and unsteady stamps; the head takes its time to turn. At 15 Hz a
#: lost frame beside one on a border is a gap of 0.2 s, which is rightly unknown.
CAMERAS = [
    pytest.param(Camera(rate, noise=0.7, jitter=0.2, dropout=dropout, turn=0.35), id=f"{rate:g} Hz")
    for rate, dropout in ((15.0, 0.0), (24.0, 0.02), (30.0, 0.03), (60.0, 0.05))
]
CAMERA = Camera(30.0)
#: A fifth of the time with shut eyes, over more than a minute.
TIRED = [Segment(3.2), Segment(0.8, ROAD, CLOSED)] * 16
#: What every drive begins with: (state, second).
AFTER_START = ("unknown", 0.0), ("attentive", 0.15)


def see(script: Iterable[Segment], camera: Camera, start: float = START, speed: float | None = None,
        seed: int = 0) -> Iterator[HeadSample]:  # fmt: skip
    """The samples of a script."""
    rng = np.random.default_rng(seed)
    covariance = np.radians(camera.sigma) ** 2 * np.eye(6)
    to_camera = MOUNTING.T @ FACING_CAMERA.T
    frame, begin, previous = 0, 0.0, None
    for segment in script:
        end = begin + segment.seconds
        last = int(np.ceil((end - 1e-9) * camera.rate - camera.phase))
        moments = (np.arange(frame, last) + camera.phase) / camera.rate
        stamps = start + moments + camera.jitter * rng.uniform(-1, 1, len(moments)) / camera.rate
        seen = rng.random(len(moments)) >= camera.dropout
        share = np.ones(len(moments)) if camera.turn == 0.0 else np.clip((moments - begin) / camera.turn, 0.0, 1.0)
        share = (share * share * (3.0 - 2.0 * share))[:, None]
        origin = segment.at if previous is None or np.isnan(previous[0]) else previous
        angles = np.zeros((len(moments), 3))
        angles[:, :2] = (1.0 - share) * origin + share * segment.at
        angles = np.radians(angles + camera.noise * rng.normal(size=angles.shape))
        eyes = np.clip(segment.eyes + 0.02 * camera.noise * rng.normal(size=(len(moments), 2)), 0.0, 1.0)
        for i in np.flatnonzero(seen):
            stamp = float(stamps[i])
            if np.isnan(segment.at[0]):
                yield HeadSample(stamp, speed=speed)
            else:
                rotation = to_camera @ rotation_from_yaw_pitch_roll(angles[i])
                yield HeadSample(stamp, rotation, covariance, (float(eyes[i, 0]), float(eyes[i, 1])), speed)
        frame, begin, previous = max(frame, last), end, segment.at


def policy(settings: str | AttentionSettings = "euro_ncap") -> AttentionPolicy:
    """A policy for the drives' car and camera."""
    return AttentionPolicy(PRESETS[settings] if isinstance(settings, str) else settings, ZONES, MOUNTING)


def judge(script: Iterable[Segment], camera: Camera | None = None, settings: str | AttentionSettings = "euro_ncap",
          start: float = START, speed: float | None = None, seed: int = 0) -> list[Attention]:  # fmt: skip
    """What the policy says at every frame of a script."""
    judging = policy(settings)
    return [judging.update(sample) for sample in see(script, camera or Camera(), start, speed, seed)]


def timeline(states: list[Attention], start: float = START) -> list[tuple[str, float]]:
    """(state, seconds since the start) of every change."""
    out: list[tuple[str, float]] = []
    for state in states:
        if not out or out[-1][0] != state.state.value:
            out.append((state.state.value, state.stamp - start))
    return out


def states_of(script: Iterable[Segment], camera: Camera | None = None, settings: str | AttentionSettings = "euro_ncap",
              speed: float | None = None) -> list[str]:  # fmt: skip
    """The states that the policy says of a script, one after the other."""
    return [state for state, _ in timeline(judge(script, camera, settings, speed=speed))]


def check(states: list[Attention], *expected: tuple[str, float], within: float = 0.25) -> None:
    """The states, in this order, and no others; each at its second."""
    told = timeline(states)
    assert [state for state, _ in told] == [state for state, _ in expected], told
    for (state, second), (_, wanted) in zip(told, expected, strict=True):
        assert second == pytest.approx(wanted, abs=within), (state, told)
