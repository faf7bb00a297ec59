"""Training checkpoints: one file that holds all that a run needs to go on, or an export to start."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from dense_face_ros.whole_files import whole_file
from training.network import CorrespondenceModule, recipe_network
from training.recipes import Recipe

CHECKPOINT = "checkpoint.pt"  #: its name in a run folder
FORMAT_VERSION = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` so that ``path`` is at any moment either the old file or the new one, whole; or OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with whole_file(path) as file:
            torch.save({"format_version": FORMAT_VERSION, **state}, file)
    except RuntimeError as error:  # what torch makes of a disk that is full
        raise OSError(f"'{path}' cannot be written; is there space left on the disk?") from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; nothing in the file is executed.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no checkpoint of ours, or of another format version.
    """
    if not path.is_file():
        raise FileNotFoundError(f"checkpoint '{path}' does not exist; give the checkpoint.pt of a training run")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, LookupError, ValueError) as error:
        # torch's own message advises to run what is in the file.
        raise ValueError(f"'{path}' is no whole checkpoint; give a training run's checkpoint.pt") from error
    found = state.get("format_version") if isinstance(state, dict) else None
    if found != FORMAT_VERSION:
        raise ValueError(f"checkpoint '{path}' has format version {found}; this code reads {FORMAT_VERSION}")
    return cast(dict[str, Any], state)


def load_run(path: Path) -> dict[str, Any]:
    """The checkpoint of a correspondence network, raising as :func:`load_checkpoint`, also for those of others and
    where weights are not finite."""
    state = load_checkpoint(path)
    lacking = [name for name in ("recipe", "template", "average") if name not in state]
    if lacking:
        raise ValueError(f"checkpoint '{path}' has no {', '.join(lacking)}; give one that training.train wrote")
    broken = not_finite({part: state[part] for part in ("network", "average") if part in state})
    if broken:
        raise ValueError(f"checkpoint '{path}' has weights that are not finite ({broken}); give one from before")
    return state


def not_finite(weights: Mapping[str, Mapping[str, Tensor]]) -> str:
    """Of state dictionaries by name, those that hold NaN or infinity, with the first of each that does; else ''."""
    first = {
        part: next((name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())), None)
        for part, tensors in weights.items()
    }
    return ", ".join(f"{part}: {name}" for part, name in first.items() if name is not None)


def recipe_of(state: dict[str, Any], path: Path) -> Recipe:
    """The recipe a checkpoint was trained with; ValueError where this code's recipes have other fields."""
    try:
        return Recipe(**state["recipe"])
    except TypeError as error:
        raise ValueError(f"checkpoint '{path}' has a recipe of another version of this code ({error})") from error


def network_of(state: dict[str, Any], path: Path) -> CorrespondenceModule:
    """The network of a checkpoint with its averaged weights, in evaluation mode."""
    recipe = recipe_of(state, path)
    network = recipe_network(recipe)
    network.load_state_dict(state["average"])
    return network.eval()


def weights_sha256(state: dict[str, Any]) -> str:
    """sha256 of a checkpoint's averaged weights, whatever file they are in."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state["average"].items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
