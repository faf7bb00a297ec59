"""A toy problem for the training tests: where in the template is the crop's brightest colour ramp."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.checkpoint import save_checkpoint
from training.network import make_network
from training.recipes import RECIPES


class Ramps(Dataset[Any]):
    """Crops whose red and green say which template pixel they show; the blue half is not matchable."""

    def __init__(self, stride: int, count: int = 40, pairs: bool = False) -> None:
        self.cells, self.count, self.pairs = 128 // stride, count, pairs

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng(index)
        v, u = np.mgrid[: self.cells, : self.cells] * (128 / self.cells)
        template = np.stack([u, v]) * rng.uniform(0.5, 1.0) + rng.uniform(0.0, 20.0)
        matchable = (u + v < rng.uniform(90, 160)).astype(np.uint8)
        colours = np.dstack([template[0], template[1], 255.0 * (1 - matchable)])
        image = np.kron(colours, np.ones((128 // self.cells, 128 // self.cells, 1))).clip(0, 255).astype(np.uint8)
        sample = {"image": image, "template": template.astype(np.float32), "matchable": matchable, "weight": 1.0}
        return {**sample, "target": image[::-1].copy()} if self.pairs else sample


def make_ramps(recipe: Any, data: Any, split: str, seed: int, stride: int) -> Ramps:
    return Ramps(stride, pairs=recipe.pairs)


@pytest.fixture
def ramps() -> Any:
    return make_ramps


@pytest.fixture(scope="session")
def template(small_model: FaceModel) -> Template:
    return Template(small_model, "frontal")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A checkpoint of a small network with weights that are not those of a start, and the network."""
    recipe = RECIPES["smoke"]
    torch.manual_seed(0)
    network = make_network(recipe.architecture, recipe.width).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.3)
            module.weight.data.uniform_(0.3, 1.0)
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    state = {"recipe": asdict(recipe), "template": {"kind": "cylindrical", "hash": "ab" * 32}, "images": 1234}
    save_checkpoint(path, {**state, "average": network.state_dict()})
    return path, network
