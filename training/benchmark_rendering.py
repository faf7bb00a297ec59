"""How many training images per second the renderer makes: ``python -m training.benchmark_rendering``.

Stages: ``geometry`` (shape, pose, projection, targets), ``appearance`` (a whole synthetic head with its targets) and
``photometric`` (augmentation of a finished picture). Each process works on its own; rates are for all together.
The processor time per image tells the cost on a machine that is busy with other things as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.rendering.photometric import augment
from training.rendering.pose import CoefficientSampler, draw_framing, draw_pose
from training.rendering.settings import Settings
from training.rendering.synthetic import SyntheticHeads
from training.rendering.targets import TargetRenderer, Targets

STAGES = ("geometry", "appearance", "photometric")


def stage(name: str, rng: np.random.Generator) -> Callable[[], object]:
    """What one process repeats for a stage, ready to be timed."""
    template = Template(FaceModel.load())
    if name == "geometry":
        renderer, coefficients, settings = TargetRenderer(template), CoefficientSampler(template.model), Settings()
        return lambda: _geometry(renderer, coefficients, settings, rng)
    heads = SyntheticHeads(template)
    if name == "appearance":
        return lambda: heads.render(rng)
    pictures = [heads.render(rng).image for _ in range(16)]
    return lambda: augment(pictures[rng.integers(len(pictures))], rng)


def _geometry(
    renderer: TargetRenderer, coefficients: CoefficientSampler, settings: Settings, rng: np.random.Generator
) -> Targets:
    model = renderer.template.model
    rotation, translation = draw_pose(rng, settings)
    face = model.shape(coefficients.draw(rng, settings))
    points = face @ rotation.T.astype(np.float32) + translation.astype(np.float32)
    scale, offset = draw_framing(rng, settings, model.at(model.landmarks, points), CROP_SIZE)
    return renderer.render(points[:, :2] / points[:, 2:] * scale + offset, points[:, 2])


def _measure(name: str, seed: int, seconds: float) -> tuple[float, float]:
    """Images per second, and milliseconds of processor time per image."""
    cv2.setNumThreads(0)
    make = stage(name, np.random.default_rng(seed))
    for _ in range(5):
        make()
    count, start, processor = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        make()
        count += 1
    return count / (time.perf_counter() - start), 1000.0 * (time.process_time() - processor) / count


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2, help="processes at work at the same time (default 2)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each stage is timed (default 5)")
    arguments = parser.parse_args()
    print(f"{CROP_SIZE} x {CROP_SIZE} pixels, {len(FaceModel.load().mean)} vertices, {arguments.processes} processes")
    for name in STAGES:
        with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(_measure, name, seed, arguments.seconds) for seed in range(arguments.processes)]
            rates, costs = np.array([job.result() for job in jobs]).T
        print(f"{name:12s} {rates.sum():8.0f} images/s   {costs.mean():6.2f} ms of processor time per image")


if __name__ == "__main__":
    main()
