"""The finder's network: a light pyramid that says, per 8-pixel cell, whether a face is centred there, and its box."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

#: Channels of the geometry map: offset of the centre from the cell (u, v) in box sides, log width and log height
#: in pixels of the input, cosine and sine of the roll.
GEOMETRY_CHANNELS = 6


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class InvertedBottleneck(nn.Module):
    """1x1 expand, 3x3 depthwise, 1x1 project; a residual where the shape allows it."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.body = nn.Sequential(
            _conv(inputs, hidden, 1),
            _conv(hidden, hidden, 3, stride, hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x)
        return x + out if self.residual else out


def _stage(inputs: int, outputs: int, blocks: int, expansion: int) -> nn.Sequential:
    first = InvertedBottleneck(inputs, outputs, 2, expansion)
    return nn.Sequential(first, *(InvertedBottleneck(outputs, outputs, 1, expansion) for _ in range(blocks - 1)))


class FinderNetwork(nn.Module):
    """Grey picture (N, 1, H, W) of 0..255 -> score logits (N, 1, H/8, W/8), geometry (N, 6, H/8, W/8); 32 divides H, W.

    The picture is brought to zero mean and unit spread first: dark, infrared and daylight pictures look alike then.
    """

    def __init__(
        self, stem: tuple[int, int] = (16, 32), channels: tuple[int, int, int] = (56, 72, 104), head: int = 48
    ) -> None:
        super().__init__()
        eighth, sixteenth, coarse = channels
        # Plain convolutions at high resolution: expanding there costs memory traffic and finds no more.
        self.to_eighth = nn.Sequential(
            _conv(1, stem[0], 3, 2),
            _conv(stem[0], stem[1], 3, 2),
            _conv(stem[1], eighth, 3, 2),
            InvertedBottleneck(eighth, eighth, 1, 2),
            InvertedBottleneck(eighth, eighth, 1, 2),
        )
        self.to_sixteenth = _stage(eighth, sixteenth, 3, 3)
        self.to_coarse = _stage(sixteenth, coarse, 3, 3)
        self.coarse_lateral = nn.Conv2d(coarse, sixteenth, 1)
        self.merge = InvertedBottleneck(sixteenth, sixteenth, 1, 2)
        self.sixteenth_lateral = nn.Conv2d(sixteenth, head, 1)
        self.eighth_lateral = nn.Conv2d(eighth, head, 1)
        self.head = nn.Sequential(_conv(head, head, 3, groups=head), _conv(head, 64, 1))
        self.score = nn.Conv2d(64, 1, 1)
        self.geometry = nn.Conv2d(64, GEOMETRY_CHANNELS, 1)
        if self.score.bias is not None:
            nn.init.constant_(self.score.bias, -4.0)  # hardly any cell holds a face

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        centred = image - image.mean(dim=(2, 3), keepdim=True)
        spread = torch.sqrt((centred * centred).mean(dim=(2, 3), keepdim=True))
        eighth = self.to_eighth(centred / (spread + 4.0))
        sixteenth = self.to_sixteenth(eighth)
        coarse = self.to_coarse(sixteenth)
        sixteenth = self.merge(sixteenth + functional.interpolate(self.coarse_lateral(coarse), scale_factor=2.0))
        fine = self.eighth_lateral(eighth) + functional.interpolate(self.sixteenth_lateral(sixteenth), scale_factor=2.0)
        out = self.head(fine)
        return self.score(out), self.geometry(out)
