"""The comparison of a benchmark's result with the recorded one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.check_accuracy import main

FIGURES: dict[str, Any] = {
    "benchmark": "aflw2000",
    "n": 16,
    "failed": 0,
    "nme68_mean_of_bins": 3.5,
    "nme51_mean_of_bins": 3.0,
    "pose_mae": 2.5,
    "pose_geodesic": 4.5,
    "images": [{"name": "not kept"}],
}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "accuracy.json"
    assert main([written(tmp_path, {}), str(path), "--record"]) == 0
    return path


def written(folder: Path, changes: dict[str, Any]) -> str:
    path = folder / "result.json"
    path.write_text(json.dumps(FIGURES | changes))
    return str(path)


def test_record_keeps_the_figures_only(recorded: Path) -> None:
    assert json.loads(recorded.read_text()) == {k: v for k, v in FIGURES.items() if k != "images"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"nme68_mean_of_bins": 3.64}, 0),
        ({"nme68_mean_of_bins": 3.66}, 1),
        ({"nme68_mean_of_bins": 2.0, "failed": 1}, 1),
        ({"nme68_mean_of_bins": None}, 2),
        ({"n": 15}, 2),
    ],
)
def test_exit_code(tmp_path: Path, recorded: Path, changes: dict[str, Any], code: int) -> None:
    assert main([written(tmp_path, changes), str(recorded)]) == code


def test_names_what_became_worse(tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([written(tmp_path, {"pose_mae": 9.0}), str(recorded)])
    assert capsys.readouterr().out == "pose_mae is 9.000, recorded is 2.500, tolerance 0.3\n"


def test_missing_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([written(tmp_path, {}), str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
