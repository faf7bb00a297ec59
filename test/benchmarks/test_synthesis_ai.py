import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import PinholeCamera, rotation_from_vector
from training.benchmarks import synthesis_ai

_SIDE = 512
_TURNS = ((0.0, 0.0, 0.0), (25.0, -15.0, 10.0))
_WORLD_TO_CAMERA = rotation_from_vector([0.3, -0.1, 0.0])


@pytest.fixture
def states(state_of):
    camera = PinholeCamera(868.0, 868.0, 255.5, 255.5, _SIDE, _SIDE)
    rotations = [synthesis_ai.synthesis_ai_rotation(turn, _WORLD_TO_CAMERA) for turn in _TURNS]
    return [state_of(rotation, (0.02, -0.03, 1.0), camera) for rotation in rotations]


@pytest.fixture
def folder(tmp_path: Path, states) -> Path:
    """Two renders, the second with a mask, labelled with the states' own landmarks."""
    for index, (state, turn) in enumerate(zip(states, _TURNS, strict=True)):
        matrix = np.eye(4)
        matrix[:3, :3] = _WORLD_TO_CAMERA
        screen = (state.landmarks_2d + 0.5) / _SIDE
        space = state.landmarks_3d * (1, -1, -1)
        label = {
            "camera": {
                "intrinsics": [[868.0, 0, 256.0], [0, 868.0, 256.0], [0, 0, 1]],
                "transform_world2cam": {"mat_4x4": matrix.tolist()},
            },
            "landmarks": [
                {"ptnum": i, "screen_space_pos": screen[i].tolist(), "camera_space_pos": space[i].tolist()}
                for i in reversed(range(68))
            ],
            "facial_attributes": {"head_turn": dict(zip(("yaw", "pitch", "roll"), turn, strict=True))},
            "accessories": {"mask": {"style": "none" if index == 0 else "N95"}, "glasses": {"style": "none"}},
        }
        (tmp_path / f"{index:02d}.json").write_text(json.dumps(label))
        cv2.imwrite(str(tmp_path / f"{index:02d}.jpg"), np.zeros((_SIDE, _SIDE, 3), np.uint8))
    return tmp_path


def test_a_perfect_tracker_has_no_error(folder, states, model, known_tracker) -> None:
    tracker = known_tracker(states)
    result = synthesis_ai.evaluate(tracker, folder, model)
    assert (result["n"], result["failed"]) == (2, 0)
    for name in ("nme68", "pose_mae", "pose_geodesic", "orientation_error", "position_error_mm"):
        assert result[name] < 1e-4, name
    assert tracker.cameras[0] == states[0].camera


def test_subsets_follow_the_labels(folder, states, model, known_tracker) -> None:
    subsets = synthesis_ai.evaluate(known_tracker(states), folder, model)["subsets"]
    assert {name: subset["n"] for name, subset in subsets.items()} == {"mask": 1, "glasses": 0, "bare": 1}
    assert subsets["glasses"]["nme51"] is None


def test_a_head_found_too_near_has_negative_depth_error(folder, state_of, states, model, known_tracker) -> None:
    near = [state_of(s.pose[:3, :3], 0.9 * s.pose[:3, 3], s.camera) for s in states]
    result = synthesis_ai.evaluate(known_tracker(near), folder, model)
    assert result["depth_bias_percent"] == pytest.approx(-10.0, abs=0.6)
    assert result["position_error_mm"] == pytest.approx(100.0, abs=1.0)
    assert result["orientation_error"] < 1e-4


def test_a_failed_fit_has_no_position(folder, lost, model, known_tracker) -> None:
    result = synthesis_ai.evaluate(known_tracker([lost]), folder, model)
    assert result["failed"] == 2
    assert result["position_error_mm"] is None
    assert result["nme68"] > 0.5


@pytest.mark.parametrize("text", ["{", "{}", "[]"])
def test_label_of_another_format_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "00.json").write_text(text)
    with pytest.raises(ValueError, match=r"00\.json' is of another format"):
        synthesis_ai.read_render(tmp_path / "00.json", 8, 8)
