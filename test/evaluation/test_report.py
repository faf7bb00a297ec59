"""What the report's charts show behind their lines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from dense_face_ros.evaluation.charts import Band
from dense_face_ros.evaluation.report import _bands


def test_nothing_is_known_of_a_pause() -> None:
    columns: Any = SimpleNamespace(
        seconds=np.array([0.0, 0.1, 10.0, 10.1]), texts={"attention": ["attentive", "asleep", "asleep", "attentive"]}
    )
    colours = {"asleep": "red", "unknown": "grey"}
    assert _bands(columns, "attention", colours, "grey") == [
        Band(0.1, 0.5, "red"), Band(0.5, 10.0, "grey"), Band(10.0, 10.1, "red"),
    ]  # fmt: skip
    assert _bands(columns, "attention", colours) == [Band(0.1, 0.5, "red"), Band(10.0, 10.1, "red")]
