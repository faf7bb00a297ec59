"""Cold starts in processes of their own; the times themselves are not asserted."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros import FaceTracker
from training import cold_start
from training.cold_start import STEPS, main, track_first
from training.rendering.clip import ClipRenderer


@pytest.fixture(scope="module")
def picture(shipped_model, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("source") / "head.png"
    cv2.imwrite(str(path), ClipRenderer(shipped_model).frame(0)[:, :, ::-1])
    return path


def test_every_step_comes_after_the_one_before(picture, tmp_path, capsys):
    arguments = ["--source", str(picture), "--backend", "onnxruntime-cpu", "--runs", "2"]
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["cold_start"]["backend"].startswith("ONNX Runtime") and "commit" in result["provenance"]
    for row in (result["cold_start"]["first"], result["cold_start"]["again"]):
        times = [row[step] for step in STEPS]
        assert 0 < times[0] < times[1] < times[2]
    assert "again, median of 1" in capsys.readouterr().out


def test_a_start_that_fails_says_why(tmp_path, capsys):
    (tmp_path / "head.png").write_bytes(b"no picture")
    assert main(["--source", str(tmp_path / "head.png"), "--runs", "2"]) == 2
    assert "a start failed: ValueError: image" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--source", "none.mp4"], ["--source", "none.mp4", "--runs", "1"]])
def test_bad_arguments_are_named(arguments, capsys):
    assert main(arguments) == 2
    assert f"{arguments[-2]} " in capsys.readouterr().err


def test_sources_without_a_head_are_named(monkeypatch):
    monkeypatch.setattr(cold_start, "_FRAME_LIMIT", 2)
    tracker = FaceTracker(backend="onnxruntime-cpu")
    with pytest.raises(ValueError, match="found no head in the source"):
        track_first(tracker, [np.zeros((48, 64, 3), np.uint8)], itertools.count())
    tracker.close()
