"""Two processes under torchrun train as one with all their samples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import two_processes

import training.training_run
from training.checkpoint import CHECKPOINT, load_checkpoint
from training.processes import make_fabric, per_process
from training.run_log import LOG

_ROOT = Path(__file__).parents[2]


def torchrun(out: Path, *numbers: int) -> subprocess.CompletedProcess[str]:
    """Two processes of ``two_processes.py``, with what it takes behind the folder."""
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(map(str, (_ROOT, _ROOT / "test"))), "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
               str(_ROOT / "test" / "two_processes.py"), str(out), *map(str, numbers)]  # fmt: skip
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


def training_losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / LOG).read_text().splitlines()]
    return [line["loss"] for line in lines if line["split"] == "train"]


def test_two_processes_train_as_one_with_the_whole_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same losses, weights and averaged weights, though each process sees half of every batch; and when one of them is
    told to stop, both do, behind the same step."""
    monkeypatch.setattr(training.training_run, "_REPORT_STEPS", training.training_run._REPORT_STEPS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    one = load_checkpoint(two_processes.run(tmp_path / "one", batch_size=4))
    done = torchrun(tmp_path / "two", 2)
    assert done.returncode == 0, done.stderr[-3000:]
    two = load_checkpoint(tmp_path / "two" / CHECKPOINT)
    steps = two_processes.STOPPED_AFTER
    assert two["step"] == one["step"] == steps
    assert two["images"] == one["images"] == 4 * steps
    assert len(set(training_losses(tmp_path / "one"))) == steps
    assert training_losses(tmp_path / "two") == pytest.approx(training_losses(tmp_path / "one"), rel=1e-6)
    for part in ("network", "average"):
        for name, tensor in one[part].items():
            torch.testing.assert_close(two[part][name], tensor, rtol=1e-9, atol=1e-9, msg=f"{part} {name}")


@pytest.mark.parametrize("step", [1, 4])
def test_data_that_one_process_cannot_read_ends_both_behind_the_same_step(tmp_path: Path, step: int) -> None:
    """It is the second process, but the first keeps the checkpoint; before the first step there is none to keep."""
    done = torchrun(tmp_path, 2, step)
    assert done.returncode != 0
    assert "process 1: photograph 'gone.jpg' does not exist" in done.stderr
    assert (tmp_path / CHECKPOINT).exists() is (step > 1)
    if step > 1:
        state = load_checkpoint(tmp_path / CHECKPOINT)
        assert (state["step"], state["images"]) == (step - 1, 4 * (step - 1))


def test_the_divisor_of_a_single_process_is_its_own_count() -> None:
    assert per_process(torch.tensor(7.0)) == 7.0


def test_fabric_takes_what_torchrun_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two machines with one process each."""
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "0")
    fabric = make_fabric("32-true")
    assert fabric.world_size == 2
