"""``compact``: one light encoder-decoder on 64 x 64 cells, made for one CPU thread.

Plain 3 x 3 convolutions, which CPUs run near their peak both in training and in inference; depthwise ones do not. The
resolution falls quickly, so that most layers work on 16 x 16 cells and below, where every cell sees the whole face.
At 8 x 8 and 4 x 4 two layers mix positions directly, for context that does not depend on the path through the
convolutions. Skip connections bring back the detail.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dense_face_ros.backends import CROP_SIZE
from training.network.prediction import (
    FULL_RESOLUTION,
    TEMPLATE_CENTRE,
    TEMPLATE_SCALE,
    CorrespondenceModule,
    Prediction,
    to_input,
)

_CHANNELS = (16, 32, 64, 96, 128)  # at 64, 32, 16, 8 and 4 cells a side
BLOCKS = (1, 2, 2)  #: residual blocks at 16, 8 and 4 cells a side
_LOG_SIGMA_RANGE = (-3.0, 5.0)
_FIRST_LOG_SIGMA = 2.5


class CompactNetwork(CorrespondenceModule):
    """See the module's description.

    Args:
        width: multiplies the channels (rounded to 16s: a CPU's vector).
        blocks: residual blocks at 16, 8 and 4 cells a side. Fresh ones change nothing: a deeper network that is given a
            shallower one's weights computes what that one does.
        resolution: (pixels, cells) a side. The crop is first averaged down to 64 pixels where that is less than it has;
            with 32 cells the finest level is left out.
    """

    def __init__(
        self,
        width: float = 1.0,
        resolution: tuple[int, int] = FULL_RESOLUTION,
        blocks: tuple[int, int, int] = BLOCKS,
    ) -> None:
        super().__init__()
        if width <= 0:
            raise ValueError(f"width is {width}; give a positive channel multiplier")
        pixels, cells = resolution
        if pixels not in (64, CROP_SIZE) or cells not in (32, 64):
            raise ValueError(f"resolution is {resolution}; known are 64 or {CROP_SIZE} pixels, 32 or 64 cells")
        self.stride = CROP_SIZE // cells
        self.shrink = CROP_SIZE // pixels
        channels = [16 * max(1, round(c * width / 16)) for c in _CHANNELS]
        self.stages = nn.ModuleList()
        for i, (c, count) in enumerate(zip(channels, (0, 0, *blocks), strict=True)):
            before = channels[i - 1] if i else 3
            self.stages.append(
                nn.Sequential(
                    ConvNorm(before, c, stride=2 if i else pixels // 64), *(_Residual(c) for _ in range(count))
                )
            )
        self.refine = ConvNorm(channels[1], channels[1])
        self.context = nn.ModuleList([_PositionMixing(channels[3], 8), _PositionMixing(channels[4], 4)])
        finest = 0 if cells == 64 else 1
        self.joins = nn.ModuleList(_Join(channels[i], channels[i - 1]) for i in range(len(channels) - 1, finest, -1))
        # All but the level of the output, whose rounding nothing would smooth: 9 % of the multiplications.
        self.coarse_parts = ("stages", "refine", *(f"joins.{i}" for i in range(len(self.joins) - 1)))
        self.head = nn.Conv2d(channels[finest], 4, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor([0.0, 0.0, _FIRST_LOG_SIGMA, 0.0]))  # type: ignore[union-attr]

    def forward(self, image: Tensor, target: Tensor | None = None) -> Prediction:
        """image: (N, 128, 128, 3) RGB, 0..255. This network knows its template by heart: no ``target``."""
        if target is not None:
            raise ValueError("'compact' maps to one fixed template; a target image needs architecture 'paper'")
        x = to_input(image, self.head)
        if self.shrink > 1:
            x = F.avg_pool2d(x, self.shrink)
        levels = []
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i == 1:
                x = self.refine(x)
            elif i >= 3:
                x = self.context[i - 3](x)
            levels.append(x)
        x = levels.pop()
        for join in self.joins:
            x = join(x, levels.pop())
        # Half precision would round the coordinates to a quarter of a pixel: the last layer keeps its full one.
        with torch.autocast(x.device.type, enabled=False):
            out = self.head(x.to(self.head.weight.dtype)).float()
        return Prediction(out[:, :2] * TEMPLATE_SCALE + TEMPLATE_CENTRE, out[:, 2].clamp(*_LOG_SIGMA_RANGE), out[:, 3])

    def deeper_than(self, weights: Iterable[str]) -> tuple[str, ...]:
        """The residual blocks that are not among ``weights``, the names of another network's: how their names begin."""
        there = {".".join(name.split(".")[:3]) for name in weights}
        blocks = (name for name, module in self.named_modules() if isinstance(module, _Residual))
        return tuple(f"{name}." for name in blocks if name not in there)

    def for_inference(self) -> nn.Module:
        """A copy with the normalisations folded into the convolutions."""
        folded = copy.deepcopy(self).eval().requires_grad_(False)
        for module in folded.modules():
            if isinstance(module, ConvNorm):
                module.fold()
        return folded


class ConvNorm(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, active: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        self.norm: nn.Module = nn.BatchNorm2d(outputs)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.conv(x))
        return F.relu(out, inplace=True) if self.active else out

    def fold(self) -> None:
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels)
        self.second = ConvNorm(channels, channels, active=False)
        nn.init.zeros_(self.second.norm.weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class _PositionMixing(nn.Module):
    """Every cell sees every other one: two linear layers over the cells of a square map, the same for each channel."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.channels, self.side = channels, side
        cells = side * side
        self.spread = nn.Linear(cells, 64)
        self.gather = nn.Linear(64, cells)
        nn.init.zeros_(self.gather.weight)
        nn.init.zeros_(self.gather.bias)

    def forward(self, x: Tensor) -> Tensor:
        cells = x.reshape(-1, self.channels, self.side * self.side)
        mixed = self.gather(F.relu(self.spread(cells)))
        out: Tensor = x + mixed.reshape(-1, self.channels, self.side, self.side)
        return out


class _Join(nn.Module):
    """Doubles a coarse map, adds the encoder's finer one, and smooths the sum."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.project = ConvNorm(coarse, fine, size=1, active=False)
        self.smooth = ConvNorm(fine, fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        doubled = F.interpolate(self.project(coarse), scale_factor=2.0, mode="nearest")
        out: Tensor = self.smooth(F.relu(doubled + fine))
        return out
