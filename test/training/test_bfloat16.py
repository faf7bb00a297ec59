"""Training is in bfloat16 but on CPUs that have no instructions for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from training.bfloat16 import WITHOUT, cpu_has_bfloat16
from training.processes import make_fabric


@pytest.mark.parametrize(("fast", "rank", "used", "told"), [
    (True, "0", "bf16-mixed", ""), (False, "0", "32-true", f"{WITHOUT}\n"), (False, "1", "32-true", ""),
])  # fmt: skip
def test_a_cpu_without_trains_in_single_precision_and_one_process_says_so(
    fast: bool, rank: str, used: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.processes.cpu_has_bfloat16", lambda: fast)
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setenv("RANK", rank)
    assert make_fabric("bf16-mixed")._precision.precision == used
    assert capsys.readouterr().err == told


def test_what_torch_no_longer_tells_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "ops", SimpleNamespace(mkldnn=SimpleNamespace()))
    assert cpu_has_bfloat16()
