"""How vague a head that nobody asked for may be: what the limit was chosen by, on faces no benchmark shows.

    python -m training.new_heads DATA [--people 400] [--views 60] [--network FILE] [--json FILE]

Other rendered people than those of ``training.benchmarks.finding``, and views of the face-free photographs that are
there to train on: parts of them, mirrored, turned and in grey. Where the finder proposes a face, the head is fitted as
the tracker does, which stops at the first, and noted with the least ``max_new_vagueness`` with which it is told. The
table counts, for several such limits, the pictures in which the true head is told, and those in which a false one is.
``training.calibrate`` writes the one that is chosen into the network's files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceModel
from dense_face_ros.backends.model_file import companion, network_path
from dense_face_ros.calibration import Calibration
from dense_face_ros.face_finder import FaceFinder
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_fitting import HeadFit, HeadFitter
from dense_face_ros.searching import heads, looks
from dense_face_ros.tracker_settings import TrackerSettings
from training.benchmarks.finding import on_the_face, person
from training.benchmarks.metrics import box_of
from training.face_finder.photographs import decode, load_backgrounds
from training.face_model import face_model, network_for
from training.options import check_least
from training.result_files import Result, answer

Image = npt.NDArray[np.uint8]

_FIRST_SEED = 700_000  # apart from the people of the benchmarks
_WIDTH = 640
_SMALLEST_PART, _UPRIGHT, _GREY, _BLURRED = 0.15, 0.5, 0.4, 0.12  # shares: of a photograph's side, and of the views
_TILT = 45.0  # degrees
_QUARTERS = (90.0, 180.0, 270.0)
#: Times the shipped limit.
_STEPS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, np.inf)


class Searcher:
    """Searches pictures with one network and its finder, and believes all that it finds."""

    def __init__(self, model: FaceModel, network: Path) -> None:
        settings = TrackerSettings()
        self._most = settings.candidates
        self._finder = FaceFinder(companion(network, "face_finder"))
        self._network, template = network_for(model, network)
        self.calibration = Calibration.of(self._network.metadata, network)
        self._fitter = HeadFitter(model, template, self._network, settings.limits, settings.alignment)

    def found(self, image: Image, camera: PinholeCamera) -> Iterator[tuple[HeadFit, float]]:
        """Every head, and the least limit of vagueness with which it is told."""
        for look in (look for part in looks(self._finder.find(image), self._most) for look in part):
            fits, _ = heads(self._fitter, image, [(look, camera)], None, warm=True)
            for fit in fits:
                yield fit, needed(fit.vagueness, look.score, self.calibration)

    def close(self) -> None:
        """Free the inference engine."""
        self._network.close()


def needed(vagueness: float, score: float, used: Calibration) -> float:
    """The least ``max_new_vagueness`` with which such a head is told where the finder gives such a score."""
    return used.max_new_vagueness * vagueness / used.new_vagueness(score)


def faceless_views(photograph: Image, count: int, rng: np.random.Generator) -> Iterator[Image]:
    """Parts of a photograph (h, w, 3) BGR, mirrored, turned, in grey or blurred."""
    height, width = photograph.shape[:2]
    for _ in range(count):
        share = rng.uniform(_SMALLEST_PART, 1.0)
        y, x = (int(rng.uniform(0.0, side * (1.0 - share))) for side in (height, width))
        part = photograph[y : y + int(height * share), x : x + int(width * share)]
        view = cv2.resize(part, (_WIDTH, round(_WIDTH * part.shape[0] / part.shape[1])))
        if rng.random() < 0.5:
            view = view[:, ::-1]
        if rng.random() > _UPRIGHT:
            angle = float(rng.choice((rng.uniform(-_TILT, _TILT), *_QUARTERS)))
            turn = cv2.getRotationMatrix2D((0.5 * _WIDTH, 0.5 * view.shape[0]), angle, 1.0)
            size = view.shape[1], view.shape[0]
            view = cv2.warpAffine(np.ascontiguousarray(view), turn, size, borderMode=cv2.BORDER_REFLECT)
        if rng.random() < _GREY:
            bright = (view.mean(axis=2) / 255.0) ** rng.uniform(0.5, 2.0) * rng.uniform(0.5, 1.2)
            view = np.clip(255.0 * bright, 0.0, 255.0).astype(np.uint8)
        if rng.random() < _BLURRED:
            view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 3.0))
        yield np.ascontiguousarray(view, dtype=np.uint8)


def least_limits(searcher: Searcher, model: FaceModel, people: int) -> list[float]:
    """Of every picture of rendered people the limit with which the true head is told; infinite: with none."""
    least = []
    for seed in range(_FIRST_SEED, _FIRST_SEED + people):
        for still in person(model, seed):
            true = box_of(still.landmarks)
            right = [limit for fit, limit in searcher.found(still.image, still.camera) if on_the_face(fit.box, true)]
            least.append(min(right, default=np.inf))
    return least


def false_limits(searcher: Searcher, photographs: Sequence[bytes], views: int) -> list[list[float]]:
    """Of every view of each photograph the limit with which a head is told; infinite: with none."""
    field_of_view = TrackerSettings().field_of_view
    least: list[list[float]] = []
    for index, file in enumerate(photographs):
        least.append([])
        for view in faceless_views(decode(file), views, np.random.default_rng((77, index))):
            camera = PinholeCamera.from_field_of_view(view.shape[1], view.shape[0], field_of_view)
            least[-1].append(min((limit for _, limit in searcher.found(view, camera)), default=np.inf))
    return least


def table(right: Sequence[float], false: Sequence[Sequence[float]], shipped: float) -> list[dict[str, Any]]:
    """How many true and false heads several limits tell, and in how many of the photographs the false ones are."""
    rows: list[dict[str, Any]] = []
    for step in _STEPS:
        limit = min(step * shipped, sys.float_info.max)
        told = [sum(least <= limit for least in views) for views in false]
        rows.append(
            {
                "max_new_vagueness": round(limit, 4) if np.isfinite(step) else None,
                "found": sum(least <= limit for least in right),
                "false": sum(told),
                "photographs_with_false": sum(count > 0 for count in told),
            }
        )
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.new_heads", description="Choose the limit for new heads.")
    parser.add_argument("data", type=Path, help="folder with backgrounds")
    parser.add_argument("--people", type=int, default=400, help="rendered people, four pictures of each")
    parser.add_argument("--views", type=int, default=60, help="of every face-free photograph")
    parser.add_argument("--network", type=Path, help="correspondence network, with its finder, to use")
    parser.add_argument("--json", type=Path, help="write the table to this file")
    options = parser.parse_args(arguments)

    def measure() -> Result:
        check_least("--people", options.people)
        check_least("--views", options.views)
        photographs, model = load_backgrounds(options.data, "train"), face_model()
        searcher = Searcher(model, network_path(options.network))
        try:
            false = false_limits(searcher, photographs, options.views)
            right = least_limits(searcher, model, options.people)
        finally:
            searcher.close()
        return {
            "benchmark": "new_heads",
            "people": options.people,
            "faces": len(right),
            "photographs": len(false),
            "views": options.views,
            "shipped": searcher.calibration.max_new_vagueness,
            "rows": table(right, false, searcher.calibration.max_new_vagueness),
        }

    return answer(measure, options.json, options.network)


if __name__ == "__main__":
    sys.exit(main())
