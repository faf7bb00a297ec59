"""Run by torchrun in a test: train the toy problem in as many processes as there are.

torchrun --nproc-per-node 2 test/two_processes.py OUT BATCH [STEP]

STEP: the one whose data the last process cannot read.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ramps import make_ramps
from small_face import small_face
from torch.utils.data import Dataset

import training.training_run
from dense_face_ros.template import Template
from training.loader import BadData
from training.recipes import RECIPES, Recipe
from training.train import train

PLANNED, STOPPED_AFTER = 10, 4


class _Ending(Dataset[Any]):
    """The toy problem; with the last sample of step ``step``, something happens to the last process alone."""

    def __init__(self, good: Dataset[Any], step: int, batch_size: int, happens: Callable[[], None]) -> None:
        self.good, self.left, self.happens = good, step * batch_size, happens
        self.last = os.environ.get("RANK", "0") == str(int(os.environ.get("WORLD_SIZE", "1")) - 1)

    def __len__(self) -> int:
        return len(self.good)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        self.left -= 1
        if self.left == 0 and self.last:
            self.happens()
        return self.good[index]


def _signal() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _damage() -> None:
    raise FileNotFoundError("photograph 'gone.jpg' does not exist")


def run(out: Path, batch_size: int, damaged_in: int | None = None) -> Path:
    """Train until the signal, or until the data of step ``damaged_in`` cannot be read, and report each step.

    Double precision: Adam makes whole steps of gradients that are only rounding.

    Returns:
        The checkpoint.
    """
    training.training_run._REPORT_STEPS = 1
    recipe = replace(RECIPES["smoke"], precision="64-true", batch_size=batch_size, validation_samples=4)

    def make_dataset(recipe: Recipe, data: Path, split: str, seed: int, stride: int) -> Dataset[Any]:
        good = make_ramps(recipe, data, split, seed, stride)
        if split != "train":
            return good
        ending = (STOPPED_AFTER, batch_size, _signal) if damaged_in is None else (damaged_in, batch_size, _damage)
        return _Ending(good, *ending)

    return train(recipe, out, out, Template(small_face(), "frontal"), make_dataset, steps=PLANNED, workers=0)


if __name__ == "__main__":
    try:
        run(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    except BadData as error:
        sys.exit(f"process {os.environ['RANK']}: {error}")
