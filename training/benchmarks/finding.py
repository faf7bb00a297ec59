"""Whether a face is found at once, anywhere in the picture, and nothing where none is.

    python -m training.benchmarks.finding [--people 250] [--data DATA] [--json FILE]

Rendered people look up to 75 degrees to the side with up to 45 degrees of roll; the face takes 12 to 90 % of the
picture's height, anywhere in it, in pictures of three sizes. A tracker without memory gets one picture of each:

- ``tracked``: it tells a head, and the box of its landmarks is on the true one (centre within a quarter of the side,
  side within a factor of 1.5); ``elsewhere``: the head that it tells is another; the rest is not found at all;
- ``rotation_deg``: median angle between the rotation told and the true one, of those tracked;
- ``proposed``: the share that the face finder proposes; what is lost after it is lost by the fit.

With ``--data``, also the face-free photographs of ``DATA/backgrounds``, each as it is and mirrored: how many show a
head to the tracker. One in ten of them is kept from training (the shipped default network saw them as backgrounds);
one of the others shows the face of the Sphinx.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceModel, FaceTracker
from dense_face_ros.backends.model_file import companion, network_path
from dense_face_ros.face_finder import FaceFinder
from dense_face_ros.geometry import Array, PinholeCamera, yaw_pitch_roll_from_rotation
from dense_face_ros.head_state import Status
from training.benchmarks.metrics import box_of, box_size, geodesic
from training.benchmarks.stills import Still, View, stills
from training.face_finder.photographs import decode, load_backgrounds
from training.face_model import face_model, own_model
from training.options import check_least
from training.rendering.clip import FIELD_OF_VIEW, HEIGHT, WIDTH
from training.rendering.drive import Lighting
from training.result_files import Result, answer

Image = npt.NDArray[np.uint8]

_FIRST_SEED = 400_000  # apart from the people of other benchmarks
_VIEWS = 4  # of every person
_HEIGHTS = (0.12, 0.9)  # of the face over the picture's
_YAW, _ROLL, _PITCH = 75.0, 45.0, 12.0  # degrees: limits, and the spread of pitch
_NEAREST, _FARTHEST = 0.4, 1.5  # metres
_FACE = 0.125  # metres from brows to chin
_SIZES = ((320, 240), (640, 480), (1600, 1200))
_LIGHTS: tuple[Lighting, ...] = ("day", "day", "infrared")
_USUAL_FOCAL = PinholeCamera.from_field_of_view(WIDTH, HEIGHT, FIELD_OF_VIEW).fx
_CENTRE, _SIDE = 0.25, 1.5  # of the true side
#: What faces are sorted by: edges of the bins.
BINS = {
    "height_percent": (12, 20, 35, 60, 90),
    "yaw_deg": (0, 20, 40, 60, 75),
    "roll_deg": (0, 15, 30, 45),
}


def person(model: FaceModel, seed: int) -> list[Still]:
    """Pictures of the person that ``seed`` stands for; the whole face is in view."""
    rng = np.random.default_rng((seed, 3))
    light = _LIGHTS[rng.integers(len(_LIGHTS))]
    made: list[Still] = []
    while len(made) < _VIEWS:
        share = float(np.exp(rng.uniform(*np.log(_HEIGHTS))))
        distance = float(rng.uniform(_NEAREST, _FARTHEST))
        focal = share * HEIGHT * distance / _FACE
        reach = 0.5 * np.array([WIDTH, HEIGHT]) / focal  # half of what the camera sees, at unit distance
        room = np.maximum(reach - 0.6 * _FACE / distance, 0.0)
        angles = np.array([rng.uniform(-_YAW, _YAW), rng.normal(0.0, _PITCH), rng.uniform(-_ROLL, _ROLL)])
        place = distance * np.array([*rng.uniform(-room, room), 1.0])
        # The origin of the head lies behind the face and above its middle.
        place[1] -= 0.4 * _FACE
        (still,) = stills(model, seed, [View(angles, place)], lens=focal / _USUAL_FOCAL, lighting=light)
        x0, y0, x1, y1 = box_of(still.landmarks)
        tall = (y1 - y0) / HEIGHT
        if min(x0, y0) >= 0 and x1 < WIDTH and y1 < HEIGHT and _HEIGHTS[0] <= tall <= _HEIGHTS[1]:
            made.append(_resized(still, _SIZES[rng.integers(len(_SIZES))]))
    return made


def _resized(still: Still, size: tuple[int, int]) -> Still:
    scale = size[0] / WIDTH
    shrink = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    image = np.asarray(cv2.resize(still.image, size, interpolation=shrink), dtype=np.uint8)
    landmarks = (still.landmarks + 0.5) * scale - 0.5
    return replace(still, image=image, camera=still.camera.resized(*size), landmarks=landmarks)


def on_the_face(found: Array, true: Array) -> bool:
    """Whether a box (x0, y0, x1, y1) is about the true one."""
    side = box_size(true)
    off = np.linalg.norm(0.5 * (found[:2] + found[2:] - true[:2] - true[2:]))
    return bool(off < _CENTRE * side and 1.0 / _SIDE < box_size(found) / side < _SIDE)


def look(tracker: FaceTracker, finder: FaceFinder, still: Still) -> dict[str, Any]:
    """What the tracker, which forgets what it saw, and the finder tell of a picture."""
    true = box_of(still.landmarks)
    tracker.reset()
    state = tracker.update(still.image, 0.0, still.camera)
    told = state.status is Status.TRACKING
    right = told and on_the_face(box_of(state.landmarks_2d), true)
    yaw, _, roll = np.abs(np.degrees(yaw_pitch_roll_from_rotation(still.pose[:3, :3]))).tolist()
    return {
        "height_percent": 100.0 * float(true[3] - true[1]) / still.image.shape[0],
        "yaw_deg": yaw,
        "roll_deg": roll,
        "proposed": any(on_the_face(np.array(c.box), true) for c in finder.find(still.image)),
        "tracked": right,
        "elsewhere": told and not right,
        "rotation_deg": geodesic(state.pose_raw[:3, :3], still.pose[:3, :3]) if right else None,
        "width": still.image.shape[1],
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shares and the median rotation error, of all and by bins."""

    def figures(among: Sequence[dict[str, Any]]) -> dict[str, Any]:
        turned = [row["rotation_deg"] for row in among if row["tracked"]]
        shares = {name: float(np.mean([row[name] for row in among])) for name in ("proposed", "tracked", "elsewhere")}
        return {"n": len(among), **shares, "rotation_deg": float(np.median(turned)) if turned else None}

    out: dict[str, Any] = {"all": figures(rows)}
    for name, edges in BINS.items():
        bins = [(a, b, [r for r in rows if a <= r[name] < b]) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        out[name] = [{"from": a, "to": b, **figures(among)} for a, b, among in bins if among]
    return out


def faceless(tracker: FaceTracker, data: Path) -> dict[str, Any]:
    """Of the face-free photographs of each split, as they are and mirrored, how many show the tracker a head."""
    out = {}
    for split in ("val", "train"):
        photographs = [decode(file) for file in load_backgrounds(data, split)]
        heads = 0
        for image in itertools.chain(photographs, (np.ascontiguousarray(p[:, ::-1]) for p in photographs)):
            tracker.reset()
            heads += tracker.update(image, 0.0).status is Status.TRACKING
        out[split] = {"pictures": 2 * len(photographs), "heads": heads}
    return out


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.finding", description="Faces found at once.")
    parser.add_argument("--people", type=int, default=250, help=f"rendered people, {_VIEWS} pictures of each")
    parser.add_argument("--data", type=Path, help="folder with backgrounds: photographs without faces are shown too")
    parser.add_argument("--network", type=Path, help="correspondence network, with its finder, to use")
    parser.add_argument("--json", type=Path, help="write the figures, per picture too, to this file")
    options = parser.parse_args(arguments)

    def measure() -> Result:
        check_least("--people", options.people)
        network = network_path(options.network)
        tracker = FaceTracker(model_path=own_model(), network_path=network, backend="onnxruntime-cpu")
        model, finder = face_model(), FaceFinder(companion(network, "face_finder"))
        rows = [
            look(tracker, finder, still)
            for seed in range(_FIRST_SEED, _FIRST_SEED + options.people)
            for still in person(model, seed)
        ]
        empty = {"faceless": faceless(tracker, options.data)} if options.data else {}
        return {"benchmark": "finding", "people": options.people, **summary(rows), **empty, "rows": rows}

    return answer(measure, options.json, options.network, file_only="rows")


if __name__ == "__main__":
    sys.exit(main())
