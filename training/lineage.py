"""What a run goes on from: its own checkpoint, or another network, which hands on its terms and its sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import Dataset

from training.checkpoint import CHECKPOINT, load_run, recipe_of
from training.face_model import check_trained_for
from training.loader import first_samples
from training.network import CorrespondenceModule, recipe_network
from training.network.compact import CompactNetwork
from training.network.exported_weights import load_exported
from training.processes import same_everywhere
from training.recipes import Recipe
from training.terms import both_licences, both_sources

_MAY_CHANGE = ("learning_rate", "training_data", "licence")  # between the parts of a run
_MEASURED_SAMPLES = 512  # on which the normalisations of an exported network are measured


def descendant(recipe: Recipe, training_data: str, licence: str) -> Recipe:
    """The recipe of a run whose weights learned from ``training_data`` before, and so were under ``licence``.

    Terms once on the weights stay: only what was free all along is free.
    """
    return replace(
        recipe,
        training_data=both_sources(training_data, recipe.training_data),
        licence=both_licences(licence, recipe.licence),
    )


def previous_state(out: Path, recipe: Recipe, template: dict[str, str], resume: bool) -> dict[str, Any] | None:
    """The checkpoint in ``out`` to go on from; None for a new run.

    Raises:
        ValueError, FileNotFoundError: the folder holds a run and ``resume`` is not set, or the other way round; a
            checkpoint of another recipe, template or face model.
    """
    path = out / CHECKPOINT
    if not resume:
        if path.exists():
            raise ValueError(f"--out '{out}' already holds a run; add --resume, or name another folder")
        return None
    state = load_run(path)
    if state["recipe"]["name"] != recipe.name:
        raise ValueError(f"--out '{out}' was trained with recipe '{state['recipe']['name']}', not '{recipe.name}'")
    before = asdict(recipe_of(state, path))
    for name, value in asdict(recipe).items():
        if name not in _MAY_CHANGE and before[name] != value:
            raise ValueError(
                f"--out '{out}' was trained with {name} {before[name]!r}, recipe '{recipe.name}' now has {value!r}; "
                "start a new folder"
            )
    if state["template"] != template:
        raise ValueError(f"--out '{out}' was trained for another template or face model; start a new folder")
    return state


def resumed(recipe: Recipe, state: dict[str, Any], learning_rate: float | None) -> Recipe:
    """The recipe that a run goes on with: its own learning rate where none is given, and all it learned from so far."""
    before = state["recipe"]
    rate = before["learning_rate"] if learning_rate is None else learning_rate
    return descendant(replace(recipe, learning_rate=rate), before["training_data"], before["licence"])


def planned(
    recipe: Recipe, state: dict[str, Any] | None, steps: int | None, minutes: float | None
) -> tuple[int | None, float | None]:
    """Steps and minutes of the whole run: those given, else those of the run that is resumed, else the recipe's steps.

    The learning rate follows the share of them that is done: with another length a run that was nearly over would be
    trained at its highest again.

    Raises:
        ValueError: none are given, and the checkpoint is from before it told them.
    """
    if steps is not None or minutes is not None:
        return steps, minutes
    if state is None:
        return recipe.steps, None
    if "length" not in state:
        raise ValueError("--resume: the checkpoint does not tell how long its run is to be; give --minutes or --steps")
    return state["length"]["steps"], state["length"]["minutes"]


def take_weights(
    network: CorrespondenceModule, path: Path, recipe: Recipe, template_hash: str, samples: Dataset[Any]
) -> tuple[Recipe, int]:
    """Put the averaged weights of another run's checkpoint, or those of an exported network, into ``network``.

    Args:
        template_hash: of the one that ``network`` is to map to.
        samples: of training; the normalisations of an exported network are measured on the first.
    Returns:
        The recipe with what the weights have learned from and are under; and the images that they have seen.
    Raises:
        ValueError, OSError: the file is none of them, or of another architecture, template or face model.
    """
    if path.suffix == ".onnx":
        if not isinstance(network, CompactNetwork):
            raise ValueError(f"--start-from '{path}' is an exported network; only 'compact' can go on from one")
        fresh = recipe_network(recipe)  # on the CPU, as the samples are
        assert isinstance(fresh, CompactNetwork)
        told = load_exported(fresh, path, template_hash, _images(samples, recipe.batch_size))
        network.load_state_dict(fresh.state_dict())
        same_everywhere(network)  # each process measured on samples of its own
        return descendant(recipe, told["training_data"], told["licence"]), int(told["images_seen"])
    state = load_run(path)
    check_trained_for(template_hash, {f"template_{key}": value for key, value in state["template"].items()}, path)
    weights = state["average"]
    weights.pop("template_image", None)
    another = f"--start-from '{path}' holds another architecture or width than recipe '{recipe.name}'"
    try:
        missing = network.load_state_dict(weights, strict=False)
    except RuntimeError as error:  # torch lists every weight of another shape
        raise ValueError(another) from error
    deeper = network.deeper_than(weights) if isinstance(network, CompactNetwork) else ()
    lacking = [name for name in missing.missing_keys if not name.startswith(("template_image", *deeper))]
    if lacking or missing.unexpected_keys:
        raise ValueError(another)
    return descendant(recipe, state["recipe"]["training_data"], state["recipe"]["licence"]), state["images"]


def _images(samples: Dataset[Any], batch_size: int) -> Iterator[Tensor]:
    """Made when they are asked for: by then the file is known to be of use."""
    for batch in first_samples(samples, _MEASURED_SAMPLES, batch_size):
        yield batch["image"]
