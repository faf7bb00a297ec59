"""What the picture of a driver's attention draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attention.drives import CLOSED, LAP, ZONES, Camera, Segment, judge

from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.evaluation.attention_picture import _runs, draw_timeline, played


def test_glance_budget_and_eyes_are_drawn_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed")
    drawn: list[Any] = []
    monkeypatch.setattr(figure.Figure, "savefig", lambda self, path, dpi: drawn.append(self))
    states = judge([Segment(4.0), Segment(2.0, LAP), Segment(2.0), Segment(1.2, eyes=CLOSED)], Camera(15.0))
    draw_timeline(states, PRESETS["euro_ncap"], ZONES, Path("unwritten.png"))
    shown = {axis.get_ylabel(): axis for axis in drawn[0].axes}
    for label, name in (("glance away", "glance"), ("budget left", "budget_left"), ("eyes closed", "closure")):
        lines = [line.get_ydata() for line in shown[f"{label}\n(s)"].lines]
        wanted = np.array([getattr(state, name) for state in states], dtype=np.float64)
        assert any(len(y) == len(wanted) and np.array_equal(y, wanted, equal_nan=True) for y in lines), name
    assert shown["zone"].get_yticklabels()[1].get_text() == "road"


def test_the_last_state_lasts_to_the_end() -> None:
    states = judge([Segment(1.0), Segment(1.0, LAP)], Camera(10.0))
    time = np.arange(20) / 10.0
    runs = _runs(states, time, 2.0, lambda state: state.zone)
    assert [begin for _, begin, _ in runs[1:]] == [end for _, _, end in runs[:-1]]
    assert (runs[0][1], runs[-1][2]) == (0.0, 2.0)


def test_a_pass_that_ends_goes_on_in_the_next() -> None:
    states = judge([Segment(1.0)], Camera(10.0))[:3]
    back = [*states, *(replace(state, stamp=state.stamp - 50.0) for state in states[:2])]
    np.testing.assert_allclose(played(back), [0.0, 0.1, 0.2, 0.2, 0.3], atol=1e-6)
