"""Ours beside other systems: ``python -m training.evaluate_peers AFLW2000 [--peers dlib] [--table NAME=CSV]``.

Accuracy and time of every system over the same images, on the same threads (the whole run is bound to as many CPUs).
No system is given a box. Protocol of ``training.benchmarks.aflw2000``; a face that is not found counts as the frontal
mean face in the middle of the image. Landmark definitions differ (jaw lines above all): the inner 51 points are the
fairer figure. Where a system gives no rotation it is computed from its points (``training.peers.answers``).
Each program gets an environment of its own, made on first use in ``--environments``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks import aflw2000, subject
from training.benchmarks.subject import Box, HeadTracker, Image
from training.face_model import face_model, own_model
from training.options import check_least
from training.peers.answers import Answer, read_table
from training.peers.programs import PROGRAMS, PeerError, environment, run
from training.result_files import check_destination, write_result

#: Title of a figure, and its name in a result.
ACCURACY = {
    "NME68": "nme68_mean_of_bins", "NME51": "nme51_mean_of_bins", "pose MAE": "pose_mae", "geodesic": "pose_geodesic",
}  # fmt: skip


class AnsweringTracker:
    """Stands in for the tracker with what another system said; images are told apart by their pixels."""

    def __init__(self, answers: Sequence[Answer], images: Sequence[Path], model: FaceModel) -> None:
        names = {answer.name: answer for answer in answers}
        missing = [path.stem for path in images if path.stem not in names]
        if missing:
            raise ValueError(f"there is no answer for {missing[0]} (and {len(missing) - 1} more images)")
        self._answers = {_digest(subject.read_image(path)): names[path.stem] for path in images}
        self._sizes = (len(model.mean), model.identity_size + model.expression_size)

    def fit(self, image: Image, box: Box | None = None, camera: PinholeCamera | None = None) -> HeadState:
        """What was said about this image."""
        answer = self._answers[_digest(image)]
        lens = PinholeCamera.from_field_of_view(image.shape[1], image.shape[0])
        nothing = HeadState.without_head(0.0, Status.SEARCHING, "no face found", lens, *self._sizes)
        if answer.landmarks is None or answer.rotation is None:
            return nothing
        pose = np.eye(4)
        pose[:3, :3], pose[2, 3] = answer.rotation, 1.0
        return replace(nothing, status=Status.TRACKING, reason="", pose=pose, landmarks_2d=answer.landmarks)

    def update(self, image: Image, stamp: float, camera: PinholeCamera | None = None) -> HeadState:
        """As :meth:`fit`: answers know no time."""
        return self.fit(image)


def _digest(image: Image) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def score(tracker: HeadTracker, milliseconds: Sequence[float], folder: Path, model: FaceModel) -> dict[str, Any]:
    """The figures of one system without boxes, and its median time."""
    result = aflw2000.evaluate(tracker, folder, model)
    figures, rows = result["protocols"]["finder"], result["images_finder"]
    known = [value for value in milliseconds if np.isfinite(value)]
    return {
        **figures,
        "n": result["n"],
        "found": result["n"] - figures["failed"],
        "milliseconds": float(np.median(known)) if known else None,
        "over_found": aflw2000.summary([row for row in rows if not row["failed"]]),
        "images": rows,
    }


def ours(images: Sequence[Path], repeats: int, threads: int, network: Path | None) -> tuple[HeadTracker, list[float]]:
    """Our tracker, with the shipped network or another one, and its time for each image: searching and fitting."""
    cv2.setNumThreads(threads)
    tracker = FaceTracker(model_path=own_model(), network_path=network, threads=threads)
    out = []
    for path in images:
        image, times = subject.read_image(path), []
        for _ in range(repeats + 1):
            started = time.perf_counter()
            tracker.fit(image)
            times.append(1e3 * (time.perf_counter() - started))
        out.append(float(np.median(times[1:])))
    return tracker, out


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """System -> figures.

    Raises:
        OSError, ValueError, PeerError: one line that names the folder, table or peer.
    """
    model = face_model()
    images = [sample.image for sample in aflw2000.read_samples(options.folder)]
    tables = {name: read_table(path, model) for name, path in map(_named_table, options.table)}
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    systems: dict[str, Any] = {}
    tracker, times = ours(images, options.repeats, options.threads, options.network)
    systems["ours"] = score(tracker, times, options.folder, model)
    for name in options.peers:
        python = environment(name, options.environments)
        answers = run(name, python, images, options.repeats, options.threads, model)
        systems[name] = _scored(answers, images, options.folder, model)
    for name, answers in tables.items():
        systems[name] = _scored(answers, images, options.folder, model)
    return systems


def _scored(answers: list[Answer], images: list[Path], folder: Path, model: FaceModel) -> dict[str, Any]:
    return score(AnsweringTracker(answers, images, model), [a.milliseconds for a in answers], folder, model)


def _named_table(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise ValueError(f"--table is '{text}'; it must be NAME=FILE.csv")
    return name, Path(path)


def table(systems: dict[str, Any]) -> str:
    """The figures of every system as lines of text; those in brackets are over the faces it found."""
    lines = [f"{'system':<14}{'found':>6}" + "".join(f"{title:>16}" for title in ACCURACY) + f"{'ms':>9}"]
    for name, figures in systems.items():
        pairs = [(figures[key], figures["over_found"][key]) for key in ACCURACY.values()]
        cells = "".join(f"{f'{_text(of_all)} ({_text(of_found)})':>16}" for of_all, of_found in pairs)
        lines.append(f"{name:<14}{figures['found']:>6}{cells}{_text(figures['milliseconds']):>9}")
    return "\n".join(lines)


def _text(value: float | None) -> str:
    return "--" if value is None else f"{value:.2f}"


@tells_bad_input(ImportError, PeerError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate_peers", description="Ours beside others.")
    parser.add_argument("folder", type=Path, help="AFLW2000-3D, or a part of it")
    parser.add_argument("--peers", nargs="*", default=[], choices=sorted(PROGRAMS), help="systems to install and run")
    parser.add_argument("--table", action="append", default=[], metavar="NAME=CSV", help="recorded answers")
    parser.add_argument("--environments", type=Path, default=Path("runs/peers"), help="folder of the environments")
    parser.add_argument(
        "--network", type=Path, help="correspondence network (.onnx) of ours instead of the shipped one"
    )
    parser.add_argument("--threads", type=int, default=1, help="CPUs and threads of every system (default 1)")
    parser.add_argument("--repeats", type=int, default=5, help="times every image is timed (default 5)")
    parser.add_argument("--json", type=Path, help="write all figures, per image too, to this file")
    options = parser.parse_args(arguments)
    for name in ("threads", "repeats"):
        check_least(f"--{name}", getattr(options, name))
    check_destination(options.json)
    systems = evaluate(options)
    result = {"benchmark": "peers", "threads": options.threads, "systems": systems}
    write_result(options.json, result, options.network, own_model())
    print(table(systems))
    return 0


if __name__ == "__main__":
    sys.exit(main())
