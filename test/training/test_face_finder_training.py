"""The finder's training: its schedule, and what it goes on from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.checkpoint import save_checkpoint
from training.face_finder.export import export
from training.face_finder.train import learning_rate, train


def go_on(run: Path, minutes: float) -> None:
    train(run / "no_data", run, "best", run / "fits.npz", None, None, minutes, 1, 1e-3, 1, 1.0, 1, 0)


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(1.0, step, step / 2000) for step in range(2001)]

    assert rates[0] < 0.01
    assert max(rates) == pytest.approx(1.0, abs=0.02)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    assert np.all(np.diff(rates[200:]) < 0)


def test_a_longer_run_goes_on_with_a_higher_rate() -> None:
    assert learning_rate(1.0, 5000, 60 / 90) > learning_rate(1.0, 5000, 60 / 61)


def test_minutes_that_are_none_or_were_had_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--minutes is -1; it must be more than 0"):
        go_on(tmp_path, -1.0)
    save_checkpoint(tmp_path / "last.pt", {"kind": "face_finder", "sources": "best", "seconds": 90.0})
    with pytest.raises(ValueError, match=r"--minutes is 1, and .* has had 1\.5; give more"):
        go_on(tmp_path, 1.0)
    save_checkpoint(tmp_path / "last.pt", {"kind": "face_finder", "sources": "free", "seconds": 1.0})
    with pytest.raises(ValueError, match="trained on sources 'free', not 'best'"):
        go_on(tmp_path, 1.0)
    save_checkpoint(tmp_path / "last.pt", {"kind": "face_finder", "sources": "best", "seconds": 1.0, "seed": 4})
    with pytest.raises(ValueError, match="was begun with --seed 4, not 0"):
        go_on(tmp_path, 1.0)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last.pt", {"recipe": {}})
    with pytest.raises(ValueError, match=r"last\.pt' is no checkpoint of a face finder"):
        go_on(tmp_path, 1.0)
    (tmp_path / "finder.onnx").write_bytes(b"onnx")
    with pytest.raises(ValueError, match=r"finder\.onnx' is no whole checkpoint"):
        export(tmp_path, tmp_path / "finder.onnx", tmp_path / "out.onnx", tmp_path / "fits.npz")
    with pytest.raises(FileNotFoundError, match="nowhere' does not exist"):
        export(tmp_path, tmp_path / "last.pt", tmp_path / "nowhere" / "out.onnx", tmp_path / "fits.npz")
    with pytest.raises(IsADirectoryError, match="is a folder; give a file"):
        export(tmp_path, tmp_path / "last.pt", tmp_path, tmp_path / "fits.npz")
