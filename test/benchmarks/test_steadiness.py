"""The figures of still heads, on tracks that are made up, and the turned camera."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.rendered_people import random_drive, render
from training.benchmarks.steadiness import camera_turn, evaluate, figures, main, still_drive, turned, yaw_in_car
from training.rendering.drive import Drive
from training.rendering.lighting import Light, radiance

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)


def states(depth: np.ndarray, angles: np.ndarray) -> list[HeadState]:
    out = []
    for i, (z, yaw_pitch_roll) in enumerate(zip(depth, angles, strict=True)):
        state = HeadState.without_head(i / 30, Status.TRACKING, "", CAMERA, 6, 3)
        pose = np.eye(4)
        pose[:3, :3], pose[2, 3] = rotation_from_yaw_pitch_roll(np.radians(yaw_pitch_roll)), z
        state.pose[:], state.pose_raw[:] = pose, pose
        out.append(state)
    return out


def test_depth_is_compared_with_that_of_the_twin_to_whom_nothing_happens() -> None:
    learned = np.linspace(0.66, 0.65, 120)
    depth = learned.copy()
    depth[60:80] *= 1.02  # while speaking
    depth[100:104] *= 0.97  # in the blink
    depth[90] *= 1.5  # a single frame is jitter
    found = figures(states(depth, np.zeros((120, 3))), states(learned, np.zeros((120, 3))))
    assert found["speech_raw_percent"] == pytest.approx(2.0)
    assert found["blink_filtered_percent"] == pytest.approx(3.0)
    assert found["jitter_deg"] == found["jitter_lateral_mm"] == 0.0
    assert found["learned_percent"] == pytest.approx(100.0 * (1.0 - 0.6504 / 0.6570), abs=0.05)


def test_what_the_filter_takes_out_is_raw_alone() -> None:
    busy, calm = (states(np.full(120, 0.65), np.zeros((120, 3))) for _ in range(2))
    for state in busy[60:80]:
        state.pose_raw[2, 3] *= 1.02
    found = figures(busy, calm)
    assert found["speech_raw_percent"] == pytest.approx(2.0) and found["speech_filtered_percent"] == 0.0


def test_jitter_is_the_departure_from_the_mean() -> None:
    angles = np.zeros((120, 3))
    angles[::2, 0] = 0.4
    shaking = states(np.full(120, 0.65), angles)
    assert figures(shaking, shaking)["jitter_deg"] == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize("turn", [-12.5, 12.5])
def test_a_turned_camera_sees_the_same_yaw_in_the_car(turn: float) -> None:
    angles, place = np.array([8.0, -4.0, 3.0]), np.array([0.0, 0.0, 0.65])
    seen, there = turned(angles, place, turn)
    assert np.linalg.norm(there) == pytest.approx(0.65)
    assert there[0] == pytest.approx(0.65 * np.sin(np.radians(turn)))
    assert abs(seen[0] - 8.0) > 5.0, "in the camera's frame the head has turned"
    assert yaw_in_car(states(np.ones(5), np.tile(seen, (5, 1))), turn) == pytest.approx(8.0, abs=1e-9)
    np.testing.assert_allclose(camera_turn(turn) @ camera_turn(-turn), np.eye(3), atol=1e-12)


def test_the_light_stays_with_the_head_when_the_camera_turns(shipped_model) -> None:
    """A grey ball's worth of normals has the same brightness wherever the camera looks from."""
    light = Light(np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32), np.eye(3, dtype=np.float32)[0],
                  np.ones(3, np.float32))  # fmt: skip
    turn = camera_turn(25.0) @ rotation_from_yaw_pitch_roll([0.3, 0.2, 0.1])
    seen = light.seen_from(turn)
    normals = np.random.default_rng(1).normal(size=(200, 3))
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    white, ones = np.full((200, 3), 0.5, np.float32), np.ones(200, np.float32)
    before = radiance(white, normals, ones, ones, 0.0 * ones, light)
    after = radiance(white, (normals @ turn.T).astype(np.float32), ones, ones, 0.0 * ones, seen)
    np.testing.assert_allclose(after, before, atol=1e-3)


def test_people_differ_and_a_seed_is_always_the_same(shipped_model) -> None:
    drive = still_drive(np.zeros(3), np.array([0.0, 0.0, 0.65]), 0.1, busy=False)
    first, again, other = (render(shipped_model, drive, seed, 2) for seed in (1, 1, 2))
    assert len(first.encoded) == 2
    np.testing.assert_array_equal(first.encoded[0], again.encoded[0])
    (_, pose, image), (_, _, another) = next(first.frames()), next(other.frames())
    assert image.shape == (480, 640, 3)
    assert pose[2, 3] == 0.65
    assert np.abs(image.astype(int) - another).mean() > 2.0


def test_who_speaks_opens_the_mouth_and_not_the_lids() -> None:
    drives = [random_drive(np.random.default_rng(seed)) for seed in range(8)]
    drives.append(still_drive(np.zeros(3), np.array([0.0, 0.0, 0.65]), 4.0, busy=True))
    speakers = [drive for drive in drives if drive.speech]
    assert len(speakers) >= 3
    for drive in speakers:
        (begin, end), *_ = drive.speech
        times = np.linspace(begin, end, 100)
        assert max(drive.activations(time)["jawOpen"] for time in times) > 0.3
        assert np.mean([drive.lids(time) for time in times]) < 0.2


def test_random_drives_keep_the_head_in_view() -> None:
    for seed in range(20):
        truth = random_drive(np.random.default_rng(seed)).truth()
        pixels = truth.camera.project(truth.pose[:, :3, 3])
        assert ((pixels > 30) & (pixels < (610, 450))).all()


def test_people_who_are_lost_are_counted_and_the_others_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tracker:
        """Has a head but in one frame of the second person."""

        def reset(self) -> None:
            pass

        def update(self, image: int, stamp: float, camera: PinholeCamera) -> HeadState:
            (state,) = states(np.full(1, 0.65), np.zeros((1, 3)))
            status = Status.LOST if image == 200_001 and stamp > 3.0 else Status.TRACKING
            return replace(state, stamp=stamp, status=status)

    def rendered(model: None, drive: Drive, seed: int, every: int) -> SimpleNamespace:
        frames = [(stamp, None, seed) for stamp in drive.truth().stamp.tolist()]
        return SimpleNamespace(camera=CAMERA, frames=lambda: frames)

    monkeypatch.setattr("training.benchmarks.steadiness.render", rendered)
    result = evaluate(Tracker(), None, 3)
    assert (result["people"], result["people_missed"], len(result["rows"])) == (3, [200_001], 2)
    monkeypatch.setattr("training.benchmarks.steadiness._FIRST_SEED", 200_001)
    with pytest.raises(ValueError, match=r"\(seeds 200001 to 200001\) were lost .* the network is not trained enough"):
        evaluate(Tracker(), None, 1)


def test_a_number_of_people_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--people", "0"]) == 2
    assert "--people is 0" in capsys.readouterr().err
