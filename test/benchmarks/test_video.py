import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import FACING_CAMERA, rotation_from_yaw_pitch_roll
from dense_face_ros.head_state import Status
from training.benchmarks import video


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20.0, (320, 240))
    for grey in range(12):
        writer.write(np.full((240, 320, 3), 10 * grey, np.uint8))
    writer.release()
    return path


def test_frames_carry_their_time(clip: Path) -> None:
    stamps = [stamp for stamp, _ in video.frames(clip)]
    assert np.allclose(stamps, np.arange(12) / 20.0)


def test_shares_and_losses(clip: Path, state_of, lost, model, known_tracker) -> None:
    seen, gone = state_of(FACING_CAMERA), replace(lost, status=Status.LOST, reason="hidden")
    result = video.evaluate(known_tracker([lost, *[seen] * 5, gone, gone, *[seen] * 4]), clip, model)
    assert result["n"] == 12
    assert result["share"] == {"tracking": 9 / 12, "lost": 2 / 12, "searching": 1 / 12}
    assert result["first_tracked_frame"] == 1
    assert result["losses"] == [{"frame": 6, "stamp": 0.3, "reason": "hidden"}]
    assert result["jitter_raw"]["windows"] == 0 and result["jitter_raw"]["rotation_deg"] is None


def test_jitter_ignores_a_steady_turn_and_measures_noise(state_of) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0.0, 0.5, size=200)
    steady = [state_of(rotation_from_yaw_pitch_roll([0.01 * i, 0, 0]), (0, 0.001 * i, 0.6)) for i in range(40)]
    shaking = [state_of(rotation_from_yaw_pitch_roll([np.radians(n), 0, 0])) for n in noise]
    steady, shaking = ([replace(s, stamp=i / 30) for i, s in enumerate(states)] for states in (steady, shaking))
    assert video.jitter(steady, filtered=False)["rotation_deg"]["p90"] < 1e-3
    assert video.jitter(steady, filtered=False)["position_mm"]["p90"] < 1e-6
    assert video.jitter(shaking, filtered=False)["rotation_deg"]["median"] == pytest.approx(0.5, rel=0.15)


def test_filtered_jitter_is_that_of_the_filtered_pose(state_of) -> None:
    rng, states = np.random.default_rng(1), []
    for i in range(60):
        shaken = rotation_from_yaw_pitch_roll([np.radians(rng.normal(0.0, 0.5)), 0, 0])
        raw = state_of(shaken).pose
        states.append(replace(state_of(FACING_CAMERA), stamp=i / 30, pose_raw=raw))
    assert video.jitter(states, filtered=True)["rotation_deg"]["p90"] < 1e-3
    assert video.jitter(states, filtered=False)["rotation_deg"]["median"] > 0.3


def test_sheet_and_table(clip: Path, tmp_path: Path, state_of, lost, model, known_tracker) -> None:
    tracker = known_tracker([state_of(FACING_CAMERA), lost])
    video.evaluate(tracker, clip, model, limit=5, sheet=tmp_path / "sheet.png", table=tmp_path / "rows.csv")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (720, 1920, 3)
    with open(tmp_path / "rows.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert rows[0]["status"] == "tracking" and float(rows[0]["z"]) == 0.6 and rows[0]["eye_right"] == ""
    assert rows[1]["status"] == "searching" and rows[1]["z"] == "" and rows[1]["reason"] == "no face found"


def test_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(ValueError, match=r"a\.mp4' has no frame"):
        list(video.frames(tmp_path / "a.mp4"))
    with pytest.raises(FileNotFoundError, match=r"b\.mp4' does not exist"):
        list(video.frames(tmp_path / "b.mp4"))
