"""Exponential moving average of a network's weights: smoother than the last step, and what gets exported."""

from __future__ import annotations

import copy
from itertools import chain

import torch
from torch import nn


class MovingAverage:
    """A second copy of a network that follows the first.

    The first steps count for more than ``decay`` says, so that the random start is forgotten quickly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the network after ``step`` steps."""
        decay = min(self.decay, (1.0 + step) / (10.0 + step))
        pairs = chain(
            zip(self.network.parameters(), network.parameters(), strict=True),
            zip(self.network.buffers(), network.buffers(), strict=True),
        )
        floats = []
        for mine, theirs in pairs:
            if mine.is_floating_point():
                floats.append((mine, theirs))
            else:
                mine.copy_(theirs)
        torch._foreach_lerp_([a for a, _ in floats], [b for _, b in floats], 1.0 - decay)
