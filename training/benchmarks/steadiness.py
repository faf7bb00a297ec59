"""What must not move the pose does not: ``python -m training.benchmarks.steadiness [--people 32] [--json FILE]``.

Rendered people sit still before a noisy camera, then speak, then blink; the same people sit as long and do neither; and
sit before the camera turned by 25 degrees, which brings them from one side of the image to the other; the light stays
with them. Of every person:

- ``jitter``: rms departure of the filtered pose from its mean while nothing happens: degrees, lateral millimetres;
- ``speech``, ``blink``: the largest difference of depth, raw and filtered, to the twin who does neither while the mouth
  opens or the lids shut, in %; the median over a tenth of a second, so that it is not the jitter that is counted;
- ``learned``: change of the twin's filtered depth from the first second to the end, in %: what the tracker learns of
  the size of a head that it has just met moves it too, and is no error of speech;
- ``turned_camera``: change of the head's yaw in the car when the camera turns and the head does not, degrees.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import median_filter

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.geometry import (
    Array,
    rotation_from_vector,
    rotation_from_yaw_pitch_roll,
    vector_from_rotation,
    yaw_pitch_roll_from_rotation,
)
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.metrics import usual_and_worst
from training.benchmarks.rendered_people import render
from training.face_model import face_model, own_model
from training.options import check_least
from training.rendering.drive import Drive
from training.rendering.lighting import Light
from training.result_files import Result, answer

_FIRST_SEED = 200_000
_TURNS = (-12.5, 12.5)  # degrees
_DISTANCE = 0.65  # metres
_STILL, _SPEECH, _BLINK, _END = (0.7, 1.7), (1.8, 2.9), (3.1, 3.7), 4.0  # seconds
#: Turn of the camera, seconds seen by it, and whether something happens.
_VIEWS = ((_TURNS[0], _END, True), (_TURNS[0], _END, False), (_TURNS[1], _STILL[1], False))
_SMOOTH = 3  # frames


@dataclass(frozen=True)
class _FromTurnedCamera(Drive):
    """As seen by a camera turned by so many degrees to its left: motion in its frame, light in that of before."""

    turn: float = 0.0

    def light(self, environment: Light, time: float) -> Light:
        return super().light(environment, time).seen_from(camera_turn(self.turn))


def still_drive(angles: Array, place: Array, seconds: float, busy: bool, turn: float = 0.0) -> Drive:
    """Somebody who holds still: angles (3,) yaw, pitch, roll in degrees, place (3,) in metres; speaks and blinks.

    The light is that of a camera which was not yet turned by ``turn`` degrees.
    """
    row = (*map(float, angles), *map(float, place))
    speech, blinks = ((_SPEECH,), ((0.5 * sum(_BLINK), 0.15),)) if busy else ((), ())
    return _FromTurnedCamera(((0.0, *row), (seconds, *row)), blinks, speech=speech, turn=turn)


def turned(angles: Array, place: Array, degrees: float) -> tuple[Array, Array]:
    """The same head seen by a camera turned by ``degrees`` to its left about its own vertical axis."""
    camera = camera_turn(degrees)
    rotation = camera @ rotation_from_yaw_pitch_roll(np.radians(angles))
    return np.degrees(yaw_pitch_roll_from_rotation(rotation)), camera @ place


def camera_turn(degrees: float) -> Array:
    """(3, 3) turned camera <- camera."""
    return rotation_from_vector((0.0, np.radians(degrees), 0.0))


class _Lost(Exception):
    """A frame without a head: there is nothing to compare."""


def track(tracker: FaceTracker, model: FaceModel, drive: Drive, seed: int) -> list[HeadState]:
    """The states of a drive, from nothing, each with a head."""
    shown = render(model, drive, seed, every=1)
    tracker.reset()
    states = []
    for stamp, _, image in shown.frames():
        states.append(tracker.update(image, stamp, shown.camera))
        if states[-1].status is not Status.TRACKING:
            raise _Lost
    return states


def figures(busy: list[HeadState], calm: list[HeadState]) -> dict[str, float]:
    """Jitter, and what speech and the blink do to the depth, of a busy :func:`still_drive` and its twin that is not."""
    stamps = np.array([state.stamp for state in busy])

    def within(span: tuple[float, float]) -> Any:
        return (stamps >= span[0]) & (stamps < span[1])

    still = within(_STILL)
    poses = np.stack([state.pose for state in busy])[still]
    middle = poses[len(poses) // 2, :3, :3]
    turns = np.stack([vector_from_rotation(pose[:3, :3] @ middle.T) for pose in poses])
    out = {
        "jitter_deg": float(np.degrees(np.sqrt(turns.var(axis=0).sum()))),
        "jitter_lateral_mm": float(1e3 * np.sqrt(poses[:, :2, 3].var(axis=0).sum())),
    }
    raw, calm_raw = (np.array([state.pose_raw[2, 3] for state in states]) for states in (busy, calm))
    filtered, calm_filtered = (np.array([state.pose[2, 3] for state in states]) for states in (busy, calm))
    for kind, ratio in (("raw", raw / calm_raw), ("filtered", filtered / calm_filtered)):
        change = 100.0 * np.abs(median_filter(ratio, _SMOOTH) - 1.0)
        out[f"speech_{kind}_percent"] = float(change[within(_SPEECH)].max())
        out[f"blink_{kind}_percent"] = float(change[within(_BLINK)].max())
    last = np.median(calm_filtered[stamps >= _BLINK[1]])
    return {**out, "learned_percent": 100.0 * float(abs(last / np.median(calm_filtered[still]) - 1.0))}


def yaw_in_car(states: list[HeadState], degrees: float) -> float:
    """Median yaw in degrees, as filtered, of the head relative to the camera before it was turned by ``degrees``."""
    back = camera_turn(degrees).T
    yaws = [yaw_pitch_roll_from_rotation(back @ state.pose[:3, :3])[0] for state in states]
    return float(np.degrees(np.median(yaws)))


def evaluate(tracker: FaceTracker, model: FaceModel, people: int) -> dict[str, Any]:
    """Figures of every person, and of each the median, the 90th percentile and the worst; ``people_missed`` holds the
    seeds of those who were lost in some frame, and tell nothing.

    Raises:
        ValueError: all were.
    """
    rows, lost = [], []
    for seed in range(_FIRST_SEED, _FIRST_SEED + people):
        angles = np.random.default_rng(seed).normal(0.0, (10.0, 5.0, 3.0))
        place = np.array([0.0, 0.0, _DISTANCE])
        drives = [still_drive(*turned(angles, place, turn), end, busy, turn) for turn, end, busy in _VIEWS]
        try:
            first, twin, second = (track(tracker, model, drive, seed) for drive in drives)
        except _Lost:
            lost.append(seed)
            continue
        yaws = [yaw_in_car(s[: len(second)], turn) for s, turn in zip((first, second), _TURNS, strict=True)]
        rows.append({**figures(first, twin), "turned_camera_deg": abs(yaws[1] - yaws[0])})
    if not rows:
        raise ValueError(
            f"all rendered people (seeds {lost[0]} to {lost[-1]}) were lost while they sat still; the network is not "
            "trained enough"
        )
    figures_of_all = usual_and_worst(rows, rows[0])
    return {"benchmark": "steadiness", "people": people, "people_missed": lost, **figures_of_all, "rows": rows}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.steadiness", description="Still heads.")
    parser.add_argument("--people", type=int, default=32, help="rendered people (default 32)")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--json", type=Path, help="write the figures, per person too, to this file")
    options = parser.parse_args(arguments)

    def measure() -> Result:
        check_least("--people", options.people)
        tracker = FaceTracker(model_path=own_model(), network_path=options.network, backend="onnxruntime-cpu")
        return evaluate(tracker, face_model(), options.people)

    return answer(measure, options.json, options.network, file_only="rows")


if __name__ == "__main__":
    raise SystemExit(main())
