"""Train a correspondence network: ``python -m training.train --recipe best --data DIR --out runs/best --minutes 60``.

A run folder holds ``checkpoint.pt`` (all that ``--resume`` needs), ``log.jsonl`` (one line per report) and TensorBoard
events. Ctrl-C and SIGTERM end a run cleanly, with a checkpoint.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset

from dense_face_ros.template import Template
from training.checkpoint import CHECKPOINT
from training.face_model import face_model
from training.loader import BadData, endless, first_samples, make_loader, stream_seed
from training.options import check_least
from training.processes import make_fabric
from training.recipes import RECIPES, Recipe, recipe_named
from training.training_run import TrainingRun

#: (recipe, data folder, "train" or "validation", seed, stride) -> samples as described in :func:`train`.
MakeDataset = Callable[[Recipe, Path | None, str, int, int], Dataset[Any]]


def train(
    recipe: Recipe,
    data: Path | None,
    out: Path,
    template: Template,
    make_dataset: MakeDataset,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    resume: bool = False,
    start_from: Path | None = None,
    learning_rate: float | None = None,
    workers: int = 1,
) -> Path:
    """Train until ``steps`` are done or ``minutes`` have passed, whichever comes first, over all resumed parts; where
    neither is given, those that the resumed run was begun with, or the recipe's steps.

    Samples are dictionaries of arrays: ``image`` (128, 128, 3) uint8 RGB; ``template`` (2, h, w) template pixel of
    each cell; ``matchable`` (h, w) uint8, 1, 0 or 255 for unknown; ``weight`` number; for recipes with ``pairs``
    ``target`` (128, 128, 3) uint8 RGB; for those with a ``pose_weight`` ``repeats`` and the arrays of
    ``training.head_view``, as ``training.pose_error`` says.
    h = w = 128 / stride of the architecture.

    Args:
        resume: go on from the checkpoint in ``out``.
        start_from: checkpoint of another run, or exported ``compact`` network, whose weights to begin with. Its terms
            and what it learned from stay with them.
        learning_rate: at its highest, instead of the recipe's, or of the run's that is resumed.
        workers: loader processes.
    Returns:
        The last checkpoint.
    Raises:
        ValueError, OSError: the time is over before the first step; ``out`` is a file, or holds a run and ``resume``
            is not set, or the other way round; a checkpoint of another recipe or template, or one that does not tell
            how long its run is to be where nothing else does.
        BadData: on the way, naming what no sample can be made of; the run is behind a checkpoint.
        FloatingPointError: the gradients or the weights stopped being finite.
    """
    for option, length in (("--steps", steps), ("--minutes", minutes)):
        if length is not None and not length > 0:
            raise ValueError(f"{option} is {length}; it must be more than 0")
    check_least("--workers", workers, 0)
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"--out '{out}' is a file; give a folder")
    fabric = make_fabric(recipe.precision)
    fabric.launch()
    fabric.seed_everything(recipe.seed, verbose=False)
    run = TrainingRun(fabric, recipe, out, template, resume, learning_rate, steps, minutes)
    train_set = make_dataset(
        recipe, data, "train", stream_seed(recipe.seed, run.step, fabric.global_rank), run.network.stride
    )
    if start_from is not None and run.step == 0:
        run.take_weights(start_from, train_set)
    validation_set = make_dataset(recipe, data, "validation", recipe.seed, run.network.stride)
    validation = first_samples(validation_set, recipe.validation_samples, recipe.batch_size)
    loader = make_loader(
        train_set, recipe.batch_size, workers, recipe.seed, run.images, fabric.global_rank, fabric.world_size
    )
    placed = cast(DataLoader[Any], fabric.setup_dataloaders(loader, use_distributed_sampler=False))
    run.go(endless(placed), validation)
    return out / CHECKPOINT


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    from training.data import make_dataset
    from training.photographs.heads import FITS
    from training.photographs.portraits import credited
    from training.photographs.sources import learned_from
    from training.shards import list_shards

    parser = argparse.ArgumentParser(prog="training.train", description="Train a correspondence network.")
    parser.add_argument("--recipe", required=True, choices=sorted(RECIPES))
    parser.add_argument("--data", type=Path, help="folder with the training data; recipes of renderings need none")
    parser.add_argument("--out", required=True, type=Path, help="run folder, e.g. runs/best")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the checkpoint in --out, to the same length unless another is given; give --data, --fits, "
        "--shards, --large-pose and --skins again",
    )
    parser.add_argument("--start-from", type=Path, help="checkpoint of another run, or exported .onnx, to begin with")
    parser.add_argument("--fits", type=Path, default=FITS, help=f"labels of the photographs (default {FITS})")
    parser.add_argument("--shards", type=Path, help="photographs from training.shards, instead of those in --data")
    parser.add_argument("--large-pose", type=Path, help="the labels that shards of 300W-LP were packed with")
    parser.add_argument("--skins", type=Path, help="skins for the renderings, from training.photographs.portraits")
    parser.add_argument("--minutes", type=float, help="length of the whole run in minutes, its earlier parts included")
    parser.add_argument("--steps", type=int, help="the same in steps (default: the recipe's)")
    parser.add_argument(
        "--learning-rate", type=float, help="at its highest, instead of the recipe's or the resumed run's"
    )
    parser.add_argument("--workers", type=int, default=1, help="loader processes (default 1)")
    parser.add_argument("--threads", type=int, help="torch threads (default: the cores the loaders leave over)")
    given = parser.parse_args(arguments)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    # Threads that share a core with a loader wait for each other at every layer: 2 + 1 on two cores is ten times slower
    # than 1 + 1.
    if given.threads is not None and given.threads < 1:
        parser.exit(1, f"{parser.prog}: --threads is {given.threads}; it must be at least 1\n")
    torch.set_num_threads(given.threads or max(1, (os.cpu_count() or 1) - max(0, given.workers)))
    recipe = recipe_named(given.recipe)
    if given.large_pose is not None and given.shards is None:
        parser.exit(1, f"{parser.prog}: --large-pose '{given.large_pose}' has no photographs; give --shards too\n")
    try:
        kind = "300W-LP" if given.large_pose is not None else recipe.learns_from
        shards = [] if given.shards is None else list_shards(given.shards, "train")
        training_data, licence = learned_from(kind, given.data, shards)
        recipe = replace(recipe, training_data=credited(training_data, given.skins), licence=licence)
        template = Template(face_model(), recipe.template_kind)
        datasets = partial(
            make_dataset, fits=given.fits, skins=given.skins, shards=given.shards, large_pose=given.large_pose
        )
        last = train(
            recipe, given.data, given.out, template, datasets, steps=given.steps, minutes=given.minutes,
            resume=given.resume, start_from=given.start_from, learning_rate=given.learning_rate, workers=given.workers,
        )  # fmt: skip
    except KeyboardInterrupt:  # before the first step, or for the second time
        parser.exit(130, f"{parser.prog}: interrupted; a checkpoint that '{given.out}' holds is kept\n")
    except BadData as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except (ValueError, OSError, FloatingPointError) as error:
        parser.exit(1, f"{parser.prog}: {error}\n")
    print(f"checkpoint: {last}")


if __name__ == "__main__":
    main()
