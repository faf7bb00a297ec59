"""Two evaluations of the same recording side by side: which differences are more than noise, and whose alarms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.attention.states import State
from dense_face_ros.evaluation.alarms import TOLERANCE, AlarmPair, alarm_table, alarms, paired_alarms
from dense_face_ros.evaluation.frame_table import EYES, TIME, FrameColumns
from dense_face_ros.evaluation.paired import PairedDifference, paired_difference
from dense_face_ros.evaluation.summary import eye_openness, eyes_shut
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import Status

TABLE = "frames.csv"
_BLOCK = 1.0  # seconds; frames further apart are taken to err independently
_MEMORY = 60.0  # seconds; the same of what is concluded about attention, which remembers a minute
#: Columns of which the size is compared.
_MEASURED = {
    "error of rotation, deg": "error_rotation",
    "error of depth, m": "error_z",
    "jitter of rotation, deg": "jitter_rotation",
    "jitter of rotation as fitted, deg": "jitter_raw_rotation",
    "jitter of position, mm": "jitter_position_mm",
    "jitter of landmarks, %": "jitter_landmarks",
    "share of inliers": "inliers",
    "residual, crop pixels": "residual",
    "openness of the left eye": "eye_left",
    "openness of the right eye": "eye_right",
}
_CONCLUDED = {"PERCLOS": "perclos", "glance away from the road, s": "glance"}

Pair = tuple[Array, Array]


@dataclass(frozen=True)
class Comparison:
    """Two runs over their common frames.

    Attributes:
        this, other: their tables, of equally many rows.
        differences: name with unit -> how the other differs.
        alarms: of both runs; their seconds are those that were recorded since the first common frame.
        note: why they may be of different recordings, or empty.
    """

    this: FrameColumns
    other: FrameColumns
    differences: dict[str, PairedDifference]
    alarms: list[AlarmPair]
    note: str

    @property
    def unlike(self) -> int:
        """Frames in which attention is not in the same state."""
        pairs = zip(self.this.texts["attention"], self.other.texts["attention"], strict=True)
        return sum(one != two for one, two in pairs)

    def as_json(self) -> dict[str, Any]:
        """All figures; None is unknown."""
        names = ("alarm", "this_s", "other_s", "told_by", "reason")
        return {
            "frames": len(self.this),
            "differences": {
                name: {"this": d.mean_a, "other": d.mean_b, "difference": d.difference, "margin": d.margin}
                | {"verdict": d.verdict}
                for name, d in self.differences.items()
            },
            "eyes": {"this": eye_openness(_eyes(self.this)), "other": eye_openness(_eyes(self.other))},
            "frames_of_unlike_attention": self.unlike,
            "alarm_tolerance_s": TOLERANCE,
            "alarms": [dict(zip(names, row, strict=True)) for row in alarm_table(self.alarms)],
        }


def compare(this: Path, other: Path) -> Comparison:
    """Compare two evaluation folders.

    Raises:
        FileNotFoundError, ValueError: naming the folder or table.
    """
    one, two = read_pair(this, other)
    pairs = paired_alarms(alarms(one), alarms(two))
    return Comparison(one, two, differences(one, two), pairs, unlike_recordings(this, other))


def read_pair(this: Path, other: Path) -> tuple[FrameColumns, FrameColumns]:
    """The tables of two evaluation folders, cut to the frames both have.

    Raises:
        FileNotFoundError, ValueError: naming the folder or table.
    """
    one, two = (FrameColumns.read_csv(folder / TABLE) for folder in (this, other))
    in_two = {frame: row for row, frame in enumerate(_frames(two))}
    common = [(row, in_two[frame]) for row, frame in enumerate(_frames(one)) if frame in in_two]
    if not common:
        raise ValueError(f"'{this}' and '{other}' have no image stamp in common; compare runs over one recording")
    rows_one, rows_two = np.array(common).T
    return _rows(one, rows_one), _rows(two, rows_two)


def unlike_recordings(this: Path, other: Path) -> str:
    """Why two evaluation folders may be of different recordings, in a sentence, or empty.

    Stamps do not tell: videos and folders all begin at 0, made drives at another time, and the cameras of a car may be
    triggered at once.
    """
    one, two = read_summary(this), read_summary(other)
    for name in ("recording", "topic"):
        a, b = one.get(name), two.get(name)
        if a and b and a != b:
            both = f"the {name} of this run is '{a}', that of the other '{b}'"
            return f"{both}: unless these show the same images, the differences mean nothing"
    return ""


def read_summary(folder: Path) -> dict[str, Any]:
    """An evaluation's summary; empty where it has none that can be read."""
    try:
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _frames(run: FrameColumns) -> Iterator[tuple[int, int]]:
    """What tells the frames of a recording apart: pass and stamp, which comes again where it was looped."""
    return zip(run.passes.tolist(), run.stamps.tolist(), strict=True)


def _rows(columns: FrameColumns, which: np.ndarray) -> FrameColumns:
    texts = {name: [text[i] for i in which.tolist()] for name, text in columns.texts.items()}
    return FrameColumns(columns.stamps[which], texts, {n: c[which] for n, c in columns.numbers.items()})


def differences(this: FrameColumns, other: FrameColumns) -> dict[str, PairedDifference]:
    """Name with unit -> how the other run differs, over the frames of which both know the value."""
    steps = np.diff(this.played)
    step = float(np.median(steps)) if len(steps) else 0.0
    out = {}
    for seconds, pairs in ((_BLOCK, _measured(this, other)), (_MEMORY, _concluded(this, other))):
        block = max(1, round(seconds / step)) if step > 0 else 1
        for name, (a, b) in pairs.items():
            found = paired_difference(a, b, block)
            if found is not None:
                out[name] = found
    # What else the machine did slows a whole run alike: of times, every run is one sample.
    time = paired_difference(this.numbers[TIME], other.numbers[TIME], block=len(this))
    if time is not None:
        out["time of a frame, ms"] = time
    return out


def _measured(this: FrameColumns, other: FrameColumns) -> dict[str, Pair]:
    """Name -> (N,) of both runs, of what is seen in a frame."""
    pairs = {"share of frames tracking": _share("status", Status.TRACKING.value, this, other)}
    pairs |= {name: (np.abs(column(this, key)), np.abs(column(other, key))) for name, key in _MEASURED.items()}
    for side in EYES:
        one, two = (np.isfinite(column(run, f"eye_{side}")).astype(np.float64) for run in (this, other))
        pairs[f"share of frames that tell the {side} eye"] = one, two
    pairs["shut eyes, share of frames that tell eyes"] = eyes_shut(_eyes(this)), eyes_shut(_eyes(other))
    return pairs


def _concluded(this: FrameColumns, other: FrameColumns) -> dict[str, Pair]:
    """The same of what is concluded about attention: with the states and zones that either run tells."""
    pairs = {name: (column(this, key), column(other, key)) for name, key in _CONCLUDED.items()}
    for state in states(this, other):
        pairs[f"share of frames, attention {state}"] = _share("attention", state, this, other)
    for zone in sorted({*this.texts["zone"], *other.texts["zone"]}):
        pairs[f"share of frames, zone {zone}"] = _share("zone", zone, this, other)
    return pairs


def states(this: FrameColumns, other: FrameColumns) -> list[str]:
    """That either run tells, as they rise in severity; those that this version does not know come last."""
    told = {*this.texts["attention"], *other.texts["attention"]}
    known = [state.value for state in State]
    return [state for state in known if state in told] + sorted(told.difference(known))


def _share(text: str, value: str, this: FrameColumns, other: FrameColumns) -> Pair:
    one, two = ((np.array(run.texts[text]) == value).astype(np.float64) for run in (this, other))
    return one, two


def column(run: FrameColumns, name: str) -> Array:
    """(N,) numbers; NaN where the table has no such column, as without true poses."""
    return run.numbers.get(name, np.full(len(run), np.nan))


def _eyes(run: FrameColumns) -> dict[str, Array]:
    return {f"eye_{side}": column(run, f"eye_{side}") for side in EYES}


HEADER = ("mean over common frames", "this run", "the other", "difference", "95 % margin", "the other is")


def comparison_table(found: dict[str, PairedDifference]) -> list[tuple[str, float, float, float, float | None, str]]:
    """Rows: what, this run, the other, difference, its 95 % margin, verdict on the other."""
    return [(name, d.mean_a, d.mean_b, d.difference, d.margin, d.verdict) for name, d in found.items()]


EYE_HEADER = ("median over all frames that tell it", "this run", "the other")


def eye_table(found: Comparison) -> list[tuple[str, float | None, float | None]]:
    """Rows: what, this run, the other."""
    one, two = (eye_openness(_eyes(run)) for run in (found.this, found.other))
    return [(f"openness of the {side} eye", one[side]["median"], two[side]["median"]) for side in EYES]
