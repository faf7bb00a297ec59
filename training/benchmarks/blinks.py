"""Which closures of the eyes are seen: ``python -m training.benchmarks.blinks [DRIVE ...]``, and of a video with
``--video FILE --closures FILE``.

Tracks scripted drives (all by default, but none beside a video) and a video whose closures somebody has marked: a text
file of frame numbers from 0, one in each closure. Lids count as closed by the rule of the attention node
(:class:`dense_face_ros.attention.eyelids.EyelidTracker`), here at once, not after 0.1 s; a drive's true lids are judged
by the same rule. A closure that was found and a true one are the same when they overlap, give or take four frames.

- ``recall``: share of the true closures that were found; ``precision``: share of the found ones that are true;
- ``missed``, ``false``: first frames of those that were not;
- ``longest_excess_s``: by how much the longest closure found outlasts the longest true one, drives only: this is
  what makes a microsleep of a blink;
- ``openness_error``: mean difference of each eye's openness from the true one's, where it is told, drives only;
- ``openness_error_true_pose``: the same of those eyes, where they can be read there, cut out where they truly are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.attention.eyelids import EyelidTracker, Lids
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.backends.model_file import companion, network_path
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.geometry import Array
from training.benchmarks.video import frames
from training.face_model import face_model, own_model
from training.rendering.drive import DRIVES, Drive, DriveRenderer
from training.result_files import check_destination, write_result

Spans = Sequence[tuple[int, int]]

_TOLERANCE = 4  # frames
_AT_ONCE = 1e-9  # seconds for which lids must agree; 0 is no setting
_ALL_VISIBLE = np.ones(68)


def closures(stamps: Sequence[float], openness: Iterable[tuple[float, float]]) -> list[tuple[int, int]]:
    """(first, last) frame of every closure; ``openness`` (left, right) of every frame, NaN where unknown."""
    lids = EyelidTracker(replace(PRESETS["euro_ncap"], readaptation=_AT_ONCE))
    closed = [False]
    for stamp, pair in zip(stamps, openness, strict=True):
        lids.observe(stamp, pair, awake=True)
        closed.append(lids.lids is Lids.CLOSED)
    changes = [i for i, (before, now) in enumerate(pairwise([*closed, False])) if before != now]
    return [(first, end - 1) for first, end in zip(changes[::2], changes[1::2], strict=True)]


def compare(found: Spans, true: Spans) -> dict[str, Any]:
    """Recall, precision and what was wrong; a share of nothing is None."""

    def alone(these: Spans, those: Spans) -> list[int]:
        return [a for a, b in these if not any(c - _TOLERANCE <= b and a <= d + _TOLERANCE for c, d in those)]

    missed, false = alone(true, found), alone(found, true)
    return {
        "true": len(true),
        "found": len(found),
        "recall": 1.0 - len(missed) / len(true) if true else None,
        "precision": 1.0 - len(false) / len(found) if found else None,
        "missed": missed,
        "false": false,
    }


def read_closures(path: Path) -> list[tuple[int, int]]:
    """Marked closures, each of one frame.

    Raises:
        OSError: the file cannot be read.
        ValueError: naming the file and the word that is no frame number, or saying that there is none.
    """
    words = path.read_text(encoding="utf-8").replace(",", " ").split()
    wrong = next((word for word in words if not word.isdecimal()), None)
    if wrong is not None or not words:
        found = f"holds '{wrong}'" if wrong is not None else "is empty"
        raise ValueError(f"--closures: '{path}' {found}; give the number of a frame in each closure, counted from 0")
    return [(int(word), int(word)) for word in words]


def evaluate_drive(tracker: FaceTracker, eyes: EyeOpenness, model: FaceModel, drive: Drive) -> dict[str, Any]:
    """The closures of a drive against those of the lids that are drawn; ``eyes`` reads lids at their true place."""
    renderer = DriveRenderer(model, drive)
    truth = renderer.truth
    assert truth.eye_openness is not None
    stamps = truth.stamp.tolist()
    tracker.reset()
    openness, placed = [], []
    for i, (stamp, image) in enumerate(zip(stamps, renderer.frames(), strict=True)):
        openness.append(tracker.update(image, stamp, truth.camera).eye_openness)
        placed.append(eyes(image, renderer.landmarks(i), truth.pose[i, :3, :3], truth.camera, _ALL_VISIBLE))
    found, true = closures(stamps, openness), closures(stamps, truth.eye_openness.tolist())
    told, read = np.array(openness), np.array(placed)
    step = float(np.diff(stamps).mean())
    longest = [step * max((last - first + 1 for first, last in spans), default=0) for spans in (found, true)]
    return {
        **compare(found, true),
        "longest_excess_s": longest[0] - longest[1],
        "openness_error": _mean_error(told, truth.eye_openness, np.isfinite(told)),
        "openness_error_true_pose": _mean_error(read, truth.eye_openness, np.isfinite(told) & np.isfinite(read)),
    }


def _mean_error(openness: Array, true: Array, of: npt.NDArray[np.bool_]) -> float | None:
    return float(np.abs(openness - true)[of].mean()) if of.any() else None


def evaluate_video(tracker: FaceTracker, path: Path, marked: Spans, limit: int | None = None) -> dict[str, Any]:
    """The closures of the first ``limit`` frames of a video against the marked ones among them."""
    tracker.reset()
    states = [(stamp, tracker.update(image, stamp=stamp).eye_openness) for stamp, image in frames(path, limit)]
    true = [span for span in marked if span[0] < len(states)]
    return compare(closures([stamp for stamp, _ in states], [pair for _, pair in states]), true)


@tells_bad_input(ImportError)
def main(arguments: list[str] | None = None, tracker: FaceTracker | None = None) -> int:
    """Run the command line; ``tracker`` stands in for ``FaceTracker()``: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.blinks", description="Closures of the eyes.")
    parser.add_argument("drives", nargs="*", metavar="DRIVE", help=", ".join(sorted(DRIVES)))
    parser.add_argument("--video", type=Path, help="a video file")
    parser.add_argument("--closures", type=Path, help="text file with a frame number in each closure of the video")
    parser.add_argument("--limit", type=int, help="use the first N frames of the video only")
    parser.add_argument("--network", type=Path, help="correspondence network, with its eyelids, to use")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    if (options.video is None) != (options.closures is None):
        raise ValueError("--video and --closures belong together; give both or neither")
    if options.limit is not None and (options.limit < 1 or options.video is None):
        raise ValueError(f"--limit is {options.limit}; it must be at least 1 and is for --video")
    unknown = next((name for name in options.drives if name not in DRIVES), None)
    if unknown is not None:
        raise ValueError(f"drive '{unknown}' is unknown; choose from {', '.join(sorted(DRIVES))}")
    check_destination(options.json)
    marked = read_closures(options.closures) if options.video is not None else []
    tracker = tracker or FaceTracker(model_path=own_model(), network_path=options.network, backend="onnxruntime-cpu")
    names = options.drives or ([] if options.video is not None else sorted(DRIVES))
    model, eyes = face_model(), EyeOpenness(companion(network_path(options.network), "eyelids"))
    shown = {name: evaluate_drive(tracker, eyes, model, DRIVES[name]) for name in names}
    if options.video is not None:
        shown[options.video.name] = evaluate_video(tracker, options.video, marked, options.limit)
    result = {"benchmark": "blinks", "limit": options.limit, "shown": shown}
    write_result(options.json, result, options.network, own_model())
    print(json.dumps(shown, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
