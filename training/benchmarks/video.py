"""A whole video through ``FaceTracker.update``: how steadily the head is tracked, where it is lost, how long it took.

There are no labels in a video. Jitter is what is left of the pose after a straight line through each window of seven
frames (0.23 s at 30 Hz): a head's own movement is nearly straight over that time, noise is not. It is given for the
raw and the filtered pose, as the median and the 90th percentile of the windows' rms: rotation in degrees, position in
millimetres, and the inner landmarks in % of the face's size.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.drawing import contact_sheet, draw_caption, draw_overlay
from dense_face_ros.evaluation.jitter import JitterMeter
from dense_face_ros.face_model import FaceModel
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.sheet import write_png
from training.benchmarks.subject import HeadTracker

_CELLS = 24
_CELL_WIDTH = 480
_FALLBACK_RATE = 30.0  # Hz, for files that do not tell theirs
_COLUMNS = (
    "frame", "stamp", "status", "reason", "milliseconds", "x", "y", "z", "yaw", "pitch", "roll",
    "eye_left", "eye_right", "inliers", "residual", "coverage",
)  # fmt: skip


def frames(path: Path, limit: int | None = None) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    """Stamp in seconds and image (H, W, 3) BGR of every frame, in order.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: it is no video that OpenCV can decode.
    """
    if not path.is_file():
        found = "is a folder" if path.exists() else "does not exist"
        raise FileNotFoundError(f"video: '{path}' {found}; give a video file")
    capture = cv2.VideoCapture(str(path))
    try:
        rate = capture.get(cv2.CAP_PROP_FPS)
        rate = rate if np.isfinite(rate) and 1.0 <= rate <= 1000.0 else _FALLBACK_RATE
        index = 0
        while limit is None or index < limit:
            got, image = capture.read()
            if not got:
                break
            yield index / rate, np.asarray(image, dtype=np.uint8)
            index += 1
        if index == 0:
            raise ValueError(f"video: '{path}' has no frame that can be decoded; is it a video file?")
    finally:
        capture.release()


def evaluate(
    tracker: HeadTracker,
    path: Path,
    model: FaceModel,
    limit: int | None = None,
    sheet: Path | None = None,
    table: Path | None = None,
) -> dict[str, Any]:
    """Track every frame; optionally write a contact sheet (PNG) and a table (CSV, a row per frame)."""
    total = sum(1 for _ in frames(path, limit)) if sheet is not None else 0
    shown = set(np.linspace(0, total - 1, min(_CELLS, total)).astype(int).tolist()) if total else set()
    states: list[HeadState] = []
    durations: list[float] = []
    cells: list[npt.NDArray[np.uint8]] = []
    for index, (stamp, image) in enumerate(frames(path, limit)):
        started = time.perf_counter()
        state = tracker.update(image, stamp=stamp)
        durations.append(1e3 * (time.perf_counter() - started))
        states.append(_figures_only(state))
        if index in shown:
            cells.append(_cell(draw_overlay(image, state, model), index))
    if sheet is not None:
        write_png(sheet, contact_sheet(cells, 4, 4 * _CELL_WIDTH))
    if table is not None:
        _write_table(table, states, durations)
    return {"benchmark": "video", "file": path.name, **summary(states, durations)}


def summary(states: list[HeadState], durations: list[float]) -> dict[str, Any]:
    """Shares of frames per status, loss events, jitter and milliseconds per frame."""
    statuses = [state.status for state in states]
    losses = [
        {"frame": i, "stamp": states[i].stamp, "reason": states[i].reason}
        for i in range(1, len(states))
        if statuses[i] is not Status.TRACKING and statuses[i - 1] is Status.TRACKING
    ]
    first = next((i for i, status in enumerate(statuses) if status is Status.TRACKING), None)
    return {
        "n": len(states),
        "share": {status.value: statuses.count(status) / len(states) for status in Status},
        "first_tracked_frame": first,
        "losses": losses,
        "jitter_raw": jitter(states, filtered=False),
        "jitter_filtered": jitter(states, filtered=True),
        "milliseconds": {
            "median": float(np.median(durations)),
            "p90": float(np.percentile(durations, 90)),
            "p99": float(np.percentile(durations, 99)),
        },
    }


def jitter(states: list[HeadState], filtered: bool) -> dict[str, Any]:
    """Median and 90th percentile of the windows' rms departure from a straight line; None without such a window."""
    meter = JitterMeter()
    windows = [window for state in states if (window := meter.add(state)) is not None]
    rotation = [w.rotation_deg if filtered else w.rotation_raw_deg for w in windows]
    position = [w.position_mm if filtered else w.position_raw_mm for w in windows]
    figures: dict[str, Any] = {"windows": len(rotation)}
    told = {"rotation_deg": rotation, "position_mm": position}
    if not filtered:  # landmarks are as fitted
        told["landmarks_percent"] = [w.landmarks_percent for w in windows]
    for name, values in told.items():
        figures[name] = (
            {"median": float(np.median(values)), "p90": float(np.percentile(values, 90))} if values else None
        )
    return figures


def _figures_only(state: HeadState) -> HeadState:
    """The state without its maps and mesh: a video of any length fits into memory."""
    nothing = np.zeros(0)
    return replace(state, vertices=nothing, matchability=nothing, flow=nothing, flow_sigma=nothing)


def _cell(drawn: npt.NDArray[np.uint8], index: int) -> npt.NDArray[np.uint8]:
    scale = _CELL_WIDTH / drawn.shape[1]
    size = (_CELL_WIDTH, max(1, round(drawn.shape[0] * scale)))
    cell = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    draw_caption(cell, f"frame {index}")
    return cell


def _write_table(path: Path, states: list[HeadState], durations: list[float]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for index, (state, duration) in enumerate(zip(states, durations, strict=True)):
            numbers = [*state.pose[:3, 3], *state.yaw_pitch_roll, *state.eye_openness]
            numbers += [state.quality.get(name, np.nan) for name in ("inliers", "residual", "coverage")]
            figures = ["" if np.isnan(n) else f"{n:.6g}" for n in numbers]
            row = [index, f"{state.stamp:.4f}", state.status.value, state.reason, f"{duration:.2f}", *figures]
            writer.writerow(row)
