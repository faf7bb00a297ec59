"""What the network is asked for, and its loss: centres as a penalty-reduced heat map (CenterNet), boxes around them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from dense_face_ros.face_finder import INPUT_HEIGHT, INPUT_WIDTH, STRIDE
from training.face_finder.canvas import MadeImage
from training.face_finder.network import GEOMETRY_CHANNELS
from training.face_finder.photographs import FloatArray

_ROWS, _COLUMNS = INPUT_HEIGHT // STRIDE, INPUT_WIDTH // STRIDE
#: Cells whose heat is above this learn the box of the face they belong to.
_GEOMETRY_HEAT = 0.4


@dataclass(frozen=True)
class Targets:
    """Targets of a batch of N pictures.

    Attributes:
        heat: (N, 1, rows, columns), 1 in the cell of a face's centre and falling off around it.
        asked: (N, 1, rows, columns), 0 where either answer is right.
        geometry: (N, 6, rows, columns) as ``network.GEOMETRY_CHANNELS``.
        weight: (N, 1, rows, columns) of the geometry.
    """

    heat: Tensor
    asked: Tensor
    geometry: Tensor
    weight: Tensor


def cell_centres() -> tuple[FloatArray, FloatArray]:
    """(u, v), each (rows, columns): the input pixel in the middle of every cell."""
    v, u = np.mgrid[0:_ROWS, 0:_COLUMNS].astype(np.float32)
    return (u + 0.5) * STRIDE - 0.5, (v + 0.5) * STRIDE - 0.5


def targets_of(made: list[MadeImage]) -> Targets:
    """Targets of a batch; where faces overlap, each cell belongs to the one that is hottest there."""
    u, v = cell_centres()
    heat = np.zeros((len(made), 1, _ROWS, _COLUMNS), np.float32)
    asked = np.ones_like(heat)
    geometry = np.zeros((len(made), GEOMETRY_CHANNELS, _ROWS, _COLUMNS), np.float32)
    for n, image in enumerate(made):
        for box, roll, wanted in zip(image.boxes, image.rolls, image.wanted, strict=True):
            centre, extent = 0.5 * (box[:2] + box[2:]), box[2:] - box[:2]
            side = float(np.sqrt(extent[0] * extent[1]))
            spread = 0.5 * STRIDE + 0.06 * side
            row = int(np.clip(round((centre[1] + 0.5) / STRIDE - 0.5), 0, _ROWS - 1))
            column = int(np.clip(round((centre[0] + 0.5) / STRIDE - 0.5), 0, _COLUMNS - 1))
            near = np.exp(-((u - u[row, column]) ** 2 + (v - v[row, column]) ** 2) / (2 * spread**2))
            if not wanted:
                asked[n, 0][near > 0.1] = 0.0
                continue
            own = near > heat[n, 0]
            heat[n, 0] = np.maximum(heat[n, 0], near)
            here = np.stack(
                [
                    (centre[0] - u) / side,
                    (centre[1] - v) / side,
                    np.full_like(u, np.log(extent[0])),
                    np.full_like(u, np.log(extent[1])),
                    np.full_like(u, np.cos(roll)),
                    np.full_like(u, np.sin(roll)),
                ]
            )
            geometry[n] = np.where(own, here, geometry[n])
    asked[heat == 1.0] = 1.0
    weight = np.where(heat > _GEOMETRY_HEAT, heat, 0.0).astype(np.float32)
    return Targets(*(torch.from_numpy(a) for a in (heat, asked, geometry, weight)))


def loss(score: Tensor, geometry: Tensor, targets: Targets) -> tuple[Tensor, dict[str, float]]:
    """Total loss and its parts for logging; score holds logits."""
    log_p, log_q = functional.logsigmoid(score), functional.logsigmoid(-score)
    p = score.sigmoid()
    peak = (targets.heat == 1.0).float()
    focal = -peak * (1 - p) ** 2 * log_p - (1 - peak) * (1 - targets.heat) ** 4 * p**2 * log_q
    centre_loss = (focal * targets.asked).sum() / peak.sum().clamp(min=1.0)
    error = functional.smooth_l1_loss(geometry, targets.geometry, reduction="none", beta=0.05)
    per_channel = (error * targets.weight).sum(dim=(0, 2, 3)) / targets.weight.sum().clamp(min=1.0)
    box_loss = 2.0 * per_channel[:2].sum() + per_channel[2:4].sum()
    roll_loss = 2.0 * per_channel[4:].sum()
    parts = {"centre": centre_loss.item(), "box": box_loss.item(), "roll": roll_loss.item()}
    return centre_loss + 2.0 * box_loss + roll_loss, parts
