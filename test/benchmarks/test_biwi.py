from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import FACING_CAMERA, rotation_from_yaw_pitch_roll
from training.benchmarks import biwi
from training.benchmarks.conventions import aflw2000_angles

#: As the distribution writes it.
CALIBRATION = """500 0 159.5
0 500 119.5
0 0 1

0 0 0 0

0.999947 0.00432361 0.00929419
-0.00446314 0.999877 0.0150443
-0.009228 -0.015085 0.999844

-24.0198 5.8896 -13.2308

320 240
"""
TURN = rotation_from_yaw_pitch_roll(np.radians([25.0, -10.0, 5.0]))


def write_frame(folder: Path, name: str, label: np.ndarray) -> None:
    rows = "\n".join(" ".join(f"{value:.7f}" for value in row) + " " for row in label)
    (folder / f"{name}_pose.txt").write_text(f"{rows}\n\n59.5 36.6 894.1 \n")
    cv2.imwrite(str(folder / f"{name}_rgb.png"), np.zeros((240, 320, 3), np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    person = tmp_path / "01"
    person.mkdir()
    (person / "rgb.cal").write_text(CALIBRATION)
    write_frame(person, "frame_00003", np.eye(3))
    write_frame(person, "frame_00004", TURN @ FACING_CAMERA.T)
    return tmp_path


def test_small_turns_have_the_signs_of_aflw2000() -> None:
    """HopeNet was trained on 300W-LP and measured on BIWI without a change of signs."""
    for axis in range(3):
        angles = np.zeros(3)
        angles[axis] = np.radians(12.0)
        rotation = rotation_from_yaw_pitch_roll(angles)
        assert np.allclose(biwi.angles_of(rotation), aflw2000_angles(rotation, zero_pitch_degrees=0.0), atol=1e-6)


def test_angles_are_read_from_the_matrix_as_others_do() -> None:
    label = cv2.Rodrigues(np.array([0.2, -0.4, 0.1]))[0]
    r = label.T
    wanted = [
        np.arctan2(r[2, 1], r[2, 2]),
        -np.arctan2(-r[2, 0], np.sqrt(r[2, 1] ** 2 + r[2, 2] ** 2)),
        -np.arctan2(r[1, 0], r[0, 0]),
    ]
    assert np.allclose(biwi.angles_of(biwi.rotation_from_label(label)), wanted)


def test_a_perfect_tracker_has_no_error(folder: Path, state_of, model, known_tracker) -> None:
    tracker = known_tracker([state_of(FACING_CAMERA), state_of(TURN)])
    result = biwi.evaluate(tracker, folder, model)
    assert (result["n"], result["failed"]) == (2, 0) and result["images"][0]["name"] == "01/frame_00003"
    assert result["pose_mae"] < 1e-4 and result["pose_geodesic"] < 1e-4
    assert tracker.boxes == [None, None] and tracker.cameras[0].fx == 500.0 and tracker.cameras[0].metric


def test_a_miss_counts_as_facing_the_camera(folder: Path, state_of, model, lost, known_tracker) -> None:
    result = biwi.evaluate(known_tracker([state_of(FACING_CAMERA), lost]), folder, model)
    assert result["failed"] == 1 and result["over_found"]["pose_mae"] < 1e-4
    assert result["images"][1]["geodesic"] == pytest.approx(
        np.degrees(np.arccos((np.trace(TURN @ FACING_CAMERA.T) - 1) / 2)), abs=1e-3
    )


def test_what_is_not_the_data_set_is_named(folder: Path, model, lost, known_tracker, tmp_path: Path) -> None:
    def run(path: Path) -> None:
        biwi.evaluate(known_tracker([lost]), path, model)

    label = folder / "01" / "frame_00003_pose.txt"
    for text, words in (("1 0 0\n", "3 numbers"), ("a b", "could not convert"), ("1 2 3 " * 4, "a rotation matrix")):
        label.write_text(text)
        with pytest.raises(ValueError, match=rf"frame_00003_pose\.txt' .*{words}"):
            run(folder)
    (folder / "01" / "rgb.cal").unlink()
    with pytest.raises(FileNotFoundError, match=r"rgb\.cal' does not exist"):
        run(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no NN/frame_"):
        run(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        run(tmp_path / "nowhere")
