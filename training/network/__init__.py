"""The correspondence networks (paper Sec. 3.3), by name: ``paper`` is Fig. 3, ``compact`` the one for the car."""

from __future__ import annotations

import torch

from training.network.compact import CompactNetwork
from training.network.paper import PaperNetwork
from training.network.prediction import CorrespondenceModule, Prediction, cell_grid

__all__ = ["ARCHITECTURES", "CorrespondenceModule", "Prediction", "cell_grid", "make_network"]

ARCHITECTURES: dict[str, type[CorrespondenceModule]] = {"paper": PaperNetwork, "compact": CompactNetwork}


def make_network(
    architecture: str,
    width: float = 1.0,
    share_encoders: bool = False,
    template_image: torch.Tensor | None = None,
) -> CorrespondenceModule:
    """A network with fresh weights.

    Args:
        architecture: a key of ``ARCHITECTURES``.
        width: channel multiplier of ``compact``; ``paper`` has the figure's channels and takes 1 only.
        share_encoders: ``paper`` only: one encoder for both images, as in the paper's pre-training.
        template_image: ``paper`` only: (128, 128, 3) uint8 RGB, the constant target image; grey without.
    Raises:
        ValueError: unknown architecture, or a setting the architecture does not have.
    """
    if architecture == "compact":
        if share_encoders:
            raise ValueError("share_encoders is set, but 'compact' has one encoder; use it with 'paper'")
        return CompactNetwork(width)
    if architecture == "paper":
        if width != 1.0:
            raise ValueError(f"width is {width}, but 'paper' has the channels of the paper's figure; leave it at 1")
        return PaperNetwork(share_encoders, template_image)
    raise ValueError(f"architecture is '{architecture}'; known are {', '.join(sorted(ARCHITECTURES))}")
