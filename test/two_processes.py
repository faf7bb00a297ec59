"""Run by torchrun in a test: train the toy problem in as many processes as there are.

torchrun --nproc-per-node 2 test/two_processes.py OUT BATCH
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ramps import make_ramps
from small_face import small_face
from torch.utils.data import Dataset

import training.training_run
from dense_face_ros.template import Template
from training.recipes import RECIPES, Recipe
from training.train import train

PLANNED, STOPPED_AFTER = 10, 4


class _Stopping(Dataset[Any]):
    """The toy problem; with the last sample of a step, the last process alone gets SIGTERM."""

    def __init__(self, good: Dataset[Any], batch_size: int) -> None:
        self.good, self.left = good, STOPPED_AFTER * batch_size
        self.last = os.environ.get("RANK", "0") == str(int(os.environ.get("WORLD_SIZE", "1")) - 1)

    def __len__(self) -> int:
        return len(self.good)  # type: ignore[arg-type]

    def __getitem__(self, index: int) -> Any:
        self.left -= 1
        if self.left == 0 and self.last:
            os.kill(os.getpid(), signal.SIGTERM)
        return self.good[index]


def run(out: Path, batch_size: int) -> Path:
    """Train until the signal and report each step; returns the checkpoint.

    Double precision: Adam makes whole steps of gradients that are only rounding.
    """
    training.training_run._REPORT_STEPS = 1
    recipe = replace(RECIPES["smoke"], precision="64-true", batch_size=batch_size, validation_samples=4)

    def make_dataset(recipe: Recipe, data: Path, split: str, seed: int, stride: int) -> Dataset[Any]:
        good = make_ramps(recipe, data, split, seed, stride)
        return _Stopping(good, batch_size) if split == "train" else good

    return train(recipe, out, out, Template(small_face(), "frontal"), make_dataset, steps=PLANNED, workers=0)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
