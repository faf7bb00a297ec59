from __future__ import annotations

from pathlib import Path

import numpy as np

from dense_face_ros.evaluation.compare import TABLE, read_pair
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
