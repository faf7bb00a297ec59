from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import Attention
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.evaluation.frame_table import TEXTS, TIME, FrameColumns
from dense_face_ros.evaluation.run import Run
from dense_face_ros.evaluation.summary import _eyes, changes, summary

NAN = np.nan
JITTER = ("rotation", "position_mm", "raw_rotation", "raw_position_mm", "landmarks")


def recorded(silences: dict[int, Attention] | None = None, **differing: list[float] | list[str]) -> Run:
    """Four frames a quarter of a second apart, tracked in a twentieth each, but for what is given."""
    texts = {name: ["tracking" if name == "status" else "unknown"] * 4 for name in TEXTS}
    numbers: dict[str, Any] = {f"jitter_{name}": [NAN] * 4 for name in JITTER}
    numbers |= {TIME: [50.0] * 4, "metric": [1.0] * 4, "eye_left": [0.9] * 4, "eye_right": [0.9] * 4}
    for name, column in differing.items():
        (texts if name in TEXTS else numbers)[name] = column
    columns = {name: np.array(column, dtype=np.float64) for name, column in numbers.items()}
    return Run(FrameColumns(250_000_000 * np.arange(40, 44), texts, columns), [], [], {}, silences or {}, {}, [], 0)


def test_eyes_are_shut_when_none_that_is_seen_is_open() -> None:
    left, right = np.array([(0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.1, np.nan), (np.nan, np.nan)]).T
    found = _eyes({"eye_left": left, "eye_right": right})
    assert (found["frames"], found["share_shut"]) == (4, 0.5)
    assert found["right"] == {"share_told": 0.6, "median": pytest.approx(0.1)}


def test_of_eyes_that_are_never_told_nothing_is_known() -> None:
    unseen = np.full(3, NAN)
    eye = {"share_told": 0.0, "median": None}
    found = _eyes({"eye_left": unseen, "eye_right": unseen})
    assert found == {"frames": 0, "share_shut": None, "left": eye, "right": eye}


def test_rates_are_those_of_the_recording_and_of_the_machine() -> None:
    found = summary(recorded())
    assert (found["duration_s"], found["rate_hz"]) == (0.75, 4.0)
    assert found["times_real_time"] == pytest.approx(1.0 / 0.2)


@pytest.mark.parametrize("pause", [3600.0, 1.7e9, -5.0])
def test_a_pause_or_another_clock_is_no_time_in_which_frames_came(pause: float) -> None:
    run = recorded(status=["tracking", "tracking", "lost", "lost"])
    run.columns.stamps[2:] += int(1e9 * pause)
    found = summary(run)
    assert found["rate_hz"] == pytest.approx(4.0) and found["times_real_time"] == pytest.approx(5.0)
    assert len(found["losses"]) == (0 if pause < 0.0 else 1), "where a pass ends nothing is lost"


def test_of_one_frame_no_rate_is_known() -> None:
    run = recorded()
    texts = {name: column[:1] for name, column in run.columns.texts.items()}
    numbers = {name: column[:1] for name, column in run.columns.numbers.items()}
    found = summary(replace(run, columns=FrameColumns(run.columns.stamps[:1], texts, numbers)))
    assert (found["rate_hz"], found["times_real_time"]) == (None, None)


@pytest.mark.parametrize(("metric", "told"), [([1.0] * 4, True), ([0.0, 1.0, 1.0, 1.0], False)])
def test_a_recording_is_metric_when_all_of_its_frames_are(metric: list[float], told: bool) -> None:
    assert summary(recorded(metric=metric))["metric"] is told


def test_errors_are_those_of_frames_with_a_truth_and_angles_are_wrapped() -> None:
    """The second frame has no truth and no head, the third a truth and no head."""
    compared: dict[str, Any] = {f"error_{axis}": [0.0, NAN, NAN, 0.0] for axis in "xy"}
    compared |= {"true_x": [0.0, NAN, 0.0, 0.0], "true_z": [0.5, NAN, 0.5, 0.5], "error_z": [0.01, NAN, NAN, -0.01]}
    compared |= {name: [0.0] * 4 for name in ("pitch", "true_pitch", "roll", "true_roll", "error_rotation")}
    compared |= {"yaw": [179.0, NAN, NAN, 5.0], "true_yaw": [-179.0, NAN, 0.0, 1.0]}
    truth = summary(recorded(status=["tracking", "lost", "lost", "tracking"], **compared))["truth"]
    assert (truth["frames"], truth["missed"]) == (3, 1)
    assert truth["mean_absolute_deg"]["yaw"] == pytest.approx(3.0) and truth["bias_deg"]["yaw"] == pytest.approx(1.0)
    assert truth["depth_percent"]["mean"] == pytest.approx(2.0)
    assert truth["position_mm"]["mean"] == pytest.approx(10.0)


def test_attention_changes_from_its_first_state_on() -> None:
    told = changes(recorded(attention=["unknown", "attentive", "attentive", "sleep"]))
    assert [(change["frame"], change["seconds"], change["state"]) for change in told] == [
        (0, 0.0, "unknown"), (1, 0.25, "attentive"), (3, 0.75, "sleep")
    ]  # fmt: skip


def test_a_silence_changes_attention_between_frames() -> None:
    """Unknown after frame 0, as it was; after frame 2 it is news, and what frame 3 shows is news again."""
    lapse = AttentionPolicy(PRESETS["euro_ncap"], ZoneMap.load(), None).lapse
    silences = {0: lapse(10.1, "silence"), 2: lapse(10.6, "silence")}
    told = changes(recorded(silences, attention=["unknown", "attentive", "attentive", "attentive"]))
    assert [(change["frame"], change["seconds"], change["state"]) for change in told] == [
        (0, 0.0, "unknown"), (1, 0.25, "attentive"), (2, 0.6, "unknown"), (3, 0.75, "attentive")
    ]  # fmt: skip
    assert told[2]["reason"] == "silence"
