"""A toy problem for the training tests: where in the template is the crop's brightest colour ramp."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch.utils.data import Dataset


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
