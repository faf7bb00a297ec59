import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.geometry import rotation_from_yaw_pitch_roll
from training.benchmarks import afw


def _box(state) -> list[float]:
    return [*(state.landmarks_2d.min(axis=0) - 4), *(state.landmarks_2d.max(axis=0) + 4)]


@pytest.fixture
def states(state_of):
    """A large face with points, a large one without, turned 45 degrees, and a small one without."""
    turned = rotation_from_yaw_pitch_roll(np.radians([45.0, 0, 0]))
    facing = rotation_from_yaw_pitch_roll([0, 0, 0])
    return [state_of(facing, (0, 0, 0.6)), state_of(turned, (0.15, 0, 0.6)), state_of(facing, (-0.3, 0, 2.0))]


@pytest.fixture
def folder(tmp_path: Path, states) -> Path:
    yaws = np.radians([0.0, 45.0, 0.0])
    faces = [{"box_xyxy": _box(s), "pose_yaw_pitch_roll_rad": [y, 0, 0]} for s, y in zip(states, yaws, strict=True)]
    entry = {"image": "a.jpg", "width": 320, "height": 240, "faces": faces,
             "points68": [states[0].landmarks_2d.tolist()]}  # fmt: skip
    (tmp_path / "labels.json").write_text(json.dumps([entry]))
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((240, 320, 3), np.uint8))
    return tmp_path


def test_points_belong_to_the_face_around_them(folder) -> None:
    assert [face.points is not None for face in afw.read_faces(folder)] == [True, False, False]


def test_each_set_of_points_belongs_to_one_face_the_one_it_fills(tmp_path: Path) -> None:
    """A face before another, whose box holds the middle of both."""
    corners = np.array([[0.0, 0.0], [1.0, 1.0]])
    front, behind = (low + size * np.resize(corners, (68, 2)) for low, size in ((40.0, 60.0), (10.0, 110.0)))
    boxes = [[10.0, 10.0, 120.0, 120.0], [40.0, 40.0, 100.0, 100.0]]
    faces = [{"box_xyxy": box, "pose_yaw_pitch_roll_rad": [0, 0, 0]} for box in boxes]

    def owned(*points: np.ndarray) -> list[np.ndarray]:
        entry = {"image": "a.jpg", "faces": faces, "points68": [p.tolist() for p in points]}
        (tmp_path / "labels.json").write_text(json.dumps([entry]))
        return [face.points for face in afw.read_faces(tmp_path)]

    for order in ((front, behind), (behind, front)):
        np.testing.assert_array_equal(owned(*order), [behind, front])
    np.testing.assert_array_equal(owned(front, front + 1.0), [front + 1.0, front])


def test_small_faces_with_points_count_for_these_alone(folder, states, model, known_tracker) -> None:
    entry = json.loads((folder / "labels.json").read_text())
    entry[0]["points68"] = [states[2].landmarks_2d.tolist()]
    (folder / "labels.json").write_text(json.dumps(entry))
    result = afw.evaluate(known_tracker(states), folder, model)
    assert (result["n"], result["n_points"], result["n_yaw"]) == (3, 1, 2)


def test_figures_of_a_perfect_tracker(folder, states, model, known_tracker) -> None:
    result = afw.evaluate(known_tracker(states[:2]), folder, model)
    assert (result["n"], result["n_points"], result["n_yaw"], result["failed"]) == (2, 1, 2, 0)
    assert result["nme68"] < 1e-6 and result["nme51"] < 1e-6
    assert result["yaw_within_15"] == 1.0


def test_yaw_off_by_more_than_15_degrees_counts_as_wrong(folder, states, model, known_tracker) -> None:
    result = afw.evaluate(known_tracker([states[1], states[0]]), folder, model)
    assert result["yaw_within_15"] == 0.0
    assert result["nme51"] > 10


def test_failed_fit_is_kept_as_the_frontal_face(folder, lost, model, known_tracker) -> None:
    result = afw.evaluate(known_tracker([lost]), folder, model)
    assert (result["n"], result["failed"], result["yaw_within_15"]) == (2, 2, 0.5)


def test_missing_labels_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"labels\.json' does not exist"):
        afw.read_faces(tmp_path)


@pytest.mark.parametrize("text", ["[]", "{}"])
def test_labels_of_no_face_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(ValueError, match=r"labels\.json' holds no face"):
        afw.read_faces(tmp_path)


@pytest.mark.parametrize(
    ("box", "moved", "words"),
    [
        ([0, 0, float("nan"), 100], 0.0, "a.jpg has box"),
        ([100, 100, 20, 20], 0.0, "a.jpg has box"),
        ([0, 0, 100, 100], float("nan"), "a.jpg has points that are not finite"),
        ([0, 0, 100, 100], 2000.0, r"a.jpg has points around \(2050, 2050\), in the box of no face"),
    ],
)
def test_damaged_labels_are_not_left_out(tmp_path: Path, box: list[float], moved: float, words: str) -> None:
    entry = {
        "image": "a.jpg",
        "faces": [{"box_xyxy": box, "pose_yaw_pitch_roll_rad": [0.0, 0.0, 0.0]}],
        "points68": [[[50.0 + moved, 50.0 + moved]] * 68],
    }
    (tmp_path / "labels.json").write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match=words):
        afw.read_faces(tmp_path)


@pytest.mark.parametrize("text", ["{", '[{"image": "a.jpg"}]', '{"image": 3}'])
def test_labels_of_another_format_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(ValueError, match=r"labels\.json' is of another format"):
        afw.read_faces(tmp_path)
