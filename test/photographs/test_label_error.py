"""The judge of the labelling network, against labels whose error is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_yaw_pitch_roll, yaw_pitch_roll_from_rotation
from training.photographs import label_error
from training.photographs.label_error import BINS, Portrait, portraits, summary
from training.photographs.mesh478 import POINTS, load_surface

_POSE = np.array([0.0, 0.0, 1.6])
_CENTRE, _FOCAL = 95.5, 1000.0


def label(model: FaceModel, yaw: float) -> tuple[Portrait, np.ndarray]:
    """The mean face at a yaw in degrees: the truth, and the mesh points of a labelling network that errs nowhere."""
    rotation = rotation_from_yaw_pitch_roll(np.radians([yaw, 5.0, 3.0]))
    surface, _ = load_surface()

    def seen(points: np.ndarray) -> np.ndarray:
        at = points @ rotation.T + _POSE
        return at[:, :2] * (_FOCAL / at[:, 2:]) + _CENTRE

    mesh = np.column_stack([seen(model.at(surface, model.mean)), np.zeros(POINTS)])
    image = np.zeros((192, 192, 3), np.uint8)
    return Portrait(image, rotation, seen(model.at(model.landmarks, model.mean))), mesh


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


def test_portraits_show_the_face_where_the_truth_says(shipped_model: FaceModel) -> None:
    views = portraits(shipped_model, seed=0)
    assert len(views) == 6
    for view in views:
        assert view.image.shape == (192, 192, 3)
        inside = (view.landmarks > 0) & (view.landmarks < 191)
        assert inside.all()
        yaw = np.degrees(yaw_pitch_roll_from_rotation(view.rotation)[0])
        assert abs(yaw) <= BINS[-1] + 1.0
        # The tip of the nose stands to the side of the face that it points to: image left for positive yaw.
        middle = 0.5 * (view.landmarks[36] + view.landmarks[45])
        across = view.landmarks[45] - view.landmarks[36]
        if abs(yaw) > 20:
            assert np.sign((view.landmarks[30] - middle) @ across) == np.sign(
                (shipped_model.at(shipped_model.landmarks, shipped_model.mean)[30] @ view.rotation.T)[0]
            )
    again = portraits(shipped_model, seed=0)
    np.testing.assert_array_equal(views[0].image, again[0].image)
    assert (views[0].image != cv2.flip(views[3].image, 1)).any()


def test_bins_hold_what_belongs_there() -> None:
    rows = summary(np.array([-5.0, 12.0, -18.0, 70.0]), np.arange(16, dtype=np.float64).reshape(4, 4))
    assert [(row["from"], row["n"]) for row in rows] == [(0, 1), (10, 2), (60, 1)]
    assert rows[1]["yaw"] == 6.0 and rows[1]["nme68"] == 9.0 and rows[1]["yaw_spread"] == 2.0


def test_no_environment_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--environments", str(tmp_path), "--json", str(tmp_path / "absent" / "x.json")]
    assert label_error.main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: --json: folder")
