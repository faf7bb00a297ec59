"""How fast weights may change: the learning rate over a run, and which weights decay."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

from training.recipes import Recipe


def learning_rate(recipe: Recipe, step: int, progress: float) -> float:
    """The rate at ``step`` with ``progress`` (0..1) of the plan done; see :class:`training.recipes.Recipe`."""
    if recipe.schedule == "cosine":
        factor = cosine(progress, 0.01)
    elif recipe.schedule == "drop":
        factor = 1.0 if progress < 2.0 / 3.0 else 0.1
    else:
        raise ValueError(f"recipe '{recipe.name}': schedule is '{recipe.schedule}'; known are cosine, drop")
    return recipe.learning_rate * factor * warm_up(step, recipe.warmup_steps)


def cosine(progress: float, lowest: float = 0.0) -> float:
    """The fall from 1 to ``lowest`` while ``progress`` goes from 0 to 1, and ``lowest`` from then on."""
    return lowest + (1.0 - lowest) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


def warm_up(step: int, steps: int) -> float:
    """The linear rise to 1 over the first ``steps``."""
    return min(1.0, (step + 1) / max(steps, 1))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """For an optimiser: weights decay, offsets and normalisations do not."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
