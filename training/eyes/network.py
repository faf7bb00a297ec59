"""The eyelid network: eight convolutions and two dense layers on a 32 x 48 patch and the direction it is seen from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dense_face_ros.eyes import PATCH_HEIGHT, PATCH_WIDTH


class EyelidNetwork(nn.Module):
    """(N, 32, 48) patches, 0..255, (N, 3) directions -> openness (N,), and log odds (N,) that the eye can be seen."""

    def __init__(self) -> None:
        super().__init__()
        # The gap between half-shut lids is a pixel or two: it is looked at before the resolution is halved.
        self.features = nn.Sequential(
            *_convolution(1, 16, stride=1), *_level(16, 24), *_level(24, 48), *_level(48, 64),
            nn.Conv2d(64, 48, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        cells = (PATCH_HEIGHT // 8) * (PATCH_WIDTH // 8)
        self.view = nn.Sequential(nn.Linear(3, 16), nn.ReLU())
        self.answer = nn.Sequential(nn.Linear(48 * cells + 16, 96), nn.ReLU(), nn.Dropout(0.2), nn.Linear(96, 2))

    def forward(self, patches: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        x = patches[:, None].float()
        # Each patch in units of its own contrast: neither exposure nor infrared light says how open an eye is.
        mean = x.mean((2, 3), keepdim=True)
        spread = ((x - mean).square().mean((2, 3), keepdim=True) + 16.0).sqrt()
        seen = self.features((x - mean) / spread).flatten(1)
        out = self.answer(torch.cat([seen, self.view(directions)], dim=1))
        return out[:, 0], out[:, 1]


def _level(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """A convolution to half the resolution, and one more there."""
    return *_convolution(inputs, outputs, stride=2), *_convolution(outputs, outputs, stride=1)


def _convolution(inputs: int, outputs: int, stride: int) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


class Deployed(nn.Module):
    """(N, 32, 48) uint8 and (N, 3) -> openness (N,), visible (N,) probability."""

    def __init__(self, network: EyelidNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, patches: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
        openness, logit = self.network(patches, directions)
        return openness, torch.sigmoid(logit)
