"""What a run goes on from: its own checkpoint, or another network, which hands on its terms and its sources."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from training.checkpoint import CHECKPOINT, load_run, recipe_of
from training.recipes import Recipe
from training.terms import both_licences, both_sources

_MAY_CHANGE = ("learning_rate", "training_data", "licence")  # between the parts of a run


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
