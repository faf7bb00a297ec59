"""What every correspondence network takes and returns."""

from __future__ import annotations

from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn

from dense_face_ros.backends import CROP_SIZE

#: Middle and half width of the template, in template pixels: networks predict coordinates in about [-1, 1].
TEMPLATE_CENTRE = 0.5 * (CROP_SIZE - 1)
TEMPLATE_SCALE = 0.5 * CROP_SIZE


class Prediction(NamedTuple):
    """N predictions on h x w cells.

    Attributes:
        template: (N, 2, h, w) template pixel (u, v) of each cell.
        log_sigma: (N, h, w) log standard deviation of ``template`` per axis, in template pixels.
        logit: (N, h, w) log odds that the cell is matchable.
    """

    template: Tensor
    log_sigma: Tensor
    logit: Tensor


FULL_RESOLUTION = (CROP_SIZE, 64)  # pixels in and cells out, a side


class CorrespondenceModule(nn.Module):
    """A network from crops to :class:`Prediction`.

    Attributes:
        stride: side of a cell in crop pixels.
        coarse_parts: names of the parts that bear being computed in bytes; none where nobody tried.
    """

    stride: int
    coarse_parts: tuple[str, ...] = ()

    def forward(self, image: Tensor, target: Tensor | None = None) -> Prediction:
        """image: (N, 128, 128, 3) RGB, 0..255; target: a second image to map to, where the network has that input."""
        raise NotImplementedError

    def for_inference(self) -> nn.Module:
        """A copy in evaluation mode with everything constant folded: image -> :class:`Prediction`."""
        raise NotImplementedError


class _HasWeight(Protocol):
    weight: Tensor


def to_input(image: Tensor, first: nn.Module) -> Tensor:
    """(N, 128, 128, 3) RGB 0..255 -> (N, 3, 128, 128) in about [-1, 1], in the number type of layer ``first``."""
    kind = cast(_HasWeight, first).weight.dtype
    return (image.permute(0, 3, 1, 2).to(kind) - 127.5) * (1.0 / 64.0)


def cell_grid(cells: int) -> Tensor:
    """(2, cells, cells) crop pixel (u, v) that each cell of a square grid over the crop speaks for."""
    stride = CROP_SIZE / cells
    centre = (torch.arange(cells) + 0.5) * stride - 0.5
    v, u = torch.meshgrid(centre, centre, indexing="ij")
    return torch.stack([u, v])
