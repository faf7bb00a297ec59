"""A network's files tell how far its word goes, as rendered people show it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import training.calibrate
from dense_face_ros import FaceModel, FaceTracker, TrackerSettings
from dense_face_ros.backends.choose import load_network
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.calibration import Calibration
from training.benchmarks.consistency import PARTS, errors_of, nees, run
from training.benchmarks.rendered_people import random_drive, render
from training.calibrate import calibrated, main

FOUND = Calibration(0.25, 1.25, 0.75, 0.05, 2.0)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """The shipped network's files as those of another."""
    shipped = network_path(None)
    for kind in ("", "_fp16", "_int8"):
        shutil.copy(shipped.with_name(f"{shipped.stem}{kind}.onnx"), tmp_path / f"own{kind}.onnx")
    return tmp_path / "own.onnx"


def test_all_files_of_a_network_tell_it_and_compute_what_they_did(
    network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = []

    def measured(model: FaceModel, path: Path, people: int, before: Calibration) -> Calibration:
        given.append((path, people, before))
        return FOUND

    monkeypatch.setattr(training.calibrate, "calibrated", measured)
    assert main([str(network.with_name("own_int8.onnx")), "--people", "3", "--max-new-vagueness", "0.05"]) == 0
    assert given == [(network, 3, Calibration(max_new_vagueness=0.05))]
    printed = json.loads(capsys.readouterr().out)
    assert [Path(path).name for path in printed["written"]] == ["own.onnx", "own_fp16.onnx", "own_int8.onnx"]
    assert printed["covariance_share"] == 0.25

    crop = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    shipped, own = (load_network("onnxruntime-cpu", path) for path in (None, network))
    np.testing.assert_array_equal(shipped.run(crop).flow, own.run(crop).flow)
    assert {**own.metadata, "backend_reason": ""} == {**shipped.metadata, **FOUND.metadata, "backend_reason": ""}
    tracker = FaceTracker(network_path=network)
    assert tracker.calibration == FOUND
    tracker.close()
    assert main([str(network), "--people", "1"]) == 0
    assert given[-1] == (network, 1, FOUND), "it goes on from what the files say"


def test_a_file_that_was_exported_again_takes_part(network: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.calibrate, "calibrated", lambda *_: FOUND)
    assert main([str(network), "--people", "1"]) == 0
    again = network.with_name("own_int8.onnx")
    shutil.copy(network_path(None).with_name("correspondence_int8.onnx"), again)
    with pytest.raises(ValueError, match="calibration differ"):
        load_network("onnxruntime-cpu", network)
    beside = []

    def measured(model: FaceModel, path: Path, people: int, before: Calibration) -> Calibration:
        beside.append(Calibration.of(load_network("onnxruntime-cpu", path).metadata, path))
        return before

    monkeypatch.setattr(training.calibrate, "calibrated", measured)
    assert main([str(network), "--people", "1"]) == 0
    assert beside == [FOUND], "they run together while they are measured"


def test_with_what_is_found_errors_are_as_large_as_the_covariance_says(
    network: Path, shipped_model: FaceModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = render(shipped_model, random_drive(np.random.default_rng(3)), 3, every=6)
    unseen = replace(shown, encoded=[cv2.imencode(".jpg", np.zeros((480, 640, 3), np.uint8))[1]] * len(shown.encoded))
    people = {100_000: shown, 100_001: unseen}
    monkeypatch.setattr(training.calibrate, "sequence", lambda _, seed: people[seed])
    found = calibrated(shipped_model, network, 2, Calibration(0.9, 1.0, 0.5, 0.04, 1.0))
    assert "1 of 2 people were not followed, and tell nothing: seeds [100001]" in capsys.readouterr().err
    people[100_000] = unseen
    with pytest.raises(ValueError, match=r"seeds 100000 to 100000.* the network is not trained enough"):
        calibrated(shipped_model, network, 1, found)
    assert (found.max_new_vagueness, found.vagueness_per_score) == (0.04, 1.0), "of which rendered people tell nothing"
    assert found.covariance_share < 0.9 and found.lasting_share > 0.5
    tracker = FaceTracker(TrackerSettings(calibration=found), network_path=network)
    track = run(tracker, shown)
    tracker.close()
    assert nees(*errors_of([track], filtered=False), PARTS["rotation"]).mean() == pytest.approx(1.0, abs=0.1)
    assert nees(*errors_of([track], filtered=True), PARTS["rotation"]).mean() == pytest.approx(1.0, abs=0.3)


def test_what_is_no_network_is_refused_and_nothing_is_written(
    network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["correspondence.onnx"]) == 2
    assert "network 'correspondence.onnx' does not exist" in capsys.readouterr().err
    assert main([str(network), "--max-new-vagueness", "0"]) == 2
    assert "max_new_vagueness is 0.0; it must be above 0" in capsys.readouterr().err
    before = network.read_bytes()
    network.with_name("own_int8.onnx").write_bytes(b"none")
    assert main([str(network), "--people", "1"]) == 2
    assert "own_int8.onnx' is no ONNX file" in capsys.readouterr().err
    shutil.copy(network_path(None).with_name("correspondence_free_int8.onnx"), network.with_name("own_int8.onnx"))
    assert main([str(network), "--people", "1"]) == 2
    told = capsys.readouterr().err
    assert "own_int8.onnx' is not of the same network as" in told and "training_data differ; export both" in told
    assert network.read_bytes() == before
