"""What a showing came to: counts and latency, the driver's attention, the error against a known truth, and the contact
sheet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from demo.processes import DemoError
from demo.watcher import Watcher
from dense_face_ros.angles import wrap_degrees
from dense_face_ros.attention.alarms import beginnings
from dense_face_ros.attention.states import Attention
from dense_face_ros.drawing import contact_sheet
from dense_face_ros.evaluation.truth import pose_errors
from dense_face_ros.geometry import Array, yaw_pitch_roll_from_rotation
from dense_face_ros.ros.frame_statistics import DROP_REASONS

_FIGURES = (
    "backend", "frames_received", "frames_processed", "frames_with_head",
    "frames_dropped", *(f"dropped_{reason}" for reason in DROP_REASONS), "latency_p50_ms", "latency_p99_ms",
    "processing_p50_ms", "processing_p99_ms",
)  # fmt: skip
#: What is left in the output folder, beside the logs.
LEFT = VIDEO, SHEET, REPORT = "overlay.mp4", "contact_sheet.png", "report.json"


def pose_error(found: dict[int, Array], frame_stamps: list[int], true: Array) -> dict[str, dict[str, float]]:
    """Mean and median error of yaw, pitch, roll, the whole rotation (degrees), and the position (millimetres).

    Args:
        found: image stamp -> pose (4, 4) camera <- head, metres.
        frame_stamps: the stamp that each frame was given, in order.
        true: (N, 4, 4) pose of each frame.

    Raises:
        ValueError: when there is not one stamp for every frame, so that nobody knows which frame a pose belongs to, or
            when no pose belongs to any.
    """
    if len(frame_stamps) != len(true):
        raise ValueError(f"{len(frame_stamps)} frames were announced, {len(true)} were rendered; run it again")
    pairs = [(found[stamp], pose) for stamp, pose in zip(frame_stamps, true, strict=True) if stamp in found]
    if not pairs:
        raise ValueError("no pose belongs to any frame")
    estimates, truths = (np.stack(poses) for poses in zip(*pairs, strict=True))
    rotation, offset = pose_errors(estimates, truths)
    angles, true_angles = (yaw_pitch_roll_from_rotation(poses[:, :3, :3]) for poses in (estimates, truths))
    yaw, pitch, roll = np.abs(wrap_degrees(np.degrees(angles - true_angles))).T
    position = 1e3 * np.linalg.norm(offset, axis=1)
    errors = {"yaw": yaw, "pitch": pitch, "roll": roll, "rotation": rotation, "position": position}
    return {name: {"mean": float(np.mean(v)), "median": float(np.median(v))} for name, v in errors.items()}


def attention_summary(states: Sequence[Attention], first: float, last: float) -> dict[str, Any]:
    """What was judged of the frames between two stamps (seconds).

    Returns:
        ``share`` of the judgements by their state, and the ``alarms`` as [state, seconds after the first frame].
    """
    judged = [state for state in states if first <= state.stamp <= last]
    begun = [judged[i] for i in beginnings(state.state for state in judged)]
    alarms = [[state.state.value, round(state.stamp - first, 2)] for state in begun]
    counts = Counter(state.state.value for state in judged)
    return {"share": {state: count / len(judged) for state, count in counts.most_common()}, "alarms": alarms}


def _told(text: str) -> str | float | None:
    """A value of the diagnostics, as a number where it is one; None where it is not known."""
    if text == "unknown":
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text


def report(watcher: Watcher, source: str, output: Path, truth: Array | None) -> None:
    """Print the figures and write ``contact_sheet.png`` and ``report.json``.

    Args:
        source: that was played.
        truth: (N, 4, 4) pose of each frame played, where it is known.

    Raises:
        DemoError: when there is nothing to report.
        OSError: when a file cannot be written.
    """
    figures: dict[str, Any] = {"source": source, "frames_played": watcher.frames_played}
    said = {name: watcher.diagnostics.get(name, "unknown") for name in _FIGURES}
    figures |= {name: _told(text) for name, text in said.items()} | watcher.camera
    dropped = {why: figures[f"dropped_{reason}"] for reason, why in DROP_REASONS.items()}
    print(
        f"{figures['frames_played']} frames played: {said['frames_processed']} answered, "
        f"{said['frames_with_head']} with a head, {said['frames_dropped']} dropped\n"
        f"image stamp -> head_pose: p50 {said['latency_p50_ms']} ms, p99 {said['latency_p99_ms']} ms "
        f"({said['backend']})"
    )
    if any(dropped.values()):
        print("dropped: " + ", ".join(f"{count} ({why})" for why, count in dropped.items() if count))
    if watcher.camera.get("camera_metric", "yes") != "yes":
        print(f"distances are guesses, marked with ?, as the field of view is assumed: {watcher.camera['camera_note']}")
    if not watcher.poses:
        raise DemoError("the tracker found no head in any frame")
    if watcher.camera_stamps:
        first, last = 1e-9 * watcher.camera_stamps[0], 1e-9 * watcher.camera_stamps[-1]
        attention = figures["attention"] = attention_summary(watcher.attention, first, last)
        shares = ", ".join(f"{share:.0%} {state}" for state, share in attention["share"].items())
        alarms = ", ".join(f"{state} at {second:.1f} s" for state, second in attention["alarms"])
        print(f"attention, as if filmed from straight ahead: {shares or 'not judged'}; alarms: {alarms or 'none'}")
    if truth is not None:
        try:
            error = pose_error({p.stamp: p.pose for p in watcher.poses}, watcher.camera_stamps, truth)
        except ValueError as problem:
            raise DemoError(f"the pose error cannot be told: {problem}") from problem
        figures["pose_error"] = error
        print("error of head_pose against the rendered truth, mean (median):")
        for name, value in error.items():
            unit = "mm" if name == "position" else "deg"
            print(f"  {name:8s} {value['mean']:6.2f} ({value['median']:.2f}) {unit}")
    sheet, json_file = output / SHEET, output / REPORT
    if not cv2.imwrite(str(sheet), contact_sheet(watcher.selection.kept, 4, 1920)):
        raise OSError(f"picture '{sheet}' cannot be written")
    json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {output / VIDEO}, {sheet}, {json_file}")
