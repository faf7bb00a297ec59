"""Run by torchrun in a test: train the toy problem in as many processes as there are.

    torchrun --nproc-per-node 2 test/two_processes.py OUT BATCH
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from ramps import make_ramps
from small_face import small_face

import training.train
from dense_face_ros.template import Template
from training.recipes import RECIPES
from training.train import train

STEPS = 4


def run(out: Path, batch_size: int) -> Path:
    """Train some steps and report each; returns the checkpoint.

    Double precision: Adam makes whole steps of gradients that are only rounding.
    """
    training.train._REPORT_STEPS = 1
    recipe = replace(RECIPES["smoke"], precision="64-true", batch_size=batch_size, validation_samples=4)
    return train(recipe, out, out, Template(small_face(), "frontal"), make_ramps, steps=STEPS, workers=0)


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
