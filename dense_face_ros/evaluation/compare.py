"""Two evaluations of the same recording side by side: which differences are more than noise, and where they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from dense_face_ros.evaluation import page
from dense_face_ros.evaluation.charts import Series, chart
from dense_face_ros.evaluation.frame_table import TIME, FrameColumns
from dense_face_ros.evaluation.paired import PairedDifference, paired_difference
from dense_face_ros.evaluation.provenance import origin
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import Status

TABLE = "frames.csv"
_BLOCK = 1.0  # seconds; frames further apart are taken to err independently
_COMPARED = {
    "error of rotation, deg": "error_rotation",
    "error of depth, m": "error_z",
    "jitter of rotation, deg": "jitter_rotation",
    "jitter of rotation as fitted, deg": "jitter_raw_rotation",
    "jitter of position, mm": "jitter_position_mm",
    "jitter of landmarks, %": "jitter_landmarks",
    "share of inliers": "inliers",
    "residual, crop pixels": "residual",
}


def read_pair(this: Path, other: Path) -> tuple[FrameColumns, FrameColumns]:
    """The tables of two evaluation folders, cut to the frames both have.

    Raises:
        FileNotFoundError, ValueError: naming the folder or table.
    """
    one, two = (FrameColumns.read_csv(folder / TABLE) for folder in (this, other))
    _, in_one, in_two = np.intersect1d(one.stamps, two.stamps, return_indices=True)
    if not len(in_one):
        raise ValueError(f"'{this}' and '{other}' have no image stamp in common; compare runs over one recording")
    return _rows(one, in_one), _rows(two, in_two)


def _rows(columns: FrameColumns, which: np.ndarray) -> FrameColumns:
    texts = {name: [column[i] for i in which.tolist()] for name, column in columns.texts.items()}
    return FrameColumns(columns.stamps[which], texts, {n: c[which] for n, c in columns.numbers.items()})


def differences(this: FrameColumns, other: FrameColumns) -> dict[str, PairedDifference]:
    """Name with unit -> how the other run differs, over the frames of which both know the value."""
    steps = np.diff(this.seconds)
    block = max(1, round(_BLOCK / float(np.median(steps)))) if len(steps) and np.median(steps) > 0 else 1
    out = {}
    tracked = [(np.array(c.texts["status"]) == Status.TRACKING.value).astype(float) for c in (this, other)]
    pairs = {"share of frames tracking": (tracked[0], tracked[1])}
    for name, column in _COMPARED.items():
        if column in this.numbers and column in other.numbers:
            pairs[name] = (np.abs(this.numbers[column]), np.abs(other.numbers[column]))
    for name, (a, b) in pairs.items():
        found = paired_difference(a, b, block)
        if found is not None:
            out[name] = found
    # What else the machine did slows a whole run alike: of times, every run is one sample.
    time = paired_difference(this.numbers[TIME], other.numbers[TIME], block=len(this))
    if time is not None:
        out["time of a frame, ms"] = time
    return out


def comparison_table(found: dict[str, PairedDifference]) -> list[tuple[str, float, float, float, float | None, str]]:
    """Rows: what, this run, the other, difference, its 95 % margin, verdict on the other."""
    return [(name, d.mean_a, d.mean_b, d.difference, d.margin, d.verdict) for name, d in found.items()]


HEADER = ("mean over common frames", "this run", "the other", "difference", "95 % margin", "the other is")


def comparison_page(this: Path, other: Path) -> tuple[str, dict[str, PairedDifference]]:
    """The comparison as a single HTML file's text, and its figures."""
    one, two = read_pair(this, other)
    found = differences(one, two)
    parts = [
        page.paragraph(f"This run: {this} ({_origin(this)}). The other: {other} ({_origin(other)})."),
        page.paragraph(f"{len(one)} frames in common."),
        page.table(comparison_table(found), HEADER),
        page.heading("Time lines"),
    ]
    for name, unit in {"yaw": "deg", "pitch": "deg", "roll": "deg", "z": "m", "error_rotation": "deg"}.items():
        if name in one.numbers and name in two.numbers:
            parts.append(_both(name.replace("_", " "), unit, one, two, one.numbers[name], two.numbers[name]))
    parts.append(_both("time of a frame", "ms", one, two, one.numbers[TIME], two.numbers[TIME]))
    return page.page("Comparison of two runs", parts), found


def _origin(folder: Path) -> str:
    """By what an evaluation was made, as its summary tells."""
    try:
        return origin(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["provenance"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "of an unknown version"


def _both(name: str, unit: str, one: FrameColumns, two: FrameColumns, a: Array, b: Array) -> str:
    series = [Series("this run", one.seconds, a), Series("the other", two.seconds, b)]
    return chart(name.capitalize(), series, "s", unit)
