"""The finder's training: its schedule, and what it goes on from."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dense_face_ros.face_finder import INPUT_HEIGHT, INPUT_WIDTH
from training.checkpoint import load_checkpoint, save_checkpoint
from training.face_finder.canvas import MadeImage
from training.face_finder.export import export
from training.face_finder.network import FinderNetwork
from training.face_finder.sources import SOURCES
from training.face_finder.train import RATE, learning_rate, train


def go_on(run: Path, minutes: float, **options: Any) -> None:
    least = {"batch": 1, "rate": None, "heads": 1, "check_minutes": 1.0, "threads": 1, "seed": 0}
    files = {"fits": run / "fits.npz", "skins": None, "start_from": None}
    train(data=run / "no_data", run=run, minutes=minutes, **{"sources": "best", **files, **least, **options})


class Noise:
    """A maker of pictures with one face where there is nothing."""

    def make(self, rng: np.random.Generator) -> MadeImage:
        image = rng.integers(0, 255, (INPUT_HEIGHT, INPUT_WIDTH), np.uint8)
        return MadeImage(image, np.float32([[60, 40, 100, 80]]), np.zeros(1), np.zeros(1), np.ones(1, bool))


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of a step or two at a rate of 5e-3, beside its fits."""
    kept = [Noise().make(np.random.default_rng(0))]
    monkeypatch.setattr("training.face_finder.train.made_validation_set", lambda *_: kept)
    monkeypatch.setitem(SOURCES, "best", replace(SOURCES["best"], maker=lambda *_: Noise(), photographs="renderings"))
    run = tmp_path / "run"
    run.mkdir()
    (run / "fits.npz").write_bytes(b"fits")
    go_on(run, 1e-6, rate=5e-3)
    return run


def test_a_run_goes_on_at_its_own_rate_unless_another_is_given(begun: Path) -> None:
    def after(**options: Any) -> tuple[int, float]:
        before = load_checkpoint(begun / "last.pt")
        go_on(begun, before["seconds"] / 60.0 + 1e-6, **options)
        state = load_checkpoint(begun / "last.pt")
        return state["step"] - before["step"], state["rate"]

    assert after() == (1, 5e-3)
    assert after(rate=1e-3) == (1, 1e-3)
    assert after() == (1, 1e-3)


@pytest.mark.parametrize("option", ["batch", "heads"])
def test_another_number_than_the_run_began_with_is_refused(begun: Path, option: str) -> None:
    with pytest.raises(ValueError, match=rf"--{option} is 3, and '.*run' was begun with 1; give that, or name another"):
        go_on(begun, 1.0, **{option: 3})


def test_other_files_than_the_run_began_with_are_refused(begun: Path, tmp_path: Path) -> None:
    other = tmp_path / "skins.npz"
    other.write_bytes(b"other")
    with pytest.raises(ValueError, match=r"--skins is skins\.npz with sha256 \w+, and .* was begun with nothing; give"):
        go_on(begun, 1.0, skins=other)
    moved = (tmp_path / "fits.npz").resolve()
    moved.write_bytes(b"fits")
    go_on(begun, load_checkpoint(begun / "last.pt")["seconds"] / 60.0 + 1e-6, fits=moved)
    moved.write_bytes(b"made anew")
    with pytest.raises(ValueError, match=r"--fits is fits\.npz with .* was begun with fits\.npz with sha256 "):
        go_on(begun, 1.0, fits=moved)


def test_it_is_exported_with_the_fits_that_it_was_trained_with(begun: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"was trained with fits\.npz with sha256 \w+, --fits is no file; give that"):
        export(tmp_path, begun / "last.pt", tmp_path / "finder.onnx", tmp_path / "nowhere.npz")


def test_runs_that_kept_none_of_it_still_go_on(begun: Path) -> None:
    state = load_checkpoint(begun / "last.pt")
    del state["given"], state["rate"]
    save_checkpoint(begun / "last.pt", state)
    go_on(begun, state["seconds"] / 60.0 + 1e-6, heads=7)
    state = load_checkpoint(begun / "last.pt")
    assert state["rate"] == RATE and state["given"]["heads"] == 7


@pytest.mark.parametrize("option", ["batch", "heads", "threads"])
def test_numbers_that_are_none_are_refused(tmp_path: Path, option: str) -> None:
    with pytest.raises(ValueError, match=f"--{option} is 0; it must be at least 1"):
        go_on(tmp_path, 1.0, **{option: 0})


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
    had = {"kind": "face_finder", "sources": "best", "seconds": 90.0, "validation": {"recall": 0.5}}
    save_checkpoint(tmp_path / "last.pt", had)
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


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_is_for_cpus_that_have_it(begun: Path, fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    used = []

    def watched(network: FinderNetwork, image: torch.Tensor) -> Any:
        used.append(torch.is_autocast_enabled("cpu"))
        return forward(network, image)

    forward = FinderNetwork.forward
    monkeypatch.setattr(FinderNetwork, "forward", watched)
    monkeypatch.setattr("training.face_finder.train.cpu_has_bfloat16", lambda: fast)
    go_on(begun, load_checkpoint(begun / "last.pt")["seconds"] / 60.0 + 1e-6)
    assert used[0] is fast  # validation is in single precision always


def test_a_run_that_is_asked_to_stop_is_kept_and_goes_on(
    begun: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun_with, made = load_checkpoint(begun / "last.pt")["step"], Noise.make
    before = signal.getsignal(signal.SIGTERM)

    def asked_to_stop(maker: Noise, rng: np.random.Generator) -> MadeImage:
        os.kill(os.getpid(), signal.SIGTERM)
        return made(maker, rng)

    monkeypatch.setattr(Noise, "make", asked_to_stop)
    go_on(begun, 60.0)
    state = load_checkpoint(begun / "last.pt")
    assert state["step"] == begun_with + 1 and "recall" in state["validation"]
    assert f"stopped at step {begun_with + 1}; the same command goes on" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before
    monkeypatch.setattr(Noise, "make", made)
    go_on(begun, state["seconds"] / 60.0 + 1e-6)
    assert load_checkpoint(begun / "last.pt")["step"] == begun_with + 2


def test_of_a_killed_run_the_last_two_minutes_are_lost_and_its_log_has_no_step_twice(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_with = load_checkpoint(begun / "last.pt")["step"]
    left = iter(range(3))

    def killed(maker: Noise, rng: np.random.Generator) -> MadeImage:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return made(maker, rng)

    made = Noise.make
    monkeypatch.setattr(Noise, "make", killed)
    monkeypatch.setattr("training.face_finder.train._SAVE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        go_on(begun, 60.0, check_minutes=30.0)
    state = load_checkpoint(begun / "last.pt")
    assert state["step"] == begun_with + 3 and state["validation"] == {}
    with (begun / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": state["step"] + 1}) + "\n" + '{"step": ')
    monkeypatch.setattr(Noise, "make", made)
    go_on(begun, state["seconds"] / 60.0 + 1e-6)
    steps = [json.loads(line)["step"] for line in (begun / "log.jsonl").read_text().splitlines()]
    assert steps == [begun_with, state["step"] + 1]


def test_a_run_that_is_killed_while_it_is_validated_at_last_is_validated_by_the_same_command(
    begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = load_checkpoint(begun / "last.pt")["seconds"] / 60.0 + 1e-6

    def killed(*_: object) -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("training.face_finder.train.validate", killed)
        with pytest.raises(KeyboardInterrupt):
            go_on(begun, minutes)
    step = load_checkpoint(begun / "last.pt")["step"]
    assert load_checkpoint(begun / "last.pt")["validation"] == {}
    go_on(begun, minutes)
    state = load_checkpoint(begun / "last.pt")
    assert state["step"] == step and "recall" in state["validation"]
    with pytest.raises(ValueError, match="give more"):
        go_on(begun, minutes)
