"""The judge of the labelling network, against labels whose error is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll, yaw_pitch_roll_from_rotation
from training.photographs import label_error
from training.photographs.label_error import BINS, summary, views_of
from training.photographs.mesh478 import POINTS, load_surface
from training.photographs.rendered_portraits import Portrait


def label(model: FaceModel, yaw: float, pitch: float = 5.0, roll: float = 3.0) -> tuple[Portrait, np.ndarray]:
    """The mean face at a yaw in degrees: the truth, and the mesh points of a labelling network that errs nowhere."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation_from_yaw_pitch_roll(np.radians([yaw, pitch, roll])), (0.0, 0.0, 1.6)
    camera = PinholeCamera(1000.0, 1000.0, 95.5, 95.5, 192, 192)
    surface, _ = load_surface()

    def seen(points: np.ndarray) -> np.ndarray:
        return camera.project(points @ pose[:3, :3].T + pose[:3, 3])

    mesh = np.column_stack([seen(model.at(surface, model.mean)), np.zeros(POINTS)])
    image, nobody = np.zeros((192, 192, 3), np.uint8), np.zeros(model.identity_size)
    return Portrait(image, camera, pose, nobody, seen(model.at(model.landmarks, model.mean))), mesh


@pytest.mark.parametrize("yaw", [25.0, -25.0])
def test_a_label_without_error_has_none_and_a_turned_one_shows_by_how_much(
    shipped_model: FaceModel, yaw: float
) -> None:
    truth, mesh = label(shipped_model, yaw)
    right = label_error.label_error(shipped_model, truth, mesh)
    assert right is not None
    np.testing.assert_allclose(right[:3], 0.0, atol=1.0)
    assert right[3] < 1.0
    _, further = label(shipped_model, 1.4 * yaw)
    wrong = label_error.label_error(shipped_model, truth, further)
    assert wrong is not None
    assert wrong[0] == pytest.approx(10.0, abs=1.5)  # away from the camera, on either side
    assert wrong[3] > 3.0


@pytest.mark.parametrize("yaw", [25.0, -25.0])
def test_pitch_is_told_as_it_is_and_roll_by_the_side_that_the_head_is_turned_to(
    shipped_model: FaceModel, yaw: float
) -> None:
    truth, _ = label(shipped_model, yaw)
    _, otherwise = label(shipped_model, yaw, pitch=9.0, roll=3.0 + np.sign(yaw) * 6.0)
    wrong = label_error.label_error(shipped_model, truth, otherwise)
    assert wrong is not None
    np.testing.assert_allclose(wrong[:3], [0.0, 4.0, 6.0], atol=1.5)


def test_views_turn_as_far_as_the_last_bin(shipped_model: FaceModel) -> None:
    views = views_of(shipped_model, seed=0)
    assert len(views) == 6
    yaws = [np.degrees(yaw_pitch_roll_from_rotation(view.rotation)[0]) for view in views]
    assert 20.0 < np.abs(yaws).max() <= BINS[-1] + 1.0


def test_bins_hold_what_belongs_there() -> None:
    rows = summary(np.array([-5.0, 10.0, -18.0, 70.0]), np.arange(16, dtype=np.float64).reshape(4, 4))
    assert [(row["from"], row["n"]) for row in rows] == [(0, 1), (10, 2), (60, 1)]
    assert rows[1]["yaw"] == 6.0 and rows[1]["nme68"] == 9.0 and rows[1]["yaw_spread"] == 2.0


def test_no_environment_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--environments", str(tmp_path), "--json", str(tmp_path / "absent" / "x.json")]
    assert label_error.main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: --json: folder")


def test_nobody_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert label_error.main(["--environments", str(tmp_path), "--people", "0"]) == 2
    assert capsys.readouterr().err == "error: --people is 0; it must be at least 1\n"
