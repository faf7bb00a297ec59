"""The report of one recording as a single HTML file: figures, time lines, key frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dense_face_ros.attention.states import State
from dense_face_ros.evaluation import page
from dense_face_ros.evaluation.charts import Series, chart, stretches
from dense_face_ros.evaluation.frame_table import EXPRESSION, EYES, TIME
from dense_face_ros.evaluation.key_frames import KeyFrame
from dense_face_ros.evaluation.run import Run
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import Status
from dense_face_ros.ros.frame_statistics import DROP_REASONS

_BANDS = {Status.LOST.value: "#f6c1bd", Status.SEARCHING.value: "#dcdcdc"}
_ATTENTION_BANDS = {
    State.UNKNOWN.value: "#dcdcdc",
    State.DROWSY.value: "#fbe3b5",
    State.REPEATED_DISTRACTION.value: "#fbe3b5",
    State.LONG_DISTRACTION.value: "#fbe3b5",
    State.MICROSLEEP.value: "#f6c1bd",
    State.SLEEP.value: "#f6c1bd",
    State.UNRESPONSIVE.value: "#f6c1bd",
}
_EVENTS = 60  # rows of a table
_EXPRESSIONS = 5  # the liveliest ones are drawn


def report(name: str, run: Run, summary: Mapping[str, Any], origin: str) -> str:
    """The HTML text; ``summary`` as ``summary.summary`` gives it, ``origin`` as ``provenance.origin``."""
    parts = [page.table(figures(summary)), page.paragraph(f"Made by {origin}.")]
    if run.notes:
        assumed = "" if summary["metric"] else " The pose rests on an assumed camera."
        parts.append(page.paragraph("Camera: " + "; ".join(run.notes) + "." + assumed))
    if run.drop_notes:
        parts.append(page.paragraph("Images: " + "; ".join(run.drop_notes) + "."))
    parts.append(page.heading("Time lines"))
    parts.append(
        page.paragraph(
            "Grey: searching. Red: lost. Seconds are those recorded since the first frame. Behind the glance: grey "
            "where attention is unknown, orange drowsy or distracted, red asleep or unresponsive."
        )
    )
    parts += timelines(run)
    parts.append(page.heading("Attention"))
    shares = [(f"share of frames {state}", value) for state, value in summary["attention"]["share"].items()]
    parts.append(page.table(shares))
    events = [(c["frame"], c["seconds"], c["state"], c["reason"]) for c in summary["attention"]["changes"]]
    parts.append(page.table(events[:_EVENTS], ("frame", "seconds", "state", "reason")))
    if len(events) > _EVENTS:
        parts.append(page.paragraph(f"The first {_EVENTS} of {len(events)} changes; all are in summary.json."))
    if summary["losses"]:
        parts.append(page.heading("Losses of the track"))
        rows = [(loss["frame"], loss["seconds"], loss["reason"]) for loss in summary["losses"]]
        parts.append(page.table(rows[:_EVENTS], ("frame", "seconds", "reason")))
        if len(rows) > _EVENTS:
            parts.append(page.paragraph(f"The first {_EVENTS} of {len(rows)} losses; all are in summary.json."))
    parts.append(page.heading("Key frames"))
    parts += [page.picture(frame.jpeg, _caption(frame)) for frame in run.key_frames]
    return page.page(f"Head tracking of {name}", parts)


def figures(summary: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Names with units, and values, of what stands at the top of a report."""
    share, jitter, ms = summary["share"], summary["jitter"], summary["milliseconds"]
    eyes = summary["eyes"]
    memory = " / ".join(page.shown(summary["memory_mb"][when]) for when in ("settled", "end", "peak"))
    rows: list[tuple[str, object]] = [
        ("frames", summary["frames"]),
        *((f"frames dropped: {DROP_REASONS[why]}", count) for why, count in summary["frames_dropped"].items()),
        ("poses withheld (require_camera_info)", summary["poses_withheld"]),
        ("duration, s", summary["duration_s"]),
        *((f"share of frames {name}", value) for name, value in share.items()),
        ("losses", len(summary["losses"])),
        ("jitter of rotation, deg rms, median (as fitted)", _pair(jitter["rotation_deg"], jitter["rotation_raw_deg"])),
        ("jitter of position, mm rms, median (as fitted)", _pair(jitter["position_mm"], jitter["position_raw_mm"])),
        *((f"share of frames that tell the {side} eye", eyes[side]["share_told"]) for side in EYES),
        ("openness of the left / right eye, median", " / ".join(page.shown(eyes[side]["median"]) for side in EYES)),
        ("shut eyes, share of frames that tell eyes", eyes["share_shut"]),
        ("time of a frame, ms, p50 / p90 / p99", " / ".join(page.shown(ms[q]) for q in ("p50", "p90", "p99"))),
        ("times real time", summary["times_real_time"]),
        ("memory, MiB, after 100 frames / at the end / peak", memory),
    ]
    truth = summary.get("truth")
    if truth is not None:
        rows += [
            ("frames with a true pose", truth["frames"]),
            ("of these without a head found", truth["missed"]),
            ("error of rotation, deg, mean", truth["rotation_deg"]["mean"]),
            ("error of rotation, deg, p90", truth["rotation_deg"]["p90"]),
            *((f"error of {name}, deg, mean absolute", v) for name, v in truth["mean_absolute_deg"].items()),
            *((f"bias of {name}, deg", value) for name, value in truth["bias_deg"].items()),
            ("error of position, mm, mean", truth["position_mm"]["mean"]),
            ("error of depth, %, mean", truth["depth_percent"]["mean"]),
        ]
    return rows


def _pair(filtered: Mapping[str, Any], raw: Mapping[str, Any]) -> str:
    return f"{page.shown(filtered['p50'])} ({page.shown(raw['p50'])})"


def timelines(run: Run) -> list[str]:
    """One chart per subject, as SVG."""
    columns, pauses = run.columns, run.pauses
    x, numbers = columns.played, columns.numbers
    bands = stretches(x, columns.texts["status"], _BANDS, pauses)
    known = "true_yaw" in numbers

    def line(title: str, unit: str, curves: Mapping[str, Array], **options: Any) -> str:
        series = [Series(name, x, y) for name, y in curves.items()]
        return chart(title, series, "s", unit, bands, **options)

    charts = []
    for name in ("yaw", "pitch", "roll"):
        curves = {"tracked": numbers[name]} | ({"true": numbers[f"true_{name}"]} if known else {})
        charts.append(line(name.capitalize(), "deg", curves))
    charts.append(line("Position", "m", {axis: numbers[axis] for axis in "xyz"}))
    if known:
        offset = np.stack([numbers[f"error_{axis}"] for axis in "xyz"])
        charts.append(line("Error of rotation", "deg", {"": numbers["error_rotation"]}))
        charts.append(line("Error of position", "mm", {"": 1e3 * np.linalg.norm(offset, axis=0)}))
    charts.append(
        line(
            "Jitter of rotation over 7 frames",
            "deg rms",
            {"filtered": numbers["jitter_rotation"], "as fitted": numbers["jitter_raw_rotation"]},
        )
    )
    eyes = {side: numbers[f"eye_{side}"] for side in EYES}
    charts.append(line("Eye openness", "share", eyes, y_range=(0.0, 1.05)))
    liveliest = _liveliest(numbers)
    if liveliest:
        charts.append(line("Expression, the liveliest", "activation", liveliest, y_range=(0.0, 1.05)))
    glance = [Series("", x, numbers["glance"])]
    charts.append(
        chart(
            "Glance away from the road",
            glance,
            "s",
            "s",
            stretches(x, columns.texts["attention"], _ATTENTION_BANDS, pauses, _ATTENTION_BANDS["unknown"]),
        )
    )
    if np.isfinite(numbers["speed"]).any():
        charts.append(line("Speed of the vehicle", "km/h", {"": 3.6 * numbers["speed"]}))
    charts.append(line("Share of inliers", "share", {"": numbers["inliers"]}, y_range=(0.0, 1.05)))
    charts.append(line("Time of a frame", "ms", {"": numbers[TIME]}))
    return charts


def _liveliest(numbers: Mapping[str, Array]) -> dict[str, Array]:
    """The activations that vary most, the blinks left out: they are drawn as eye openness."""
    spread = {
        name: float(np.nanstd(column))
        for name, column in numbers.items()
        if name.startswith(EXPRESSION) and "blink" not in name.lower() and np.isfinite(column).any()
    }
    chosen = sorted(spread, key=lambda name: (-spread[name], name))[:_EXPRESSIONS]
    return {name.removeprefix(EXPRESSION): numbers[name] for name in chosen}


def _caption(frame: KeyFrame) -> str:
    return f"frame {frame.index}, {frame.seconds:.2f} s" + (f": {frame.title}" if frame.title else "")
