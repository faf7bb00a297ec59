"""One variable, and everything that training makes is of one's own face model."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dense_face_ros import FaceTracker
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.checkpoint import CHECKPOINT, load_checkpoint
from training.data import make_dataset
from training.export import export
from training.face_model import VARIABLE, face_model
from training.recipes import RECIPES
from training.rendered import RenderedHeads
from training.result_files import read_result, write_result
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


def test_without_it_the_shipped_one_is_used(shipped_model: FaceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for empty in (lambda: monkeypatch.delenv(VARIABLE, raising=False), lambda: monkeypatch.setenv(VARIABLE, "")):
        empty()
        assert face_model().content_hash == shipped_model.content_hash


def test_a_variable_that_names_no_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "none.npz"))
    with pytest.raises(FileNotFoundError, match=rf"{VARIABLE}: face model .*none\.npz' does not exist"):
        face_model()
    (tmp_path / "none.npz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=rf"{VARIABLE}: face model .*none\.npz' cannot be read"):
        face_model()


def test_results_tell_which_model_was_used(other: FaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_result(tmp_path / "result.json", {})
    said = read_result(tmp_path / "result.json")["provenance"]["models"]
    assert said[VARIABLE] == hashlib.sha256(Path(os.environ[VARIABLE]).read_bytes()).hexdigest()
    monkeypatch.delenv(VARIABLE)
    write_result(tmp_path / "result.json", {})
    assert VARIABLE not in read_result(tmp_path / "result.json")["provenance"]["models"]
