"""Fixtures of the training tests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
import torch
from ramps import make_ramps

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.checkpoint import save_checkpoint
from training.network import make_network
from training.recipes import RECIPES


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
