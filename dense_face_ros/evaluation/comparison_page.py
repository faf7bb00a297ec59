"""The comparison of two evaluations as a single HTML file: figures, alarms, time lines of both."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dense_face_ros.attention.states import State
from dense_face_ros.evaluation import page
from dense_face_ros.evaluation.alarms import ALARM_HEADER, alarm_table, counted
from dense_face_ros.evaluation.charts import Series, chart, lanes, stretches
from dense_face_ros.evaluation.compare import (
    EYE_HEADER,
    HEADER,
    Comparison,
    column,
    comparison_table,
    eye_table,
    read_summary,
    states,
)
from dense_face_ros.evaluation.frame_table import TIME
from dense_face_ros.evaluation.provenance import origin

#: Title -> column, unit, range.
_CHARTS = {
    "Openness of the left eye": ("eye_left", "share", (0.0, 1.05)),
    "Openness of the right eye": ("eye_right", "share", (0.0, 1.05)),
    "PERCLOS": ("perclos", "share", None),
    "Glance away from the road": ("glance", "s", None),
    "Yaw": ("yaw", "deg", None),
    "Pitch": ("pitch", "deg", None),
    "Roll": ("roll", "deg", None),
    "Z": ("z", "m", None),
    "Error rotation": ("error_rotation", "deg", None),
    "Time of a frame": (TIME, "ms", None),
}
_COLOURS = {
    State.UNKNOWN.value: "#dcdcdc",
    State.ATTENTIVE.value: "#c9e7d0",
    State.DROWSY.value: "#f5dc6c",
    State.REPEATED_DISTRACTION.value: "#f0a862",
    State.LONG_DISTRACTION.value: "#cc6a1f",
    State.MICROSLEEP.value: "#f29b94",
    State.SLEEP.value: "#cb3f31",
    State.UNRESPONSIVE.value: "#5e1914",
}


def comparison_page(this: Path, other: Path, found: Comparison) -> str:
    """The comparison of two folders as a single HTML file's text."""
    one, two = found.this, found.other
    unlike = f"Attention is not in the same state in {found.unlike} of {len(one)} frames."
    parts = [
        page.paragraph(f"This run: {this} ({_origin(this)}). The other: {other} ({_origin(other)})."),
        page.paragraph(f"{len(one)} frames in common." + (f" Note: {found.note}." if found.note else "")),
        page.table(comparison_table(found.differences), HEADER),
        page.table(eye_table(found), EYE_HEADER),
        page.heading("Alarms"),
        page.paragraph(f"{counted(found.alarms)} {unlike} Seconds count from the first common frame."),
    ]
    if found.alarms:
        parts.append(page.table(alarm_table(found.alarms), ALARM_HEADER))
    parts.append(page.heading("Time lines"))
    parts.append(page.paragraph("A pause of the recording is drawn as the state before it."))
    rows = {
        name: stretches(run.played, run.texts["attention"], _COLOURS)
        for name, run in (("this run", one), ("the other", two))
    }
    shown = {state.replace("_", " "): _COLOURS[state] for state in states(one, two) if state in _COLOURS}
    parts.append(lanes("Attention", rows, "s", (0.0, float(one.played[-1])), shown))
    for title, (name, unit, y_range) in _CHARTS.items():
        curves = [Series("this run", one.played, column(one, name))]
        curves.append(Series("the other", two.played, column(two, name)))
        if any(np.isfinite(curve.y).any() for curve in curves):
            parts.append(chart(title, curves, "s", unit, y_range=y_range))
    return page.page("Comparison of two runs", parts)


def _origin(folder: Path) -> str:
    """By what an evaluation was made, as its summary tells."""
    try:
        return origin(read_summary(folder)["provenance"])
    except (KeyError, TypeError, AttributeError):
        return "of an unknown version"
