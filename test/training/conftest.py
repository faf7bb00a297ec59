"""Fixtures of the training tests."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from painted_face import head_at, paint
from ramps import make_ramps

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from training.checkpoint import save_checkpoint
from training.network import make_network
from training.photographs.fit import PhotographFits
from training.recipes import RECIPES


@pytest.fixture
def ramps() -> Any:
    return make_ramps


@pytest.fixture(scope="session")
def template(small_model: FaceModel) -> Template:
    return Template(small_model, "frontal")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, shipped_model: FaceModel) -> Any:
    """A checkpoint of a small network with weights that are not those of a start, and the network."""
    recipe = RECIPES["smoke"]
    torch.manual_seed(0)
    network = make_network(recipe.architecture, recipe.width).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.3)
            module.weight.data.uniform_(0.3, 1.0)
    path = tmp_path_factory.mktemp("run") / "checkpoint.pt"
    described = {"kind": "cylindrical", "hash": Template(shipped_model).hash}
    state = {"recipe": asdict(recipe), "template": described, "images": 1234}
    save_checkpoint(path, {**state, "average": network.state_dict()})
    return path, network


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, shipped_model: FaceModel) -> Path:
    """One painted head in three folders, 40 labels to it each, and two plain backgrounds."""
    template, focal, count = Template(shipped_model), 900.0, 40
    folder = tmp_path_factory.mktemp("data")
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll(np.radians([12.0, 5.0, 3.0]))
    pose[:3, 3] = 0.01, 0.02, 1.5
    camera = PinholeCamera(focal, focal, 95.5, 95.5, 192, 192)
    image = paint(template, head_at(template.model, pose), camera)
    for name in ("youtube_faces", "press_photos", "masked_faces"):
        (folder / name / "images").mkdir(parents=True)
        cv2.imwrite(str(folder / name / "images" / "a.png"), image)
        np.savez(
            folder / name / "landmarks.npz",
            name=np.array(["a.png"] * count),
            mesh478=np.zeros((count, 478, 3), np.float16),
            has_mesh478=np.ones(count, bool),
            split=np.where(np.arange(count) % 20, "train", "val"),
        )
    (folder / "backgrounds").mkdir()
    for name in ("b.jpg", "c.jpg"):
        cv2.imwrite(str(folder / "backgrounds" / name), np.zeros((160, 240, 3), np.uint8))
    size = template.model.identity_size + template.model.expression_size
    every = 3 * count
    names = np.array([f"{name}/a.png" for name in ("youtube_faces", "press_photos", "masked_faces")])
    PhotographFits(
        np.repeat(names, count), template.model.content_hash,
        np.repeat(pose[None], every, 0).astype(np.float32), np.zeros((every, size), np.float32),
        np.full(every, focal, np.float32), np.zeros(every, np.float32), np.ones(every, bool), np.zeros(every, bool),
    ).save(folder / "fits.npz")  # fmt: skip
    return folder
