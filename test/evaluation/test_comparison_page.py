from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from dense_face_ros.evaluation.compare import TABLE, Comparison, compare
from dense_face_ros.evaluation.comparison_page import comparison_page
from dense_face_ros.evaluation.frame_table import TEXTS, TIME, FrameColumns


def compared(folder: Path, states: tuple[str, str], **numbers: tuple[float, float]) -> tuple[Path, Path, Comparison]:
    """Two runs over a hundred frames, ten a second; the last ten have these states of attention."""
    paths = folder / "one", folder / "two"
    for i, path in enumerate(paths):
        path.mkdir()
        texts = {text: ["tracking"] * 100 for text in TEXTS}
        texts |= {"attention": ["attentive"] * 90 + [states[i]] * 10, "attention_reason": ["<because>"] * 100}
        columns = {name: np.full(100, values[i]) for name, values in {TIME: (5.0, 5.0), **numbers}.items()}
        FrameColumns(100_000_000 * np.arange(100), texts, columns).write_csv(path / TABLE)
    return *paths, compare(*paths)


def charts(page: str) -> dict[str, str]:
    """Title -> SVG."""
    drawn = re.findall("<svg.*?</svg>", page)
    return {re.findall('font-weight="bold">([^<]*)<', svg)[0]: svg for svg in drawn}


def test_both_runs_are_drawn(tmp_path: Path) -> None:
    eyes = {"yaw": (0.0, 30.0), "eye_left": (0.9, 0.5), "perclos": (np.nan, np.nan)}
    drawn = charts(comparison_page(*compared(tmp_path, ("attentive", "attentive"), **eyes)))
    for title in ("Yaw", "Openness of the left eye"):
        lines = re.findall(r'<path d="(M[^"]*)" fill="none"', drawn[title])
        heights = [{point.split()[1] for point in re.split("[ML]", line)[1:]} for line in lines]
        assert [len(own) for own in heights] == [1, 1] and heights[0] != heights[1]
    assert not {"PERCLOS", "Openness of the right eye", "Error of rotation"} & drawn.keys(), "nothing is known of them"


def test_an_alarm_is_told_and_drawn(tmp_path: Path) -> None:
    page = comparison_page(*compared(tmp_path, ("attentive", "sleep")))
    assert "<td>sleep</td>" in page and "<td>the other only</td><td>&lt;because&gt;</td>" in page
    assert "Attention is not in the same state in 10 of 100 frames." in page
    lanes = re.findall(r'y="([^"]*)" width="([^"]*)" height="22" fill="([^"]*)"', charts(page)["Attention"])
    rows = {y: [(float(width), colour) for at, width, colour in lanes if at == y] for y, _, _ in lanes}
    this, other = rows.values()
    assert len(this) == 1 and this[0][1] == other[0][1] != other[1][1]
    assert other[0][0] > 9.0 * other[1][0] > 0.0


def test_the_passes_of_a_looped_recording_are_drawn_one_after_another(tmp_path: Path) -> None:
    *paths, found = compared(tmp_path, ("attentive", "attentive"))
    for run in (found.this, found.other):
        run.stamps = np.tile(run.stamps[:50], 2)
    drawn = charts(comparison_page(*paths, found))["Time of a frame"]
    line = re.findall(r'<path d="(M[^"]*)" fill="none"', drawn)[0]
    across = [float(point.split()[0]) for point in re.split("[ML]", line)[1:]]
    assert across == sorted(across)


def test_a_state_of_another_version_does_not_stop_it(tmp_path: Path) -> None:
    assert "<td>dizzy</td>" in comparison_page(*compared(tmp_path, ("attentive", "dizzy")))
