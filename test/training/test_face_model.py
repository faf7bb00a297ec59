"""One variable, and everything that training makes is of one's own face model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import training.benchmark_tensorrt
import training.new_heads
import training.photographs.self_labels
import training.validation
from dense_face_ros import FaceTracker
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.checkpoint import CHECKPOINT, load_checkpoint
from training.data import make_dataset
from training.export import export
from training.face_model import VARIABLE, face_model, network_for, own_model
from training.recipes import RECIPES
from training.rendered import RenderedHeads
from training.result_files import answer, read_result, write_result
from training.train import main


@pytest.fixture
def other(shipped_model: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaceModel:
    """A face a fifth broader than the shipped one, in use."""
    broad = np.array([1.0, 1.2, 1.0], np.float32)
    model = replace(shipped_model, mean=shipped_model.mean * broad, source="broad heads", licence="mine alone")
    model.save(tmp_path / "broad.npz")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "broad.npz"))
    return model


def test_samples_are_made_with_it(shipped_model: FaceModel, other: FaceModel) -> None:
    sample = next(iter(make_dataset(RECIPES["smoke"], None, "train", 3, 2)))
    of_other, of_shipped = (next(iter(RenderedHeads(Template(model), 3, 2))) for model in (other, shipped_model))
    for name in ("image", "template"):
        np.testing.assert_array_equal(sample[name], of_other[name])
        assert (np.asarray(sample[name]) != of_shipped[name]).any()


def test_from_training_to_the_tracker(other: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main(["--recipe", "smoke", "--out", str(tmp_path / "run"), "--steps", "1", "--workers", "0", "--threads", "1"])
    state = load_checkpoint(tmp_path / "run" / CHECKPOINT)
    assert state["template"] == {"kind": "cylindrical", "hash": Template(other).hash}
    export(tmp_path / "run" / CHECKPOINT, tmp_path / "broad.onnx")
    monkeypatch.delenv(VARIABLE)  # the tracker is told by its parameters alone
    tracker = FaceTracker(
        model_path=tmp_path / "broad.npz", network_path=tmp_path / "broad.onnx", backend="onnxruntime-cpu"
    )
    assert tracker.model.content_hash == other.content_hash
    told = tracker.network.metadata
    assert told["training_data"] == "our own renderings of broad heads" and told["licence"] == "mine alone"
    with pytest.raises(ValueError, match=r"broad\.onnx"):
        FaceTracker(network_path=tmp_path / "broad.onnx", backend="onnxruntime-cpu")
    assert network_for(other, tmp_path / "broad.onnx")[1].hash == Template(other).hash
    with pytest.raises(ValueError, match=rf"broad\.onnx' was trained for .* \({VARIABLE} names the face model"):
        network_for(face_model(), tmp_path / "broad.onnx")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (training.validation.main, ["--data", "."]),
        (training.photographs.self_labels.main, ["--data", ".", "--out", "own.npz"]),
        (training.new_heads.main, ["."]),
    ],
)
def test_a_network_of_another_model_is_refused(
    command: Callable[[list[str]], int], arguments: list[str], other: FaceModel, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "backgrounds").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "backgrounds" / name).write_bytes(b"not looked at")
    assert command(arguments) == 2
    error = capsys.readouterr().err
    assert "correspondence.onnx' was trained for the cylindrical template" in error and error.count("\n") == 1
    assert f"{VARIABLE} names the face model, --network the network" in error


def test_without_it_the_shipped_one_is_used(shipped_model: FaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for empty in (lambda: monkeypatch.delenv(VARIABLE, raising=False), lambda: monkeypatch.setenv(VARIABLE, "")):
        empty()
        assert face_model().content_hash == shipped_model.content_hash


def test_a_variable_that_names_no_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.npz"))
    for read in (face_model, own_model):
        with pytest.raises(FileNotFoundError, match=rf"{VARIABLE}: face model .*none\.npz' does not exist; .* unset"):
            read()
    (tmp_path / "none.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=rf"{VARIABLE}: face model .*none\.npz' cannot be read"):
        face_model()


def test_results_tell_which_model_was_used(other: FaceModel, tmp_path: Path) -> None:
    file = tmp_path / "result.json"
    expected = hashlib.sha256(Path(os.environ[VARIABLE]).read_bytes()).hexdigest()
    write_result(file, {}, model=own_model())
    assert read_result(file)["provenance"]["models"]["face_model.npz"] == expected
    assert answer(lambda: {"n": 1}, file, None) == 0
    assert read_result(file)["provenance"]["models"]["face_model.npz"] == expected
    write_result(file, {})  # of a command that works with the shipped one, whatever the variable says
    assert read_result(file)["provenance"]["models"]["face_model.npz"] != expected


def test_nothing_is_measured_with_a_model_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.npz"))
    measured: list[None] = []
    assert answer(lambda: {"n": measured.append(None)}, tmp_path / "result.json", None) == 2
    assert f"{VARIABLE}: face model" in capsys.readouterr().err and not measured
    monkeypatch.setattr(training.benchmark_tensorrt, "measure", lambda *_: measured.append(None))
    (tmp_path / "face.mp4").touch()
    assert training.benchmark_tensorrt.main(["--source", str(tmp_path / "face.mp4")]) == 2
    assert f"{VARIABLE}: face model" in capsys.readouterr().err and not measured
    write_result(tmp_path / "result.json", {})  # without it
