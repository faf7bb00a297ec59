"""What little light and haze cost: ``python -m training.benchmarks.light [--people 24] [--json FILE]``.

Rendered people of :mod:`training.benchmarks.rendered_people` in front of a camera that lets through a share of the
light (night, a lens almost shut, 10 or 12 bits in an image of 16) or that haze veils, with the noise of photons and
of read-out at one gain. Every person is tracked from nothing in every light. Of the frames after the first half
second: the share in which a head is told, the error of the pose as fitted, and whether its covariance knows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceTracker
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import Status
from training.benchmarks.consistency import figures, pose_error
from training.benchmarks.rendered_people import Sequence, sequence
from training.face_model import face_model, own_model
from training.options import check_least
from training.result_files import Result, answer

Image = npt.NDArray[np.uint8]

_FIRST_SEED = 500_000  # apart from the people of other benchmarks
_EVERY = 2  # frames of a sequence
_SETTLE = 0.5  # seconds
_READ_OUT, _PHOTONS = 0.7, 0.3  # grey values of noise in the dark, and for each root of a grey value of light


@dataclass(frozen=True)
class Seen:
    """What becomes of the light: a ``share`` of it arrives, on top of a ``veil`` in grey values."""

    name: str
    share: float
    veil: float = 0.0

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """An image as the camera then takes it."""
        light = self.veil + self.share * image.astype(np.float32)
        noise = np.sqrt(_READ_OUT**2 + _PHOTONS**2 * light) * rng.standard_normal(image.shape, dtype=np.float32)
        return np.asarray(np.clip(np.rint(light + noise), 0, 255), dtype=np.uint8)


LIGHTS = (
    Seen("all of the light", 1.0),
    Seen("30 % of it", 0.3),
    Seen("10 %", 0.1),
    Seen("5 %", 0.05),
    Seen("3 %", 0.03),
    Seen("1.5 %", 0.015),
    Seen("20 %, under a veil of 180", 0.2, 180.0),
    Seen("10 %, under a veil of 180", 0.1, 180.0),
)


def measure(tracker: FaceTracker, people: list[Sequence], light: Seen) -> dict[str, Any]:
    """The figures of one light; of the pose None where no head was told."""
    frames, errors, covariances = 0, [], []
    for index, shown in enumerate(people):
        tracker.reset()
        for stamp, true, image in _frames(shown, light, index):
            state = tracker.update(image, stamp, shown.camera)
            if stamp >= _SETTLE:
                frames += 1
                if state.status is Status.TRACKING:
                    errors.append(pose_error(state.pose_raw, true))
                    covariances.append(state.covariance_raw)
    told = figures(np.array(errors), np.array(covariances)) if errors else None
    return {"name": light.name, "frames": frames, "tracked": len(errors) / frames, "raw": told}


def _frames(shown: Sequence, light: Seen, seed: int) -> Iterator[tuple[float, Array, Image]]:
    rng = np.random.default_rng((_FIRST_SEED, seed))
    for index, (stamp, true, image) in enumerate(shown.frames()):
        if index % _EVERY == 0:
            yield stamp, true, light(image, rng)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmarks.light", description="Pose in little light.")
    parser.add_argument("--people", type=int, default=24, help="rendered people, 4 seconds of each (default 24)")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)

    def measured() -> Result:
        check_least("--people", options.people)
        model = face_model()
        tracker = FaceTracker(model_path=own_model(), network_path=options.network, backend="onnxruntime-cpu")
        people = [sequence(model, _FIRST_SEED + i) for i in range(options.people)]
        rows = [measure(tracker, people, light) for light in LIGHTS]
        return {"benchmark": "light", "people": options.people, "lights": rows}

    return answer(measured, options.json, options.network)


if __name__ == "__main__":
    raise SystemExit(main())
