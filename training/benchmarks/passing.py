"""Somebody passes right in front of the driver.

    python -m training.benchmarks.passing [--pairs 24] [--stay SECONDS] [--json FILE]

A rendered driver looks about; another rendered person, nearer to the camera, comes in from one side of the image, hides
the driver's face and leaves at the other side. The tracker cannot see the driver while he is hidden, and follows the
face that hides him. With ``--stay`` the other stops there for so long, moves on by a head's width and stays beside the
driver till the end. Of every pair:

- ``late``: seconds for which a head is told that is not the driver's, from when the driver's face is in view again on;
- ``hidden_wrong``: the same while it is hidden, from when the other face begins to cover it;
- ``lost``: seconds without a head;
- ``back``: whether in the last half second every head told is the driver's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.metrics import usual_and_worst
from training.benchmarks.rendered_people import Image, PersonRenderer
from training.face_model import face_model, own_model
from training.options import check_least
from training.rendering.clip import RATE, Truth
from training.rendering.drive import Drive
from training.result_files import Result, answer

_FIRST_SEED = 400_000
_ALONE = 1.0  # seconds before the other comes and after he has gone
_AT_THE_END = 0.5  # seconds
_BESIDE = 1.05  # of the distance: outside the image
_FACE = 0.16  # metres, its width
_ELSEWHERE = 0.08  # metres at the driver's distance, by which a head told is not the driver's
_ASIDE, _TOGETHER = 0.2, 3.0  # metres to the driver's side, and seconds for which both are seen there


@dataclass(frozen=True)
class Passing:
    """Frames in which one head passes in front of another: their truths, the renderer of each."""

    driver: Truth
    other: Truth
    renderers: tuple[PersonRenderer, PersonRenderer]

    def frames(self) -> Iterator[tuple[float, Image]]:
        """Stamp and image (480, 640, 3) BGR of each frame."""
        driver, other = self.renderers
        for i, stamp in enumerate(self.driver.stamp):
            nearer = other.frame(i)
            hidden = (nearer != other.backdrop).any(axis=2, keepdims=True)
            yield float(stamp), np.where(hidden, nearer, driver.frame(i)).astype(np.uint8)


def passing(model: FaceModel, seed: int, stay: float = 0.0) -> Passing:
    """The pair that ``seed`` stands for, 0.3 to 1 m/s fast; ``stay``: seconds for which the other stops."""
    rng = np.random.default_rng(seed)
    distance, speed, side = rng.uniform(0.65, 0.85), rng.uniform(0.3, 1.0), rng.choice((-1.0, 1.0))
    nearer = rng.uniform(0.7, 0.85) * distance
    home = distance * np.array([rng.uniform(-0.15, 0.15), rng.uniform(-0.1, 0.1), 1.0])
    path = _path(side * _BESIDE * nearer, nearer * home[0] / distance, speed, stay)
    times = np.linspace(0.0, path[-1][0], 6)
    angles = rng.normal(0.0, (12.0, 6.0, 4.0), (len(times), 3)).clip((-30, -15, -10), (30, 15, 10))
    places = home + rng.normal(0.0, (0.01, 0.005, 0.01), (len(times), 3))
    driver = Drive(tuple(map(tuple, np.column_stack([times, angles, places]).tolist())), ())
    height, turn = nearer * home[1] / distance + rng.normal(0.0, 0.02), rng.normal(0.0, (12.0, 6.0, 4.0))
    other = Drive(tuple((t, *turn.tolist(), x, height, nearer) for t, x in path), ())
    people = PersonRenderer(model, driver, 2 * seed), PersonRenderer(model, other, 2 * seed + 1)
    return Passing(driver.truth(), other.truth(), people)


def _path(begin: float, before: float, speed: float, stay: float) -> list[tuple[float, float]]:
    """Seconds, and metres to the side of the camera, of the other's turning points; ``before``: right in front."""
    if not stay:
        there = _ALONE + 2.0 * abs(begin) / speed
        return [(0.0, begin), (_ALONE, begin), (there, -begin), (there + _ALONE, -begin)]
    there = _ALONE + abs(before - begin) / speed
    aside, away = before - float(np.copysign(_ASIDE, before)), there + stay + _ASIDE / speed  # towards the middle
    return [(0.0, begin), (_ALONE, begin), (there, before), (there + stay, before), (away, aside),
            (away + _TOGETHER, aside)]  # fmt: skip


def figures(driver: Truth, other: Truth, states: list[HeadState]) -> dict[str, float]:
    """What this module says, of the states of all frames."""
    home, passer = (_seen(driver.camera, truth.pose) for truth in (driver, other))
    depth, nearer = driver.pose[:, 2, 3], other.pose[:, 2, 3]
    focal = driver.camera.fx
    told = np.array([state.status is Status.TRACKING for state in states])
    heads = _seen(driver.camera, np.stack([state.pose_raw for state in states]), told)
    wrong = told & (np.linalg.norm(heads - home, axis=1) * depth / focal > _ELSEWHERE)
    # Covered from when the faces touch until the other one has left the driver's.
    width = 0.5 * focal * _FACE * (1.0 / depth + 1.0 / nearer)
    covered = np.flatnonzero(np.linalg.norm(passer - home, axis=1) < width)
    hidden = np.zeros(len(states), np.bool_)
    hidden[covered[0] : covered[-1] + 1] = True
    step = 1.0 / RATE
    after = np.arange(len(states)) > covered[-1]
    return {
        "late_s": step * float(np.sum(wrong & after)),
        "hidden_wrong_s": step * float(np.sum(wrong & hidden)),
        "hidden_s": step * float(np.sum(hidden)),
        "lost_s": step * float(np.sum(~told)),
        "back": float(not wrong[-round(_AT_THE_END * RATE) :].any() and told[-1]),
    }


def _seen(camera: PinholeCamera, poses: Array, which: npt.NDArray[np.bool_] | None = None) -> Array:
    """Pixels (N, 2) in which the middles of heads are seen; infinite where there is none."""
    out = np.full((len(poses), 2), np.inf)
    which = np.ones(len(poses), np.bool_) if which is None else which
    out[which] = camera.project(poses[which, :3, 3])
    return out


def evaluate(tracker: FaceTracker, model: FaceModel, pairs: int, stay: float = 0.0) -> dict[str, Any]:
    """Figures of every pair, and their summary."""
    rows = []
    for seed in range(_FIRST_SEED, _FIRST_SEED + pairs):
        shown = passing(model, seed, stay)
        tracker.reset()
        states = [tracker.update(image, stamp, shown.driver.camera) for stamp, image in shown.frames()]
        rows.append({"seed": seed, **figures(shown.driver, shown.other, states)})
    summary = usual_and_worst(rows, [name for name in rows[0] if name not in ("seed", "back")])
    asked, back = {"benchmark": "passing", "pairs": pairs, "stay": stay}, int(sum(r["back"] for r in rows))
    return {**asked, "back": back, **summary, "rows": rows}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.passing", description="Passers-by.")
    parser.add_argument("--pairs", type=int, default=24, help="pairs of rendered people (default 24)")
    parser.add_argument("--stay", type=float, default=0.0, help="seconds for which the other stops there (default 0)")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--json", type=Path, help="write the figures, per pair too, to this file")
    options = parser.parse_args(arguments)

    def measure() -> Result:
        check_least("--pairs", options.pairs)
        if not 0.0 <= options.stay <= 60.0:
            raise ValueError(f"--stay is {options.stay}; it must be 0 to 60 seconds")
        tracker = FaceTracker(model_path=own_model(), network_path=options.network, backend="onnxruntime-cpu")
        return evaluate(tracker, face_model(), options.pairs, options.stay)

    return answer(measure, options.json, options.network, file_only="rows")


if __name__ == "__main__":
    raise SystemExit(main())
