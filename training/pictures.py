"""A look at what a network predicts, for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dense_face_ros.backends import CROP_SIZE
from training.network import Prediction

_ROWS = 8


def prediction_picture(prediction: Prediction, batch: Mapping[str, Tensor]) -> npt.NDArray[np.uint8]:
    """One row per sample, at most eight: crop, predicted map, true map, predicted error; (H, W, 3) RGB.

    Maps show the template column in red and the row in green, black where not matchable, grey where unknown; errors
    are brighter the larger, white at 8 template pixels.
    """
    count = min(_ROWS, len(batch["image"]))
    prediction = Prediction(*(part[:count].detach().float().cpu() for part in prediction))
    image, truth, matchable = (batch[key][:count].cpu() for key in ("image", "template", "matchable"))
    predicted = _map_colours(prediction.template) * torch.sigmoid(prediction.logit)[..., None]
    known = _map_colours(truth.float()) * (matchable == 1)[..., None]
    true = torch.where((matchable > 1)[..., None], torch.full_like(known, 0.5), known)
    sigma = (prediction.log_sigma.exp() / 8.0).clamp(0.0, 1.0)[..., None].expand_as(true)
    columns = [image.float() / 255.0, *(_enlarge(part) for part in (predicted, true, sigma))]
    picture = torch.cat(columns, dim=2).reshape(-1, len(columns) * CROP_SIZE, 3)
    return np.asarray((picture * 255.0).round().clamp(0, 255).to(torch.uint8).numpy())


def _map_colours(template: Tensor) -> Tensor:
    """(N, 2, h, w) template pixels -> (N, h, w, 3) colours in [0, 1]."""
    u, v = torch.nan_to_num(template).div(CROP_SIZE - 1).clamp(0.0, 1.0).unbind(dim=1)
    return torch.stack([u, v, torch.full_like(u, 0.5)], dim=-1)


def _enlarge(cells: Tensor) -> Tensor:
    """(N, h, w, 3) -> (N, 128, 128, 3), every cell drawn as a square."""
    factor = CROP_SIZE // cells.shape[1]
    return cells.repeat_interleave(factor, dim=1).repeat_interleave(factor, dim=2)
