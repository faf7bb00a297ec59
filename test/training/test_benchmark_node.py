from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.benchmark_node import Repeat, Traffic, combined, main, node_process


def test_figures_count_what_was_sent_after_the_warm_up() -> None:
    stamps = [int(i * 1e8) for i in range(20)]
    traffic = Traffic(sent=stamps)
    traffic.answered = {stamp: stamp + 5_000_000 for stamp in stamps[:18]}
    traffic.posed = {stamp: stamp + (10 + i) * 1_000_000 for i, stamp in enumerate(stamps[:16])}
    found = traffic.figures(begin=stamps[10], end=stamps[10] + 1_000_000_000)
    assert (found["images"], found["sent_hz"], found["answered_hz"], found["poses"]) == (10, 10.0, 8.0, 6)
    assert found["share_answered"] == 0.8 and found["latency_ms"]["p50"] == pytest.approx(22.5)


def test_repeats_are_told_by_their_median_and_range() -> None:
    second = 1_000_000_000
    stamps = [int(i * 1e8) for i in range(30)]
    delays = [5_000_000] * 10 + [7_000_000] * 10 + [15_000_000] * 10
    answers = {stamp: stamp + delay for stamp, delay in zip(stamps, delays, strict=True)}
    repeats = [Repeat(i * second, (i + 1) * second, used) for i, used in enumerate((0.2, 0.5, 0.3))]
    found = combined(Traffic(stamps, answers, answers), repeats)
    assert (found["images"], found["poses"], found["repeats"]) == (30, 30, 3)
    assert found["processor_percent"] == pytest.approx(30.0)
    assert found["spread"]["processor_percent"] == pytest.approx(30.0)
    assert found["latency_ms"]["p50"] == pytest.approx(7.0)
    assert found["spread"]["latency_ms"]["p99"] == pytest.approx(10.0)
    silent = combined(Traffic(stamps), repeats)
    assert silent["latency_ms"] is None and silent["answered_hz"] == 0.0


def test_the_last_words_of_a_node_that_ends_are_told(tmp_path: Path) -> None:
    script = tmp_path / "node.py"
    script.write_text("raise SystemExit('no model')")
    with pytest.raises(RuntimeError, match="ended with exit code 1: no model"), node_process([str(script)], 1) as node:
        node.wait()


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--source", "none.mp4"], "'none.mp4' does not exist"),
        (["--source", str(tmp_path), "--rate", "0"], "--rate is 0.0"),
        (["--source", str(tmp_path), "--repeats", "0"], "--repeats is 0"),
        (["--source", str(tmp_path), "--size", "big"], "--size is 'big'"),
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1


def test_a_node_is_measured_over_dds() -> None:
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

    # In a process of its own: rclpy is initialised once per process.
    program = Path(__file__).parents[1] / "ros" / "fake_tracker.py"
    code = (
        "import json, numpy as np, training.benchmark_node as b; b._WARM_UP = 0.2; "
        f"print(json.dumps(b.measure([np.full((48, 64, 3), 120, np.uint8)], 20.0, 0.5, 2, 1, [{str(program)!r}])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["images"] == 20 and found["poses"] > 0
    assert found["latency_ms"]["p50"] > 0.0 and found["memory_mb"] > 10.0
