"""Whether the tracker's covariance means what it says, on rendered people whose true pose is known.

    python -m training.benchmarks.consistency --people 72 [--network FILE] [--scale 0.25] [--json FILE]

For a pose error e with covariance C in d dimensions, e' C^-1 e / d (NEES) is 1 on average where the covariance is
right, more where it promises too much; and 90 % of the truths lie in the ellipsoid in which C puts 90 %. Both are
given for the pose as fitted (``raw``) and as filtered, for all six dimensions and for parts of them.

Three numbers make it so, which :mod:`training.calibrate` looks for. The noise model has no other number to fit: the
parts show what it leaves unexplained. ``--scale`` tells what depends on the pixels.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from dense_face_ros import FaceTracker
from dense_face_ros.geometry import Array, vector_from_rotation
from dense_face_ros.head_state import Status
from dense_face_ros.smoothing import PoseFilter
from training.benchmarks.rendered_people import Sequence, sequence
from training.face_model import face_model, own_model
from training.options import check_least
from training.result_files import Result, answer

_SETTLE = 0.5  # seconds after which poses are scored
_INSIDE = 0.9
PARTS = {"all": slice(0, 6), "translation": slice(0, 3), "rotation": slice(3, 6), "depth": slice(2, 3)}


@dataclass(frozen=True)
class Track:
    """The tracked frames of one person, in order.

    Attributes:
        stamp: (N,) seconds.
        true, raw, filtered: poses (N, 4, 4).
        raw_covariance, filtered_covariance: (N, 6, 6).
        missed: frames without a head.
    """

    stamp: Array
    true: Array
    raw: Array
    raw_covariance: Array
    filtered: Array
    filtered_covariance: Array
    missed: int

    @property
    def settled(self) -> npt.NDArray[np.bool_]:
        """(N,) which frames are scored."""
        return np.asarray(self.stamp >= _SETTLE)

    def filtered_by(self, lasting_share: float) -> Track:
        """The same track through a filter that takes another share of the variance to last."""
        pose_filter = PoseFilter(lasting_share=lasting_share)
        frames = zip(self.stamp, self.raw, self.raw_covariance, strict=True)
        found = [pose_filter.update(*frame) for frame in frames]
        poses, covariances = (np.array([one[i] for one in found]) for i in range(2))
        return replace(self, filtered=poses.reshape(self.raw.shape), filtered_covariance=covariances.reshape(-1, 6, 6))


def run(tracker: FaceTracker, shown: Sequence) -> Track:
    """Track a sequence from nothing; a network that is hardly trained may leave a track without frames."""
    tracker.reset()
    rows, missed = [], 0
    for stamp, true, image in shown.frames():
        state = tracker.update(image, stamp, shown.camera)
        if state.status is Status.TRACKING:
            rows.append((stamp, true, state.pose_raw, state.covariance_raw, state.pose, state.covariance))
        else:
            missed += 1
    shapes = ((), (4, 4), (4, 4), (6, 6), (4, 4), (6, 6))
    stamps, true, raw, raw_covariance, filtered, filtered_covariance = (
        np.array([row[i] for row in rows]).reshape(-1, *shape) for i, shape in enumerate(shapes)
    )
    return Track(stamps, true, raw, raw_covariance, filtered, filtered_covariance, missed)


def unfollowed(tracks: list[Track], first_seed: int) -> list[int]:
    """Seeds of the people, ``first_seed`` being that of the first track, of whom no pose is scored.

    Raises:
        ValueError: of none one is.
    """
    lost = [first_seed + i for i, one in enumerate(tracks) if not one.settled.any()]
    if len(lost) == len(tracks):
        raise ValueError(
            f"no head is told of any of the rendered people (seeds {lost[0]} to {lost[-1]}) after their first "
            f"{_SETTLE:g} s; the network is not trained enough"
        )
    return lost


def errors_of(tracks: list[Track], filtered: bool) -> tuple[Array, Array]:
    """Errors (N, 6) and covariances (N, 6, 6) of all poses but those of a track's first moments."""
    errors, covariances = [], []
    for one in tracks:
        found = (one.filtered if filtered else one.raw)[one.settled]
        errors += [pose_error(a, b) for a, b in zip(found, one.true[one.settled], strict=True)]
        covariances.append((one.filtered_covariance if filtered else one.raw_covariance)[one.settled])
    return np.array(errors), np.concatenate(covariances)


def pose_error(found: Array, true: Array) -> Array:
    """(6,): translation in metres, and the rotation vector from the true to the found pose, radians, camera frame."""
    return np.concatenate([found[:3, 3] - true[:3, 3], vector_from_rotation(found[:3, :3] @ true[:3, :3].T)])


def nees(errors: Array, covariances: Array, part: slice = slice(0, 6)) -> Array:
    """Normalised squared errors (N,) of a part of the dimensions, divided by their number."""
    e, c = errors[:, part], covariances[:, part, part]
    return np.asarray(np.einsum("ni,ni->n", e, np.linalg.solve(c, e[:, :, None])[:, :, 0]) / e.shape[1])


def figures(errors: Array, covariances: Array) -> dict[str, Any]:
    """Mean NEES and the share of truths within the 90 % ellipsoid, of every part, and rms errors."""
    out: dict[str, Any] = {}
    for name, part in PARTS.items():
        values, size = nees(errors, covariances, part), errors[:, part].shape[1]
        out[name] = {"nees": float(values.mean()), "inside90": float((size * values <= chi2.ppf(_INSIDE, size)).mean())}
    rms = np.sqrt((errors**2).mean(axis=0))
    sigma = np.sqrt(covariances[:, range(6), range(6)].mean(axis=0))
    out["rms_mm"], out["rms_deg"] = (1e3 * rms[:3]).tolist(), np.degrees(rms[3:]).tolist()
    out["sigma_mm"], out["sigma_deg"] = (1e3 * sigma[:3]).tolist(), np.degrees(sigma[3:]).tolist()
    return out


def split_errors(tracks: list[Track]) -> dict[str, Any]:
    """Rms of what is wrong all the time with a person, and of what comes and goes about it, in the filtered pose.

    The first is what a network believes of a stranger's looks, e.g. how far up a snub nose points; a driver's resting
    pose, learned over the first minute (:mod:`dense_face_ros.attention.neutral_pose`), takes it out. Rotations are
    about the head's axes (x out of the face, y to the person's left, z up), degrees; distances in percent. ``people``
    holds the first (4,) of each person, None of one who was not followed.
    """
    constant, moving = [], []
    people: list[list[float | None]] = []
    for one in tracks:
        if not one.settled.any():
            people.append([None] * 4)
            continue
        found, true = one.filtered[one.settled], one.true[one.settled]
        turns = [vector_from_rotation(a[:3, :3].T @ b[:3, :3]) for a, b in zip(true, found, strict=True)]
        farther = 100.0 * (found[:, 2, 3] / true[:, 2, 3] - 1.0)
        errors = np.column_stack([np.degrees(turns), farther])
        mean = errors.mean(axis=0)
        people.append(mean.tolist())
        constant.append(np.tile(mean, (len(errors), 1)))
        moving.append(errors - mean)
    rms = {"constant": constant, "about_it": moving}
    values = {name: np.sqrt((np.concatenate(part) ** 2).mean(axis=0)) for name, part in rms.items()}
    out: dict[str, Any] = {n: {"deg": v[:3].tolist(), "depth_percent": float(v[3])} for n, v in values.items()}
    return {**out, "people": people}


def report(tracks: list[Track]) -> dict[str, Any]:
    """All figures of the tracks, those of the people with the seeds 0, 1, ...; ValueError as :func:`unfollowed`."""
    lost = unfollowed(tracks, 0)
    errors, covariances = errors_of(tracks, filtered=False)
    distance = np.concatenate([one.true[one.settled, 2, 3] for one in tracks])
    return {
        "benchmark": "consistency",
        "people": len(tracks),
        "n": len(errors),
        "missed": sum(one.missed for one in tracks),
        "people_missed": lost,
        "depth_rms_percent": 100.0 * float(np.sqrt(((errors[:, 2] / distance) ** 2).mean())),
        "raw": figures(errors, covariances),
        "filtered": figures(*errors_of(tracks, filtered=True)),
        "filtered_split": split_errors(tracks),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.consistency", description="NEES of the pose.")
    parser.add_argument("--people", type=int, default=72, help="rendered people, 4 seconds of each (default 72)")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the images over 640x480 (default 1)")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)

    def measure() -> Result:
        check_least("--people", options.people)
        if not 0.1 <= options.scale <= 1.0:
            raise ValueError(f"--scale is {options.scale}; it must be 0.1 to 1")
        model = face_model()
        tracker = FaceTracker(model_path=own_model(), network_path=options.network, backend="onnxruntime-cpu")
        shown = (sequence(model, i) for i in range(options.people))
        if options.scale != 1.0:
            shown = (one.reduced(options.scale) for one in shown)
        return {**report([run(tracker, one) for one in shown]), "scale": options.scale}

    return answer(measure, options.json, options.network)


if __name__ == "__main__":
    raise SystemExit(main())
