"""The correspondence networks (paper Sec. 3.3), by name: ``paper`` is Fig. 3, ``compact`` the one for the car."""

from __future__ import annotations

import torch

from dense_face_ros.template import Template
from training.network.compact import BLOCKS, CompactNetwork
from training.network.paper import PaperNetwork
from training.network.prediction import FULL_RESOLUTION, CorrespondenceModule, Prediction, cell_grid
from training.recipes import Recipe

__all__ = [
    "BLOCKS",
    "FULL_RESOLUTION",
    "CorrespondenceModule",
    "Prediction",
    "cell_grid",
    "make_network",
    "recipe_network",
]


def make_network(
    architecture: str,
    width: float = 1.0,
    share_encoders: bool = False,
    template_image: torch.Tensor | None = None,
    resolution: tuple[int, int] = FULL_RESOLUTION,
    blocks: tuple[int, int, int] = BLOCKS,
) -> CorrespondenceModule:
    """A network with fresh weights.

    Args:
        architecture: ``compact`` or ``paper``.
        width: channel multiplier of ``compact``; ``paper`` has the figure's channels and takes 1 only.
        share_encoders: ``paper`` only: one encoder for both images, as in the paper's pre-training.
        template_image: ``paper`` only: (128, 128, 3) uint8 RGB, the constant target image; grey without.
        resolution: (pixels, cells) a side, of ``compact``; ``paper`` has that of the figure only.
        blocks: residual blocks at 16, 8 and 4 cells a side, of ``compact`` only.
    Raises:
        ValueError: unknown architecture, or a setting the architecture does not have.
    """
    if architecture == "compact":
        if share_encoders:
            raise ValueError("share_encoders is set, but 'compact' has one encoder; use it with 'paper'")
        return CompactNetwork(width, resolution, blocks)
    if architecture == "paper":
        if width != 1.0:
            raise ValueError(f"width is {width}, but 'paper' has the channels of the paper's figure; leave it at 1")
        if resolution != FULL_RESOLUTION:
            raise ValueError(f"resolution is {resolution}, but 'paper' has that of the paper's figure only")
        if blocks != BLOCKS:
            raise ValueError(f"blocks is {blocks}, but 'paper' has those of the paper's figure; leave it at {BLOCKS}")
        return PaperNetwork(share_encoders, template_image)
    raise ValueError(f"architecture is '{architecture}'; known are compact, paper")


def recipe_network(recipe: Recipe, template: Template | None = None) -> CorrespondenceModule:
    """The network of a recipe with fresh weights, raising as :func:`make_network`.

    Args:
        template: what the network maps to; ``paper`` takes its image. None: weights that will be loaded hold it.
    """
    image = torch.from_numpy(template.image) if template is not None and recipe.architecture == "paper" else None
    return make_network(
        recipe.architecture, recipe.width, recipe.share_encoders, image, recipe.resolution, recipe.blocks
    )
