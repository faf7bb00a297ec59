"""The benchmark's bookkeeping; the times themselves are not asserted."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.alignment import Aligner
from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.correspondence import cell_pixels
from dense_face_ros.crop import Crop
from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from dense_face_ros.outline import OutlineFinder
from dense_face_ros.template import Template
from dense_face_ros.visibility import LandmarkVisibility
from training import benchmark, source_frames


class _NoFinder:
    def find(self, image):
        return []


class _OneFaceNetwork:
    """Always sees the mean face as ``state`` shows it in ``crop``: the nearest vertex of each cell, exactly."""

    name, metadata = "made up", {"template_kind": "frontal"}

    def __init__(self, model, template: Template, state, crop: Crop) -> None:
        cells = cell_pixels(32, 32, CROP_SIZE).reshape(-1, 2)
        front = (model.normals(state.vertices) * state.vertices).sum(axis=1) < 0
        seen = FacingView.of(crop, state.camera).seen(state.vertices[front])
        distance = np.linalg.norm(cells[:, None] - seen[None], axis=2)
        nearest = distance.argmin(axis=1)
        flow = template.coordinates[front][nearest] - seen[nearest]
        self._output = NetworkOutput(
            flow.T.reshape(2, 32, 32).astype(np.float32),
            (distance.min(axis=1) < 3.0).reshape(32, 32).astype(np.float32),
            np.zeros((32, 32), np.float32),
        )

    def run(self, crop: np.ndarray) -> NetworkOutput:
        assert crop.shape == (CROP_SIZE, CROP_SIZE, 3)
        return self._output

    def close(self) -> None:
        pass


@pytest.fixture
def crop(state_of) -> Crop:
    state = state_of(rotation_from_yaw_pitch_roll([0.2, 0.1, 0.0]))
    box = np.concatenate([state.landmarks_2d.min(axis=0), state.landmarks_2d.max(axis=0)])
    return Crop.around_box(box, 1.5)


@pytest.fixture
def stages(model, state_of, crop, known_tracker):
    state = state_of(rotation_from_yaw_pitch_roll([0.2, 0.1, 0.0]))
    template = Template(model, "frontal")
    network = _OneFaceNetwork(model, template, state, crop)
    visibility, tracker = LandmarkVisibility(model), known_tracker([state])
    return benchmark.Stages(
        _NoFinder(), network, template, Aligner(model), OutlineFinder(model), visibility, EyeOpenness(), tracker,
        lambda state: b"",
    )  # fmt: skip


def test_every_stage_is_timed(stages) -> None:
    images = [np.zeros((240, 320, 3), np.uint8)] * 2
    result = benchmark.measure(stages, images, repeats=2)
    timed = {name for name, value in result.items() if isinstance(value, dict)}
    assert timed == {"tracker_update", "tracker_search", "finder", "crop", "network", "correspondences",
                     "alignment_cold", "alignment_warm", "outline", "visibility", "eyelids", "markers"}  # fmt: skip
    assert all(result[name]["runs"] == 4 for name in timed)
    assert result["share_tracked"] == 1.0 and result["share_aligned"] == 1.0
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert "alignment_warm" in benchmark.table("640x480", result)


def test_markers_are_left_out_without_ros(stages) -> None:
    assert "markers" not in benchmark.measure(replace(stages, markers=None), [np.zeros((240, 320, 3), np.uint8)], 1)


def test_markers_are_those_of_the_node(model, state_of) -> None:
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    build = benchmark.marker_stage(model)
    assert build is not None
    data = build(state_of(rotation_from_yaw_pitch_roll([0.2, 0.1, 0.0])))
    assert isinstance(data, bytes) and len(data) > 24 * 3 * 1000, "a thousand triangles"


def test_source_without_a_face_is_an_error(stages, lost, known_tracker) -> None:
    without = replace(stages, tracker=known_tracker([lost]))
    with pytest.raises(ValueError, match="followed no face"):
        benchmark.measure(without, [np.zeros((240, 320, 3), np.uint8)], repeats=1)


def test_warm_up_is_not_counted() -> None:
    calls: list[int] = []
    result = benchmark.timed(calls.append, count=3, repeats=2)
    assert calls == [0, 1, 2] * 3 and result["runs"] == 6


def test_images_are_cut_to_the_size_without_stretching(tmp_path: Path) -> None:
    image = np.zeros((108, 192, 3), np.uint8)
    image[:, 96:] = 200
    cv2.imwrite(str(tmp_path / "a.png"), image)
    (frame, again) = source_frames.read_frames(tmp_path / "a.png", (64, 48), 2)
    assert frame.shape == (48, 64, 3) and np.array_equal(frame, again)
    assert frame[:, :31].max() == 0 and frame[:, 33:].min() == 200


def test_bad_input_is_one_line_and_exit_code_2(tmp_path: Path, capsys) -> None:
    assert benchmark.main(["--source", str(tmp_path / "no.mp4")]) == 2
    assert "no.mp4' does not exist" in capsys.readouterr().err
    assert benchmark.main(["--source", str(tmp_path), "--repeats", "0"]) == 2
    assert "--repeats is 0" in capsys.readouterr().err
