"""What a prediction costs: the paper's loss, and a likelihood that also teaches the network its own error.

Both work in template pixels and ignore cells marked unknown. Every batch is a mapping with ``template`` (N, 2, h, w)
template pixels, ``matchable`` (N, h, w) 1, 0 or 255 (unknown), and ``weight`` (N,).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from training.network.prediction import Prediction

UNKNOWN = 255

#: The paper's lambda, which it does not state: 0.1 nats of matchability are worth one pixel of flow. Near one pixel of
#: error the likelihood, scaled as below, changes by about one per pixel too, so both losses share it.
MATCHABILITY_WEIGHT = 10.0

# Plain likelihood lets the network give up on hard faces by calling them uncertain; scaling each cell by its own
# sigma to this power keeps them worth learning (Seitzer et al., "On the Pitfalls of Heteroscedastic Uncertainty
# Estimation", ICLR 2022).
_SIGMA_POWER = 0.5

#: A process's own count of cells -> what its sum over them is divided by (``training.processes.per_process``).
Divisor = Callable[[Tensor], Tensor]
Loss = Callable[[Prediction, Mapping[str, Tensor], Divisor], tuple[Tensor, dict[str, Tensor]]]


def own(count: Tensor) -> Tensor:
    """The divisor where one process has all samples."""
    return count


def paper_loss(
    prediction: Prediction, batch: Mapping[str, Tensor], divisor: Divisor = own
) -> tuple[Tensor, dict[str, Tensor]]:
    """Sec. 3.3: length of the flow error where matchable, plus lambda times cross-entropy; mean over known pixels.

    A third term fits ``log_sigma``, which the paper does not have, to the errors and leaves the flow alone.
    """
    matchable, known, error = _compare(prediction, batch)
    pixels = divisor(known.sum()).clamp(min=1.0)
    flow = (matchable * error).sum() / pixels
    crossing = (known * _cross_entropy(prediction, matchable)).sum() / pixels
    calibration = (matchable * _laplace(error.detach(), prediction.log_sigma)).sum() / pixels
    loss = flow + MATCHABILITY_WEIGHT * crossing + calibration
    return loss, {"flow": flow.detach(), "cross_entropy": crossing.detach(), **metrics(prediction, batch)}


def likelihood_loss(
    prediction: Prediction, batch: Mapping[str, Tensor], divisor: Divisor = own
) -> tuple[Tensor, dict[str, Tensor]]:
    """Negative log-likelihood of the coordinates under a 2-D Laplace density with the predicted sigma, plus the
    cross-entropy of matchability; the first is a mean over matchable cells, the second over known ones."""
    matchable, known, error = _compare(prediction, batch)
    surprise = _laplace(error, prediction.log_sigma)
    scaled = surprise * prediction.log_sigma.detach().mul(_SIGMA_POWER).exp()
    cells = divisor(matchable.sum()).clamp(min=1.0)
    coordinates = (matchable * scaled).sum() / cells
    crossing = (known * _cross_entropy(prediction, matchable)).sum() / divisor(known.sum()).clamp(min=1.0)
    loss = coordinates + MATCHABILITY_WEIGHT * crossing
    likelihood = (matchable * surprise).sum().detach() / cells
    return loss, {"nll": likelihood, "cross_entropy": crossing.detach(), **metrics(prediction, batch)}


LOSSES: dict[str, Loss] = {"paper": paper_loss, "likelihood": likelihood_loss}


@torch.no_grad()
def metrics(prediction: Prediction, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``epe`` and ``epe_median``: endpoint error on matchable cells in template pixels (NaN where there are none);
    ``iou``: overlap of predicted (probability > 0.5) and true matchable cells among the known ones."""
    known = batch["matchable"] != UNKNOWN
    true = batch["matchable"] == 1
    error = (prediction.template - batch["template"].float()).norm(dim=1)[true]
    said = (prediction.logit > 0) & known
    union = (said | true).sum()
    iou = (said & true).sum() / union.clamp(min=1) if union > 0 else torch.ones((), device=error.device)
    if not len(error):
        nothing = torch.full((), math.nan, device=error.device)
        return {"epe": nothing, "epe_median": nothing, "iou": iou}
    return {"epe": error.mean(), "epe_median": error.median(), "iou": iou}


def _compare(prediction: Prediction, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Weights (N, h, w) of matchable and of known cells, and the endpoint error there in template pixels."""
    weight = batch["weight"].float()[:, None, None]
    matchable = (batch["matchable"] == 1).float() * weight
    known = (batch["matchable"] != UNKNOWN).float() * weight
    # Cells that are not matchable may hold anything, not-a-number too, and must not reach the gradient.
    wanted = torch.where((batch["matchable"] == 1)[:, None], batch["template"].float(), prediction.template.detach())
    squared = (prediction.template - wanted).square().sum(dim=1)
    return matchable, known, (squared + 1e-6).sqrt()


def _laplace(error: Tensor, log_sigma: Tensor) -> Tensor:
    """-log of the isotropic 2-D Laplace density exp(-r / b) / (2 pi b^2), whose deviation per axis is sqrt(3) b."""
    return math.sqrt(3.0) * error * torch.exp(-log_sigma) + 2.0 * log_sigma + math.log(2.0 * math.pi / 3.0)


def _cross_entropy(prediction: Prediction, matchable: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(prediction.logit, (matchable > 0).float(), reduction="none")
