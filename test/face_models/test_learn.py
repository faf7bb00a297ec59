"""The command line that learns the shipped face model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.face_models import ict, landmarks, learn


def test_what_only_the_learning_finds_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("the source has none of the expressions we know")

    monkeypatch.setattr(ict, "read_ict", lambda path: None)
    monkeypatch.setattr(landmarks, "read_convention", lambda path: None)
    monkeypatch.setattr(landmarks, "viewer_to_head", lambda points: None)
    monkeypatch.setattr(learn, "learn", refuse)
    out = tmp_path / "model.npz"
    assert learn.main([str(tmp_path), "--convention", str(tmp_path / "c.npz"), "--out", str(out)]) == 2
    assert capsys.readouterr().err == "error: the source has none of the expressions we know\n"
    assert not out.exists()


def test_modes_keep_all_but_the_turn_about_the_eyes() -> None:
    """A mode that only turns and shifts the head keeps the shift; one that turns nothing stays as it is."""
    rng = np.random.default_rng(0)
    mean, shift = rng.normal(size=(40, 3)), np.array([0.3, -0.1, 0.2])
    turns = np.cross(rng.normal(size=(2, 1, 3)), mean)
    straight = learn.without_turns(rng.normal(size=(2, 40, 3)), mean)
    np.testing.assert_allclose(learn.without_turns(turns + shift, mean), np.tile(shift, (2, 40, 1)), atol=1e-12)
    np.testing.assert_allclose(learn.without_turns(straight + turns, mean), straight, atol=1e-12)
    np.testing.assert_allclose(np.cross(mean - mean.mean(axis=0), straight).sum(axis=1), 0.0, atol=1e-12)
