"""One's own face model is judged by its own zero pose, not by the shipped model's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import rotation_from_vector
from dense_face_ros.whole_files import write_json
from training.benchmarks.conventions import AFLW2000_ZERO_PITCH
from training.benchmarks.zero_pose import write_zero_pitch, zero_pitch, zero_pose_file
from training.face_model import VARIABLE
from training.face_models.place_landmarks import main
from training.photographs.fit import PhotographFits


@pytest.fixture
def own(tmp_path: Path, model: FaceModel, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A face model of one's own, in use."""
    path = tmp_path / "mine.npz"
    model.save(path)
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_what_place_landmarks_finds_is_what_the_model_is_judged_by(own: Path, model: FaceModel, tmp_path: Path) -> None:
    size = model.identity_size + model.expression_size
    none, one = np.zeros((1, size), np.float32), np.ones(1, np.float32)
    PhotographFits(
        np.array(["a/a.png"]), model.content_hash, np.eye(4, dtype=np.float32)[None], none, one, one, one > 0, one < 0
    ).save(tmp_path / "fits.npz")
    marks = model.at(model.landmarks, model.mean)[:, [1, 2, 0]] @ rotation_from_vector([np.radians(3.0), 0.0, 0.0]).T
    np.savez(tmp_path / "shape.npz", points68=marks)
    arguments = ["--fits", str(tmp_path / "fits.npz"), "--convention", str(tmp_path / "shape.npz"), "--out", str(own)]
    assert main(arguments) == 0
    assert zero_pose_file(own).name == "mine_zero_pose.json"
    assert abs(zero_pitch(model)) == pytest.approx(3.0, abs=0.1)


def test_a_missing_file_is_told_once(own: Path, model: FaceModel, capsys: pytest.CaptureFixture[str]) -> None:
    assert zero_pitch(model) == zero_pitch(model) == AFLW2000_ZERO_PITCH
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and f"as {VARIABLE} is set and '{zero_pose_file(own)}' does not exist; make it" in told


def test_the_shipped_model_needs_none(
    model: FaceModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert zero_pitch(model) == AFLW2000_ZERO_PITCH
    assert not capsys.readouterr().err


def test_files_of_another_model_or_without_a_number_are_refused(own: Path, model: FaceModel) -> None:
    write_json(zero_pose_file(own), {"model": "another", "aflw2000_zero_pitch_degrees": 1.0})
    with pytest.raises(ValueError, match=r"mine_zero_pose\.json' is of another face model than the one in use"):
        zero_pitch(model)
    write_json(zero_pose_file(own), {"model": model.content_hash, "aflw2000_zero_pitch_degrees": "1"})
    with pytest.raises(ValueError, match="has '1' for aflw2000_zero_pitch_degrees, needed is a number; make it"):
        zero_pitch(model)
    write_zero_pitch(own, model, 1.0)
    assert zero_pitch(model) == 1.0
