"""What the report tells of a recording, and what its charts show behind their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from dense_face_ros.evaluation.charts import Band, Series
from dense_face_ros.evaluation.frame_table import TEXTS, TIME, FrameColumns
from dense_face_ros.evaluation.report import _liveliest, _pair, figures, report, timelines
from dense_face_ros.evaluation.run import Run
from dense_face_ros.evaluation.summary import summary

SHOWN = ("yaw", "pitch", "roll", "x", "y", "z", "eye_left", "eye_right", "glance", "speed", "inliers", "metric", TIME)
JITTER = ("rotation", "raw_rotation", "position_mm", "raw_position_mm", "landmarks")


def recorded(attention: list[str], notes: Sequence[str] = (), **numbers: float) -> Run:
    """Tracked frames, a tenth of a second apart, with these states of attention; ones but for the given numbers."""
    count = len(attention)
    texts = {name: attention if name == "attention" else ["tracking"] * count for name in TEXTS}
    names = (*SHOWN, *(f"jitter_{name}" for name in JITTER))
    columns = {name: np.full(count, numbers.get(name, 1.0)) for name in names}
    memory, dropped = dict.fromkeys(("settled", "end", "peak")), {"bad_image": 1, "out_of_order": 3}
    table = FrameColumns(100_000_000 * np.arange(count), texts, columns)
    return Run(table, [], list(notes), memory, {}, dropped, ["image 7: empty"], 2)


def test_charts_show_the_speed_in_km_h_and_attention_behind_the_glance(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: dict[str, tuple[list[Series], list[Band]]] = {}

    def chart(title: str, series: list[Series], x: str, y: str, bands: list[Band], **options: Any) -> str:
        drawn[title] = series, bands
        return ""

    monkeypatch.setattr("dense_face_ros.evaluation.report.chart", chart)
    timelines(recorded(["attentive", "sleep", "sleep"], speed=10.0))
    assert drawn["Speed of the vehicle"][0][0].y.tolist() == [36.0] * 3
    assert [(band.start, band.end) for band in drawn["Glance away from the road"][1]] == [(0.1, 0.2)]
    assert not drawn["Yaw"][1], "the track was never lost"


def test_the_liveliest_expressions_are_drawn_but_no_blinks() -> None:
    moves = {"eyeBlink_L": 9.0, **{f"mouth{i}": float(i) for i in range(7)}}
    numbers = {f"expression.{name}": np.array([0.0, move]) for name, move in moves.items()}
    assert list(_liveliest(numbers)) == ["mouth6", "mouth5", "mouth4", "mouth3", "mouth2"]


def test_a_figure_stands_before_that_of_the_fit_alone() -> None:
    assert _pair({"p50": 0.1}, {"p50": 0.4}) == "0.1 (0.4)"


@pytest.mark.parametrize("metric", [True, False])
def test_a_note_on_the_camera_says_whether_it_is_assumed(metric: bool) -> None:
    run = recorded(["attentive"], ["frame_id differs"], metric=metric)
    page = report("drive", run, summary(run), "somewhere")
    assert "Camera: frame_id differs." in page and ("assumed camera" in page) is not metric


def test_frames_that_were_dropped_and_poses_that_were_withheld_are_told() -> None:
    run = recorded(["attentive"])
    told = dict(figures(summary(run)))
    assert told["frames dropped: stamped no later than a frame already processed"] == 3
    assert told["frames dropped: cannot be decoded"] == 1
    assert "Images: image 7: empty." in report("drive", run, summary(run), "somewhere")
    assert told["poses withheld (require_camera_info)"] == 2


def test_each_eye_is_told() -> None:
    run = recorded(["attentive"] * 4)
    run.columns.numbers["eye_left"] = np.array([0.9, 0.7, np.nan, np.nan])
    told = dict(figures(summary(run)))
    assert (
        told["share of frames that tell the left eye"] == 0.5 and told["share of frames that tell the right eye"] == 1
    )
    assert told["openness of the left / right eye, median"] == "0.8 / 1"


def test_of_many_changes_of_attention_the_first_are_listed() -> None:
    run = recorded(["attentive", "sleep"] * 50)
    page = report("drive", run, summary(run), "somewhere")
    listed = [f'<td class="n">{frame}</td>' in page.partition("Attention</h2>")[2] for frame in (0, 59, 60, 99)]
    assert listed == [True, True, False, False] and "The first 60 of 100 changes" in page
