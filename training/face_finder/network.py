"""The finder's network: a light pyramid that says, per 8-pixel cell, whether a face is centred there, and its box.

Plain 3x3 convolutions throughout: with bfloat16 on a CPU a picture is learned from in about a third of the time that
depthwise ones of half the cost take, and what a network of few hours knows is limited by the pictures it saw.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels of the geometry map: offset of the centre from the cell (u, v) in box sides, log width and log height
#: in pixels of the input, cosine and sine of the roll.
GEOMETRY_CHANNELS = 6


def _conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels, channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.body(x))


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    """Half the resolution, then blocks."""
    return nn.Sequential(_conv(inputs, outputs, stride=2), *(ResidualBlock(outputs) for _ in range(blocks)))


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0)


class FinderNetwork(nn.Module):
    """Grey picture (N, 1, H, W) of 0..255 -> score logits (N, 1, H/8, W/8), geometry (N, 6, H/8, W/8); 64 divides H, W.

    The picture is brought to zero mean and unit spread first: dark, infrared and daylight pictures look alike then.
    Cells of 64 pixels are needed for faces that fill the picture.
    """

    def __init__(
        self, stem: tuple[int, int] = (16, 32), channels: tuple[int, int, int, int] = (56, 80, 112, 112), head: int = 56
    ) -> None:
        super().__init__()
        eighth, sixteenth, thirtysecond, coarsest = channels
        self.to_eighth = nn.Sequential(_conv(1, stem[0], stride=2), _conv(*stem, stride=2), _stage(stem[1], eighth, 1))
        self.to_sixteenth = _stage(eighth, sixteenth, 2)
        self.to_thirtysecond = _stage(sixteenth, thirtysecond, 2)
        self.to_coarsest = _stage(thirtysecond, coarsest, 1)
        self.coarsest_lateral = nn.Conv2d(coarsest, thirtysecond, 1)
        self.thirtysecond_lateral = nn.Conv2d(thirtysecond, sixteenth, 1)
        self.merge = _conv(sixteenth, sixteenth)
        self.sixteenth_lateral = nn.Conv2d(sixteenth, head, 1)
        self.eighth_lateral = nn.Conv2d(eighth, head, 1)
        self.head = _conv(head, head)
        self.score = nn.Conv2d(head, 1, 1)
        self.geometry = nn.Conv2d(head, GEOMETRY_CHANNELS, 1)
        if self.score.bias is not None:
            nn.init.constant_(self.score.bias, -4.0)  # hardly any cell holds a face

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        centred = image - image.mean(dim=(2, 3), keepdim=True)
        spread = torch.sqrt((centred * centred).mean(dim=(2, 3), keepdim=True))
        eighth = self.to_eighth(centred / (spread + 4.0))
        sixteenth = self.to_sixteenth(eighth)
        thirtysecond = self.to_thirtysecond(sixteenth)
        coarse = thirtysecond + _doubled(self.coarsest_lateral(self.to_coarsest(thirtysecond)))
        merged = self.merge(sixteenth + _doubled(self.thirtysecond_lateral(functional.relu(coarse))))
        out = self.head(self.eighth_lateral(eighth) + _doubled(self.sixteenth_lateral(merged)))
        return self.score(out), self.geometry(out)
