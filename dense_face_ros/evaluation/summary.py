"""The figures of a whole recording, from its table of frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros.angles import wrap_degrees
from dense_face_ros.attention.states import State
from dense_face_ros.evaluation.frame_table import EXPRESSION, EYES, TIME, FrameColumns
from dense_face_ros.evaluation.run import Run
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import Status

#: An eye is shut when it is less open than this: the P80 of PERCLOS (Wierwille et al. 1994).
SHUT = 0.2
_JITTER = {
    "rotation_deg": "jitter_rotation",
    "position_mm": "jitter_position_mm",
    "rotation_raw_deg": "jitter_raw_rotation",
    "position_raw_mm": "jitter_raw_position_mm",
    "landmarks_percent": "jitter_landmarks",
}


#: What differs between two runs over one recording: figures of the machine.
OF_THE_MACHINE = ("milliseconds", "times_real_time", "memory_mb")


def summary(run: Run) -> dict[str, Any]:
    """Counts and shares, losses, jitter, eyes, expression, wall clock, and errors where there is a truth.

    Everything but what is ``OF_THE_MACHINE`` is the same in two runs. What could not be computed is None.
    """
    columns = run.columns
    status = np.array(columns.texts["status"])
    tracked = status == Status.TRACKING.value
    played, numbers = columns.played, columns.numbers
    step, spent = columns.step, float(numbers[TIME].sum()) / 1e3
    result: dict[str, Any] = {
        "frames": len(columns),
        "frames_dropped": run.dropped,
        "poses_withheld": run.withheld,
        "duration_s": float(played[-1]),
        "rate_hz": None if step is None else 1.0 / step,
        "share": {s.value: float((status == s.value).mean()) for s in Status},
        "first_tracked_s": float(played[tracked][0]) if tracked.any() else None,
        "metric": bool(numbers["metric"].all()),
        "notes": [*run.notes, *run.drop_notes],
        "losses": losses(columns),
        "jitter": {name: _spread(numbers[column]) for name, column in _JITTER.items()},
        "eyes": _eyes(numbers),
        "attention": _attention(run),
        "expression_p95": {
            name.removeprefix(EXPRESSION): _percentile(column, 95)
            for name, column in numbers.items()
            if name.startswith(EXPRESSION)
        },
        "milliseconds": {f"p{q}": _percentile(numbers[TIME], q) for q in (50, 90, 99)},
        "times_real_time": None if step is None or not spent > 0 else len(columns) * step / spent,
        "memory_mb": dict(run.memory_mb),
    }
    if "error_rotation" in numbers:
        result["truth"] = _against_truth(numbers, tracked)
    return result


def losses(columns: FrameColumns) -> list[dict[str, Any]]:
    """Where a tracked head was lost: frame, recorded seconds before it, reason. Where a pass ends nothing is lost."""
    status, seconds, passes = columns.texts["status"], columns.played.tolist(), columns.passes.tolist()
    return [
        {"frame": i, "seconds": seconds[i], "reason": columns.texts["reason"][i]}
        for i in range(1, len(columns))
        if status[i] != Status.TRACKING.value and status[i - 1] == Status.TRACKING.value and passes[i] == passes[i - 1]
    ]


def changes(run: Run) -> list[dict[str, Any]]:
    """When attention changed its state: frame, recorded seconds before it, state, reason. What a silence changes stands
    with the frame before it."""
    texts, seconds, pauses = run.columns.texts, run.columns.played.tolist(), run.pauses
    told = []
    for i, frame in enumerate(zip(seconds, texts["attention"], texts["attention_reason"], strict=True)):
        told.append((i, *frame))
        if i in run.silences:
            told.append((i, pauses[i], run.silences[i].state.value, run.silences[i].reason))
    new = [now for before, now in zip([None, *told], told, strict=False) if before is None or before[2] != now[2]]
    return [dict(zip(("frame", "seconds", "state", "reason"), change, strict=True)) for change in new]


def _attention(run: Run) -> dict[str, Any]:
    """Share of frames in each state that occurred, and the changes."""
    states = run.columns.texts["attention"]
    share = {state.value: states.count(state.value) / len(states) for state in State if state.value in states}
    return {"share": share, "changes": changes(run)}


def _against_truth(numbers: dict[str, Array], tracked: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Errors over the frames with a head and a truth; how many frames that know a true head had none found."""
    known = np.isfinite(numbers["true_x"])
    offset = np.stack([numbers[f"error_{axis}"] for axis in "xyz"])
    angles = {name: wrap_degrees(numbers[name] - numbers[f"true_{name}"]) for name in ("yaw", "pitch", "roll")}
    return {
        "frames": int(known.sum()),
        "missed": int((known & ~tracked).sum()),
        "rotation_deg": _spread(numbers["error_rotation"]),
        "position_mm": _spread(1e3 * np.linalg.norm(offset, axis=0)),
        "depth_percent": _spread(100.0 * np.abs(numbers["error_z"] / numbers["true_z"])),
        "mean_absolute_deg": {name: _mean(np.abs(error)) for name, error in angles.items()},
        "bias_deg": {name: _mean(error) for name, error in angles.items()},
    }


def eyes_shut(numbers: Mapping[str, Array]) -> Array:
    """(N,) 1 where none of the eyes that are told is open, 0 where one is, NaN where none is told."""
    widest = np.fmax(numbers["eye_left"], numbers["eye_right"])
    return np.where(np.isfinite(widest), widest < SHUT, np.nan)


def eye_openness(numbers: Mapping[str, Array]) -> dict[str, dict[str, float | None]]:
    """Of each eye, ``left`` and ``right``: the share of frames that tell it, and the median of its openness there."""
    eyes = {side: numbers[f"eye_{side}"] for side in EYES}
    return {
        side: {"share_told": float(np.isfinite(eye).mean()), "median": _percentile(eye, 50)}
        for side, eye in eyes.items()
    }


def _eyes(numbers: Mapping[str, Array]) -> dict[str, Any]:
    """In how many frames an eye is told, in which share of these the eyes are shut, and each eye."""
    shut = eyes_shut(numbers)
    return {"frames": int(np.isfinite(shut).sum()), "share_shut": _mean(shut), **eye_openness(numbers)}


def _spread(values: Array) -> dict[str, Any]:
    return {"n": int(np.isfinite(values).sum()), "mean": _mean(values)} | {
        f"p{q}": _percentile(values, q) for q in (50, 90, 99)
    }


def _mean(values: Array) -> float | None:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else None


def _percentile(values: Array, q: float) -> float | None:
    values = values[np.isfinite(values)]
    return float(np.percentile(values, q)) if len(values) else None
