"""A cold start, from files to the first head: ``python -m training.cold_start --source VIDEO_OR_IMAGE [--json FILE]``.

Every run is a new process, timed from its start: until the packages are imported, until the models are loaded, and
until a head is tracked, frames of 1280x720 being there already. All runs share an engine cache that is empty at first,
so with TensorRT the first run builds the engine and the others find it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceTracker
from dense_face_ros.backends.choose import BACKENDS, wait_until_running
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.head_state import Status
from training.result_files import check_destination, write_result
from training.source_frames import check_source, read_frames

STEPS = ("imported_s", "loaded_s", "first_pose_s")
_SIZE = (1280, 720)
_FRAMES = 30  # of the source, shown over and over
_FRAME_LIMIT = 300  # frames the tracker is given to find the head
_RATE = 30.0  # Hz
_PROGRAM = "import sys; from training.cold_start import start_once; start_once(*sys.argv[1:])"


def track_first(tracker: FaceTracker, frames: list[npt.NDArray[np.uint8]], counter: Iterator[int]) -> None:
    """Show the frames, over and over, until a head is tracked; ``counter`` numbers them.

    Raises:
        ValueError: there is none.
    """
    for number in itertools.islice(counter, _FRAME_LIMIT):
        if tracker.update(frames[number % len(frames)], stamp=number / _RATE).status is Status.TRACKING:
            return
    raise ValueError("the tracker found no head in the source; give one with a face")


def start_once(begin: str, source: str, backend: str) -> None:
    """In a process of its own: print the times of one start as JSON.

    Args:
        begin: ``time.monotonic()`` of the process that started this one; Linux has one such clock for all.
    """
    imported = time.monotonic() - float(begin)
    frames = read_frames(Path(source), _SIZE, _FRAMES)
    ready = time.monotonic()
    tracker = FaceTracker(backend=backend, threads=1)
    try:
        loaded = time.monotonic() - ready
        if backend == "tensorrt":  # nothing answers meanwhile, and frames would be used up
            wait_until_running(tracker.network)
        track_first(tracker, frames, itertools.count())
        found = time.monotonic() - ready
        print(json.dumps({
            **dict(zip(STEPS, (imported, imported + loaded, imported + found), strict=True)),
            "backend": tracker.network.name,
        }))  # fmt: skip
    finally:
        tracker.close()


def measure(source: Path, backend: str, runs: int) -> dict[str, Any]:
    """Start ``runs`` times: the times of the first, and the medians of the others.

    Raises:
        ValueError: a start failed, and why.
    """
    results = []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(runs):
            command = [sys.executable, "-c", _PROGRAM, str(time.monotonic()), str(source), backend]
            environment = {**os.environ, "XDG_CACHE_HOME": cache}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise ValueError(f"a start failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
            results.append(json.loads(done.stdout.splitlines()[-1]))
    again = {step: float(np.median([result[step] for result in results[1:]])) for step in STEPS}
    return {"backend": results[-1].pop("backend"), "runs": runs, "first": results[0], "again": again}


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """The command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.cold_start", description="Time cold starts.")
    parser.add_argument("--source", type=Path, required=True, help="video or image with a face")
    parser.add_argument("--backend", choices=BACKENDS, default="auto", help="as the tracker's parameter")
    parser.add_argument("--runs", type=int, default=6, help="starts, at least 2 (default 6)")
    parser.add_argument("--json", type=Path, help="write the times to this file")
    options = parser.parse_args(arguments)
    if options.runs < 2:
        raise ValueError(f"--runs is {options.runs}; it must be at least 2: a first one, and another")
    check_destination(options.json)
    check_source(options.source)
    result = measure(options.source.resolve(), options.backend, options.runs)
    write_result(options.json, {"cold_start": result})
    print(f"{result['backend']}\n{'seconds after the start':<32}{'imported':>10}{'loaded':>10}{'first head':>12}")
    for title, row in (("first", result["first"]), (f"again, median of {options.runs - 1}", result["again"])):
        print(f"{title:<32}{row['imported_s']:>10.2f}{row['loaded_s']:>10.2f}{row['first_pose_s']:>12.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
