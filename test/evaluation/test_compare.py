from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dense_face_ros.evaluation.compare import TABLE, compare, differences, eye_table, read_pair, unlike_recordings
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


def test_frames_of_a_looped_recording_are_paired_within_their_pass(tmp_path: Path) -> None:
    """The second pass begins with the stamp that the first ended with, and one run lacks a frame of the first."""
    for name, stamps in (("one", [10, 20, 30, 30, 40, 10]), ("two", [10, 30, 30, 40, 10, 20])):
        texts = {text: ["attentive"] * 6 for text in TEXTS}
        numbers = {"x": np.arange(6.0), TIME: np.ones(6)}
        (tmp_path / name).mkdir()
        FrameColumns(np.array(stamps), texts, numbers).write_csv(tmp_path / name / TABLE)
    one, two = read_pair(tmp_path / "one", tmp_path / "two")
    assert one.stamps.tolist() == two.stamps.tolist() == [10, 30, 30, 40, 10], "in the order of the recording"
    assert (one.numbers["x"].tolist(), two.numbers["x"].tolist()) == ([0, 2, 3, 4, 5], [0, 1, 2, 3, 4])


@pytest.mark.parametrize(
    ("this", "other", "text"),
    [
        ({"recording": "drive", "topic": "/ir/image"}, {"recording": "drive", "topic": "/ir/image"}, ""),
        (
            {"recording": "drive"},
            {"recording": "night"},
            "the recording of this run is 'drive', that of the other 'nig",
        ),
        (
            {"recording": "drive", "topic": "/ir"},
            {"recording": "drive", "topic": "/rgb"},
            "the topic of this run is '/ir'",
        ),
        ({"recording": "drive", "topic": "/ir"}, {"recording": "drive"}, ""),
        ({"recording": "drive"}, None, ""),
        ({"recording": "drive"}, [], ""),
    ],
)
def test_recordings_that_are_not_the_same_are_told_by_their_names(
    this: Any, other: Any, text: str, tmp_path: Path
) -> None:
    for name, found in (("this", this), ("other", other)):
        (tmp_path / name).mkdir()
        if found is not None:
            (tmp_path / name / "summary.json").write_text(json.dumps(found))
    said = unlike_recordings(tmp_path / "this", tmp_path / "other")
    assert said.startswith(text) and bool(said) is bool(text)


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


def test_another_eyelid_network_is_a_difference() -> None:
    """It does not see the left eye in half of the frames, and the right one is less open."""
    unseen = np.where(np.arange(100) % 2, 0.9, np.nan)
    one = run(10.0, eye_left=np.full(100, 0.9), eye_right=np.resize([0.9, 0.1], 100))
    two = run(10.0, eye_left=unseen, eye_right=np.resize([0.8, 0.0], 100))
    found = differences(one, two)
    told = found["share of frames that tell the left eye"]
    assert (told.mean_a, told.mean_b, told.verdict) == (1.0, 0.5, "lower")
    assert found["share of frames that tell the right eye"].verdict == "equal"
    assert found["openness of the left eye"].pairs == 50, "of which both know it"
    assert found["openness of the right eye"].difference == pytest.approx(-0.1)
    assert (
        found["shut eyes, share of frames that tell eyes"].mean_b
        == 0.0
        == found["shut eyes, share of frames that tell eyes"].mean_a
    )


def test_shut_eyes_are_compared() -> None:
    """Of the other run's, one is open in every fourth frame."""
    shut = np.full(100, 0.1)
    open_at_times = np.where(np.arange(100) % 4, 0.1, 0.9)
    found = differences(run(10.0, eye_left=shut, eye_right=shut), run(10.0, eye_left=open_at_times, eye_right=shut))
    assert found["shut eyes, share of frames that tell eyes"].mean_a == 1.0
    assert found["shut eyes, share of frames that tell eyes"].mean_b == 0.75


def test_another_policy_is_a_difference_but_of_one_minute_it_cannot_be_told_whether_it_is_noise() -> None:
    """An alarm holds for long: the frames of a minute are one sample."""
    verdicts = []
    for rate in (10.0, 0.5):  # of ten seconds, and of two hundred
        one, two = run(rate), run(rate, perclos=np.full(100, 0.2))
        one.numbers["perclos"] = np.full(100, 0.1)
        one.texts |= {"attention": ["attentive"] * 100, "zone": ["road"] * 100}
        two.texts |= {"attention": ["attentive"] * 50 + ["drowsy"] * 50, "zone": ["lap"] * 50 + ["road"] * 50}
        found = differences(one, two)
        drowsy, lap = found["share of frames, attention drowsy"], found["share of frames, zone lap"]
        assert (drowsy.mean_a, drowsy.mean_b) == (lap.mean_a, lap.mean_b) == (0.0, 0.5)
        verdicts.append(found["PERCLOS"].verdict)
    assert verdicts == ["cannot be told", "higher"]


def test_what_neither_run_tells_is_not_compared() -> None:
    found = differences(run(10.0), run(10.0))
    assert not {"PERCLOS", "openness of the left eye", "shut eyes, share of frames that tell eyes"} & found.keys()


def test_the_figures_go_into_json(tmp_path: Path) -> None:
    for name, attention, openness in (("one", "attentive", 0.9), ("two", "sleep", np.nan)):
        columns = run(10.0, eye_left=np.full(100, openness))
        columns.texts["attention"] = ["attentive"] * 90 + [attention] * 10
        (tmp_path / name).mkdir()
        columns.write_csv(tmp_path / name / TABLE)
    found = compare(tmp_path / "one", tmp_path / "two")
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert (told["frames"], told["frames_of_unlike_attention"]) == (100, 10)
    assert told["differences"]["share of frames, attention sleep"]["difference"] == pytest.approx(0.1)
    assert told["eyes"]["other"]["left"] == {"share_told": 0.0, "median": None}
    (alarm,) = told["alarms"]
    assert (alarm["alarm"], alarm["this_s"], alarm["other_s"]) == ("sleep", None, 9.0)
    assert eye_table(found)[0] == ("openness of the left eye", 0.9, None)
