from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ros.fake_tracker import make_model, tracked_state

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.evaluation.attention import AttentionJudge, head_sample
from dense_face_ros.evaluation.frame_table import FrameColumns, FrameTable
from dense_face_ros.evaluation.jitter import WINDOW, JitterMeter
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.attention_setup import attention_policy
from dense_face_ros.ros.parameter_spec import defaults
from dense_face_ros.ros.parameters import ATTENTION

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
MODEL = make_model()


@pytest.fixture
def columns() -> FrameColumns:
    """Eight tracked frames at 25 Hz, then a lost one."""
    table, meter, judge = (
        FrameTable(MODEL.expression_names),
        JitterMeter(),
        AttentionJudge(attention_policy(defaults(ATTENTION)), 0.4),
    )
    states = [tracked_state(MODEL, i / 25, CAMERA, yaw=0.2 + 0.01 * (i % 2)) for i in range(8)]
    states.append(HeadState.without_head(8 / 25, Status.LOST, "hidden, perhaps", CAMERA, 6, 3))
    for i, state in enumerate(states):
        attention = judge.judge(head_sample(state, i / 25))[-1]
        table.add(1_700_000_000_000_000_000 + 40_000_000 * i, state, meter.add(state), attention, 4.5)
    return table.columns()


def test_values_are_those_of_the_states(columns: FrameColumns) -> None:
    assert len(columns) == 9 and columns.seconds[-1] == pytest.approx(0.32)
    first = {name: column[0] for name, column in columns.numbers.items()}
    assert (first["x"], first["z"], first["raw_z"]) == pytest.approx((0.05, 0.7, 0.71))
    assert first["sigma_position"] == pytest.approx(np.sqrt(4.02e-4))
    assert first["yaw"] == pytest.approx(np.degrees(0.2)) and first["sigma_rotation"] == pytest.approx(
        np.degrees(np.sqrt(3e-4))
    )
    assert first["expression.jawOpen"] == 0.3 and first["visible_landmarks"] == 34 and np.isnan(first["eye_right"])
    assert np.isnan(first["speed"]), "nobody told it"
    assert columns.texts["status"][-1] == "lost" and np.isnan(columns.numbers["yaw"][-1])
    assert np.isnan(columns.numbers["visible_landmarks"][-1]), "of no head none are hidden"


def test_attention_and_speed_stand_beside_the_head() -> None:
    attention = attention_policy(defaults(ATTENTION)).update(HeadSample(0.0))
    table = FrameTable(MODEL.expression_names)
    attention = replace(attention, glance=1.5, perclos=0.2)
    table.add(0, tracked_state(MODEL, 0.0, CAMERA), None, attention, 4.5, speed=12.0)
    numbers = table.columns().numbers
    assert [numbers[name][0] for name in ("glance", "perclos", "speed", "milliseconds")] == [1.5, 0.2, 12.0, 4.5]


def test_jitter_stands_at_the_middle_of_its_window(columns: FrameColumns) -> None:
    known = np.flatnonzero(np.isfinite(columns.numbers["jitter_rotation"]))
    assert known.tolist() == [WINDOW // 2, WINDOW // 2 + 1]


def test_passes_of_a_looped_recording() -> None:
    columns = FrameColumns(np.array([7, 8, 10, 7, 8, 8]) * 1_000_000_000, {}, {})
    assert columns.passes.tolist() == [0, 0, 0, 1, 1, 2]
    assert columns.seconds.tolist() == [0.0, 1.0, 3.0, 0.0, 1.0, 1.0]
    assert columns.played.tolist() == [0.0, 1.0, 3.0, 3.0, 4.0, 4.0]


def test_csv_is_read_back_exactly(columns: FrameColumns, tmp_path: Path) -> None:
    columns.write_csv(tmp_path / "frames.csv")
    read = FrameColumns.read_csv(tmp_path / "frames.csv")
    assert read.texts == columns.texts and (read.stamps == columns.stamps).all()
    assert read.numbers.keys() == columns.numbers.keys()
    for name, column in columns.numbers.items():
        assert np.array_equal(read.numbers[name], column, equal_nan=True), name


def test_a_table_that_was_cut_off_or_damaged_is_refused_by_its_line(columns: FrameColumns, tmp_path: Path) -> None:
    path = tmp_path / "frames.csv"
    columns.write_csv(path)
    whole = path.read_bytes()
    *_, last = whole.splitlines(keepends=True)
    for count in range(1, len(last)):
        path.write_bytes(whole[:-count])
        with pytest.raises(ValueError, match=r"frames\.csv', line 10 (is cut off|has \d+ cells, but).*; evaluate"):
            FrameColumns.read_csv(path)
    path.write_bytes(whole.replace(b"\r\n3,", b",4.5\r\n3,"))
    with pytest.raises(ValueError, match=r"frames\.csv', line 4 has 41 cells, but the table 40 columns; evaluate"):
        FrameColumns.read_csv(path)
    path.write_bytes(whole.replace(b"\r\n3,1", b"\r\n3,1234567890123456789"))
    with pytest.raises(ValueError, match=r"frames\.csv' is no table of an evaluation: .*int"):
        FrameColumns.read_csv(path)


def test_a_table_that_cannot_be_written_leaves_the_one_before(columns: FrameColumns, tmp_path: Path) -> None:
    columns.write_csv(tmp_path / "frames.csv")
    before = (tmp_path / "frames.csv").read_bytes()
    columns.texts["reason"] = columns.texts["reason"][:5]  # so that it breaks off in the midst
    with pytest.raises(IndexError):
        columns.write_csv(tmp_path / "frames.csv")
    assert (tmp_path / "frames.csv").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_parquet_holds_the_same(columns: FrameColumns, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    assert columns.write_parquet(tmp_path / "frames.parquet")
    table = parquet.read_table(tmp_path / "frames.parquet")
    assert table.column("stamp_ns").to_pylist() == columns.stamps.tolist()
    assert np.array_equal(table.column("yaw").to_numpy(), columns.numbers["yaw"], equal_nan=True)


def test_another_table_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"other\.csv' is no table of an evaluation"):
        FrameColumns.read_csv(tmp_path / "other.csv")
    (tmp_path / "bad.csv").write_text("frame,stamp_ns,status,milliseconds\n0,zero,lost,1\n")
    with pytest.raises(ValueError, match=r"bad\.csv' is no table"):
        FrameColumns.read_csv(tmp_path / "bad.csv")
    with pytest.raises(FileNotFoundError, match=r"none\.csv' does not exist"):
        FrameColumns.read_csv(tmp_path / "none.csv")
