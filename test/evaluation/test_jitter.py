from dataclasses import replace

import numpy as np
import pytest
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.evaluation.jitter import WINDOW, JitterMeter
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()


def test_a_steady_turn_is_no_jitter_and_noise_is_measured() -> None:
    noise = np.random.default_rng(0).normal(0.0, np.radians(0.5), 300)
    steady, shaking = JitterMeter(), JitterMeter()
    turned = [steady.add(tracked_state(MODEL, i / 30, CAMERA, yaw=0.01 * i)) for i in range(20)]
    shaken = [shaking.add(tracked_state(MODEL, i / 30, CAMERA, yaw=n)) for i, n in enumerate(noise)]
    assert [found is None for found in turned] == [True] * (WINDOW - 1) + [False] * (20 - WINDOW + 1)
    assert all(found.rotation_deg < 1e-3 and found.position_mm < 1e-6 for found in turned if found is not None)
    median = np.median([found.rotation_deg for found in shaken if found is not None])
    assert median == pytest.approx(0.5, rel=0.15)


def test_jitter_of_landmarks_is_that_of_an_inner_one_over_the_face() -> None:
    rng, meter, found = np.random.default_rng(2), JitterMeter(), []
    places = rng.uniform(0.0, 300.0, (68, 2))
    spread = np.where(np.arange(68) < 17, 10.0, 1.0)[:, None]  # the jaw line slides along the cheeks
    for i in range(100):
        points = places + spread * rng.normal(size=(68, 2))
        found.append(meter.add(replace(tracked_state(MODEL, i / 30, CAMERA), landmarks_2d=points)))
    median = np.median([jitter.landmarks_percent for jitter in found if jitter is not None])
    assert median == pytest.approx(100.0 * np.sqrt(2.0) / 300.0, rel=0.1)


def test_a_loss_starts_the_window_anew() -> None:
    meter = JitterMeter()
    lost = HeadState.without_head(0.0, Status.LOST, "hidden", CAMERA, 6, 3)
    states = [tracked_state(MODEL, i / 30, CAMERA) for i in range(2 * WINDOW)]
    shown = [*states[:WINDOW], lost, *states[WINDOW:]]
    assert [meter.add(s) is None for s in shown] == [True] * 6 + [False] + [True] * 7 + [False]


def test_another_camera_is_no_jitter_and_starts_the_window_anew() -> None:
    meter, other = JitterMeter(), replace(CAMERA, fx=700.0, fy=700.0)
    states = [tracked_state(MODEL, i / 30, CAMERA if i < WINDOW else other) for i in range(2 * WINDOW)]
    assert [meter.add(state) is None for state in states] == 2 * ([True] * (WINDOW - 1) + [False])


def test_missing_frames_are_no_jitter_and_a_pause_starts_anew() -> None:
    meter, seen = JitterMeter(), np.random.default_rng(1).random(60) > 0.3
    stamps = np.flatnonzero(seen) / 30
    found = [meter.add(tracked_state(MODEL, t, CAMERA, yaw=1.2 * t)) for t in stamps]
    assert all(jitter.rotation_deg < 1e-3 for jitter in found if jitter is not None) and found[-1] is not None
    for later in (1.0, -5.0):  # a pause, and a bag that begins anew
        again = [meter.add(tracked_state(MODEL, stamps[-1] + later + i / 30, CAMERA)) for i in range(WINDOW)]
        assert [jitter is None for jitter in again] == [True] * (WINDOW - 1) + [False]
