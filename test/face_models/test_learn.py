"""The command line that learns the shipped face model."""

from __future__ import annotations

from pathlib import Path

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
