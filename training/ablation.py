"""What each part of ``best`` is worth, by short runs: ``python -m training.ablation --data DATA --out RUNS``.

Every variant is trained from nothing on the same number of images with the same seed (one has another, to show what is
chance) and validated on the same samples (:mod:`training.surface_error`); the cost of each network is measured without
training (:mod:`training.network_cost`).

A run folder keeps ``settings.json`` and, when it is done, ``result.json``: called again, the command goes on where it
was stopped, keeps what is done, and measures the times anew.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.provenance import provenance
from dense_face_ros.template import KINDS, Template
from dense_face_ros.whole_files import write_json
from training.checkpoint import CHECKPOINT, load_run, network_of
from training.data import make_dataset
from training.face_model import face_model, own_model
from training.loader import Batch
from training.network import BLOCKS
from training.network_cost import network_cost
from training.photographs.heads import FITS
from training.photographs.sources import learned_from
from training.recipes import RECIPES, Recipe
from training.result_files import Result, check_destination, read_result, told_file, write_result
from training.surface_error import comparable_samples, surface_errors
from training.train import train

_SAMPLES = 128  # of each kind, to validate on


@dataclass(frozen=True)
class Variant:
    """A recipe to compare."""

    title: str
    recipe: Recipe


def _variant(name: str, title: str, **changes: Any) -> Variant:
    return Variant(title, replace(RECIPES["best"], name=name, **changes))


#: The most telling first.
VARIANTS = (
    _variant("best", "as it is: renderings, photographs, photographs turned out of plane"),
    _variant("renderings", "renderings alone, before made backgrounds", synthetic_share=1.0, turned_share=0.0),
    _variant("photographs", "photographs as they are alone", synthetic_share=0.0, turned_share=0.0),
    # In the proportion that they have in best.
    _variant("without_renderings", "photographs, as they are and turned", synthetic_share=0.0, turned_share=0.6),
    _variant("without_turned", "renderings, and photographs as they are", turned_share=0.0),
    _variant("frontal", "frontal template", template_kind="frontal"),
    _variant("half_width", "width 0.5", width=0.5),
    _variant("wide", "width 1.5", width=1.5),
    _variant("half_input", "64 x 64 pixels in", resolution=(64, 64)),
    _variant("half_output", "32 x 32 cells out", resolution=(128, 32)),
    _variant("other_seed", "nothing changed, from another seed: how much is chance", seed=RECIPES["best"].seed + 1),
    # Without normalisations it does not bear the rate of the others.
    _variant(
        "paper",
        "the paper's architecture, at its learning rate",
        architecture="paper",
        blocks=BLOCKS,
        learning_rate=RECIPES["paper_photographs"].learning_rate,
    ),
)


def for_budget(recipe: Recipe, images: int) -> Recipe:
    """The recipe with ``steps`` for that many images, and no more than a tenth of them for the warm-up.

    Raises:
        ValueError: fewer images than one batch.
    """
    steps = images // recipe.batch_size
    if steps < 1:
        raise ValueError(f"--images is {images}; one batch of recipe '{recipe.name}' has {recipe.batch_size}")
    return replace(
        recipe, steps=steps, warmup_steps=min(recipe.warmup_steps, max(steps // 10, 1)),
        validation_samples=recipe.batch_size, validation_minutes=float("inf"),
    )  # fmt: skip


class Ablation:
    """Runs in the folder ``out``, each in a folder of its recipe's name."""

    def __init__(self, data: Path, fits: Path, out: Path, images: int, samples: int = _SAMPLES) -> None:
        self.data, self.fits, self.out, self.images, self.samples = data, fits, out, images, samples
        self._model = face_model()
        self.template: Callable[[str], Template] = cache(partial(Template, self._model))
        self._validation = cache(self._make_validation)
        self._cost = cache(self._measure_cost)

    def run(self, variants: Sequence[Variant]) -> tuple[Result, bool]:
        """Train what is not trained, and measure all costs.

        Returns:
            The result, in which ``training`` of variants not reached is None; and whether nothing was left out because
            somebody asked to stop.
        Raises:
            ValueError: a run folder holds a run with other settings.
        """
        trainings: list[Result | None] = []
        stopped = False
        for variant in variants:
            done = None if stopped else self.training(variant.recipe)
            stopped |= done is None
            trainings.append(done)
        rows = [self._row(*pair) for pair in zip(variants, trainings, strict=True)]
        first = variants[0].recipe
        head = {"benchmark": "ablation", "images": self.images, "samples": self.samples, "seed": first.seed,
                "batch_size": first.batch_size}  # fmt: skip
        return {**head, "variants": rows}, not stopped

    def training(self, recipe: Recipe) -> Result | None:
        """Train and validate one recipe, or read what that gave before; None when the training was stopped.

        Returns:
            ``images`` and ``seconds`` of training, ``errors`` of :func:`training.surface_error.surface_errors`, and
            the ``commit`` that validated.
        Raises:
            ValueError: the run folder holds a run with other settings.
        """
        training_data, licence = learned_from(recipe.learns_from, self.data)
        recipe = replace(for_budget(recipe, self.images), training_data=training_data, licence=licence)
        folder = self.out / recipe.name
        template = self.template(recipe.template_kind)
        settings = {key: str(value) for key, value in asdict(recipe).items()}
        settings |= {"template": template.hash, "samples": str(self.samples), "fits": told_file(self.fits),
                     "backgrounds": str(len(list((self.data / "backgrounds").glob("*"))))}  # fmt: skip
        if (folder / "settings.json").is_file() and read_result(folder / "settings.json") != settings:
            raise ValueError(f"'{folder}' holds a run with other settings or other data; give --out another folder")
        if (folder / "result.json").is_file():
            return read_result(folder / "result.json")
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "settings.json", settings)
        last = folder / CHECKPOINT
        resume = last.is_file()
        if not resume or load_run(last)["step"] < recipe.steps:
            datasets = partial(make_dataset, fits=self.fits)
            train(recipe, self.data, folder, template, datasets, steps=recipe.steps, resume=resume, workers=0)
        state = load_run(last)
        if state["step"] < recipe.steps:
            return None
        network = network_of(state, last)
        samples = self._validation(network.stride)[recipe.template_kind]
        errors = surface_errors(network, template, samples)
        result = {"images": state["images"], "seconds": state["seconds"], "errors": errors,
                  "commit": provenance()["commit"]}  # fmt: skip
        write_json(folder / "result.json", result)
        return result

    def _row(self, variant: Variant, training: Result | None) -> Result:
        recipe = variant.recipe
        names = ("name", "architecture", "width", "template_kind", "synthetic_share", "turned_share")
        cost = self._cost(recipe.architecture, recipe.width, recipe.resolution)
        return {**{n: getattr(recipe, n) for n in names}, "title": variant.title, "training": training, **cost}

    def _make_validation(self, stride: int) -> dict[str, dict[str, list[Batch]]]:
        templates = {kind: self.template(kind) for kind in KINDS}
        return comparable_samples(templates, self.data, self.fits, self.samples, RECIPES["best"].seed, stride)

    def _measure_cost(self, architecture: str, width: float, resolution: tuple[int, int]) -> Result:
        recipe = replace(RECIPES["best"], architecture=architecture, width=width, resolution=resolution)
        return network_cost(recipe, self.template(recipe.template_kind))


@tells_bad_input(FloatingPointError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0; 1 when it was stopped before all was trained; 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.ablation", description="What each part of best is worth.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the training data")
    parser.add_argument("--fits", type=Path, default=FITS, help="labels of training.photographs.fit")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--images", type=int, default=12_000, help="images that every variant is trained on")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args(arguments)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    check_destination(options.json)
    result, complete = Ablation(options.data, options.fits, options.out, options.images).run(VARIANTS)
    write_result(options.json, result, model=own_model())
    if not complete:
        print("stopped; call it again to go on")
    return 0 if complete else 1


if __name__ == "__main__":
    sys.exit(main())
