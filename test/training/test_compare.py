from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.compare import compare, main

SOURCE = {"hardware": {"processor": "a processor"}}


def accuracy(errors: list[float], names: str = "abcdefgh") -> dict[str, Any]:
    rows = [{"name": n, "nme68": e, "geodesic": None, "failed": False} for n, e in zip(names, errors, strict=False)]
    return {"benchmark": "aflw2000", "images": rows, "provenance": SOURCE}


def times(median: float, spread: float) -> dict[str, Any]:
    stage = {"median": median, "median_spread": spread}
    return {"threads": 1, "sizes": {"640x480": {"network": stage, "share_tracked": 1.0}}, "provenance": SOURCE}


def test_a_steady_gain_is_told_from_luck() -> None:
    before = np.array([3.0, 5.0, 2.0, 4.0, 6.0, 3.5, 4.5, 5.5])
    luck = np.array([0.9, -0.8, 0.7, -0.9, 0.8, -0.7, 0.6, -0.5])
    verdicts = [
        {row[0]: row[5] for row in compare(accuracy(before.tolist()), accuracy((before + change).tolist()))}
        for change in (luck, 0.1 * luck - 0.5, np.zeros(8))
    ]
    assert [v["nme68"] for v in verdicts] == ["noise", "lower", "equal"]
    assert "geodesic" not in verdicts[0]


@pytest.mark.parametrize(("median", "verdict"), [(2.1, "noise"), (2.5, "higher"), (1.5, "lower")])
def test_times_are_judged_by_the_spread_of_their_repeats(median: float, verdict: str) -> None:
    (row,) = compare(times(2.0, 0.1), times(median, 0.1))
    assert row[0] == "640x480 network, ms" and row[5] == verdict


def node(p50: float, rate: float = 60.0) -> dict[str, Any]:
    figures = {"answered_hz": rate, "processor_percent": 40.0, "latency_ms": {"p50": p50, "p99": 2 * p50}}
    spread = {"answered_hz": 0.1, "processor_percent": 2.0, "latency_ms": {"p50": 0.5, "p99": 3.0}}
    setting = {"size": "640x480", "rate": rate, "threads": 1}
    return {"node": {**figures, "spread": spread}, **setting, "provenance": SOURCE}


def test_nodes_are_judged_by_the_spread_of_their_repeats() -> None:
    rows = compare(node(8.0), node(10.0))
    assert {row[0]: row[5] for row in rows} == {
        "answered, Hz": "noise", "stamp to head_pose p50, ms": "higher", "stamp to head_pose p99, ms": "noise",
        "processor, %": "noise",
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"of rate 60\.0 and 30\.0"):
        compare(node(8.0), node(8.0, 30.0))


def test_what_cannot_be_compared_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = {"a": accuracy([1.0, 2.0]), "b": accuracy([1.0, 2.0], "xy"), "t": times(1.0, 0.1), "none": {"a": 1}}
    made["old"] = {**made["a"], "images": [{"name": n, "nme68": 1.0} for n in "ab"]}
    made["rowless"] = {**made["a"], "images": []}
    for name, result in made.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result))
    (tmp_path / "text.json").write_text("no json")
    (tmp_path / "list.json").write_text("[1]")
    for other, words in {
        "b": "different images (2 and 2)",
        "t": "different benchmarks: aflw2000 and times",
        "none": "none.json' is no result",
        "text": "text.json' is no JSON file",
        "missing": "missing.json",
        "list": "list.json' is no result: it holds no JSON object",
        "old": "is not as this version writes it (KeyError('failed'))",
        "rowless": "benchmark aflw2000 has no rows per image or face",
    }.items():
        assert main([str(tmp_path / "a.json"), str(tmp_path / f"{other}.json")]) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
    assert main([str(tmp_path / "a.json"), str(tmp_path / "a.json")]) == 0
    assert "equal" in capsys.readouterr().out
