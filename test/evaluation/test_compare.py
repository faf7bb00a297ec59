from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dense_face_ros.evaluation.compare import TABLE, comparison_page, differences, read_pair
from dense_face_ros.evaluation.frame_table import TEXTS, TIME, FrameColumns


def test_frames_of_two_runs_are_paired_by_their_stamps(tmp_path: Path) -> None:
    for name, stamps in (("one", [10, 20, 30]), ("two", [20, 30, 40])):
        texts = {text: [f"{text} at {stamp}" for stamp in stamps] for text in TEXTS}
        numbers = {"x": np.array(stamps) / 10.0, TIME: np.ones(3)}
        (tmp_path / name).mkdir()
        FrameColumns(np.array(stamps), texts, numbers).write_csv(tmp_path / name / TABLE)
    for columns in read_pair(tmp_path / "one", tmp_path / "two"):
        assert columns.stamps.tolist() == [20, 30] and columns.numbers["x"].tolist() == [2.0, 3.0]
        assert columns.texts["status"] == ["status at 20", "status at 30"]


def run(rate: float, **numbers: Any) -> FrameColumns:
    """A run over a hundred frames at a rate in Hz, tracked in 5 ms each, but for what is given."""
    numbers = {TIME: np.full(100, 5.0), **numbers}
    texts = {text: ["tracking"] * 100 for text in TEXTS}
    return FrameColumns(np.round(1e9 * np.arange(100) / rate).astype(np.int64), texts, numbers)


def test_of_errors_with_a_sign_the_size_is_compared() -> None:
    signs = np.resize([1.0, -1.0], 100)
    found = differences(run(10.0, error_z=0.01 * signs), run(10.0, error_z=0.03 * signs))["error of depth, m"]
    assert (found.mean_a, found.mean_b, found.verdict) == (pytest.approx(0.01), pytest.approx(0.03), "higher")


def test_the_frames_of_a_second_are_one_sample_whatever_the_rate() -> None:
    slow, noise = np.repeat(np.random.default_rng(0).normal(size=10), 10), np.zeros(100)
    margins = [differences(run(r, inliers=noise), run(r, inliers=slow))["share of inliers"].margin for r in (1.0, 10.0)]
    assert margins[0] is not None and margins[1] is not None and margins[1] > 2.0 * margins[0]


def test_of_times_a_run_is_one_sample() -> None:
    found = differences(run(10.0), run(10.0, **{TIME: np.full(100, 6.0)}))["time of a frame, ms"]
    assert (found.difference, found.verdict) == (1.0, "cannot be told")


def test_the_other_run_tracks_less_when_it_does() -> None:
    lost = run(10.0)
    lost.texts["status"] = ["lost"] * 50 + ["tracking"] * 50
    found = differences(run(10.0), lost)["share of frames tracking"]
    assert (found.mean_a, found.mean_b, found.verdict) == (1.0, 0.5, "lower")


def test_both_runs_are_drawn(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, yaw in zip(folders, (0.0, 30.0), strict=True):
        folder.mkdir()
        run(10.0, yaw=np.full(100, yaw)).write_csv(folder / TABLE)
    page, _ = comparison_page(*folders)
    lines = re.findall(r'<path d="(M[^"]*)" fill="none"', page.partition("<svg")[2].partition("</svg>")[0])
    heights = [{point.split()[1] for point in re.split("[ML]", line)[1:]} for line in lines]
    assert [len(own) for own in heights] == [1, 1] and heights[0] != heights[1]
