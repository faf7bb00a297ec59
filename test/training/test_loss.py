import math

import pytest
import torch

from training.loss import LOSSES, UNKNOWN, likelihood_loss, paper_loss
from training.network import Prediction


def exact(count: int = 2, cells: int = 4) -> tuple[Prediction, dict[str, torch.Tensor]]:
    """A batch and the prediction that gets it right; the left half is matchable."""
    template = torch.rand(count, 2, cells, cells, generator=torch.Generator().manual_seed(0)) * 127
    matchable = torch.zeros(count, cells, cells, dtype=torch.uint8)
    matchable[:, :, : cells // 2] = 1
    logit = torch.where(matchable == 1, 20.0, -20.0)
    batch = {"template": template, "matchable": matchable, "weight": torch.ones(count)}
    return Prediction(template.clone(), torch.zeros(count, cells, cells), logit), batch


def test_paper_loss_of_one_shifted_map():
    prediction, batch = exact()
    shifted = prediction._replace(template=prediction.template + torch.tensor([3.0, 4.0])[None, :, None, None])
    _, report = paper_loss(shifted, batch)
    assert report["flow"] == pytest.approx(5.0 / 2)  # a mean over all pixels, of which half are matchable
    assert report["epe"] == pytest.approx(5.0)
    assert report["epe_median"] == pytest.approx(5.0)


def test_paper_loss_weighs_cross_entropy_by_lambda():
    prediction, batch = exact()
    unsure = prediction._replace(logit=torch.zeros_like(prediction.logit))
    difference = paper_loss(unsure, batch)[0] - paper_loss(prediction, batch)[0]
    assert difference == pytest.approx(10.0 * math.log(2.0), rel=1e-5)


def test_papers_flow_learns_nothing_from_sigma():
    prediction, batch = exact()
    gradients = []
    for log_sigma in (0.0, 2.0):
        template = (prediction.template + 3.0).requires_grad_()
        loss, _ = paper_loss(
            Prediction(template, torch.full_like(prediction.logit, log_sigma), prediction.logit), batch
        )
        loss.backward()
        gradients.append(template.grad)
    torch.testing.assert_close(gradients[0], gradients[1])


def test_likelihood_is_least_at_the_true_deviation():
    """Errors drawn from the density itself: the best constant sigma is their deviation per axis."""
    generator = torch.Generator().manual_seed(1)
    cells, sigma = 400, 2.5
    # A 2-D Laplace radius is Gamma(2) of scale sigma / sqrt(3).
    uniform = torch.rand(2, cells, cells, generator=generator).clamp(min=1e-9)
    radius = -uniform.log().sum(dim=0) * sigma / math.sqrt(3.0)
    angle = torch.rand(cells, cells, generator=generator) * 2 * math.pi
    error = radius * torch.stack([angle.cos(), angle.sin()])
    assert error.std() == pytest.approx(sigma, rel=0.02)
    batch = {
        "template": torch.zeros(1, 2, cells, cells),
        "matchable": torch.ones(1, cells, cells, dtype=torch.uint8),
        "weight": torch.ones(1),
    }

    def surprise(value: float) -> float:
        log_sigma = torch.full((1, cells, cells), math.log(value))
        return float(likelihood_loss(Prediction(error[None], log_sigma, torch.zeros(1, cells, cells)), batch)[1]["nll"])

    assert surprise(sigma) < min(surprise(0.9 * sigma), surprise(1.1 * sigma))


def test_calling_hard_cells_uncertain_gains_nothing_beyond_the_true_deviation():
    prediction, batch = exact()
    error = torch.tensor([3.0, 4.0])
    log_sigma = torch.full_like(prediction.logit, math.log(math.sqrt(3.0) * 5.0 / 2.0)).requires_grad_()
    off = prediction.template + error[None, :, None, None]
    likelihood_loss(Prediction(off, log_sigma, prediction.logit), batch)[0].backward()
    assert log_sigma.grad.abs().max() < 1e-6


@pytest.mark.parametrize("name", LOSSES)
def test_unknown_and_unmatchable_cells_teach_nothing(name):
    prediction, batch = exact()
    batch["matchable"][0, 0, 0] = UNKNOWN
    batch["template"][0, :, 0, 0] = math.nan
    batch["template"][:, :, :, 2:] = math.nan
    parts = Prediction(*(part.clone().requires_grad_() for part in prediction))
    loss, report = LOSSES[name](parts, batch)
    loss.backward()
    assert loss.isfinite()
    assert report["epe"] == pytest.approx(0.0) and report["iou"] == pytest.approx(1.0)
    assert parts.template.grad[:, :, :, 2:].abs().max() == 0
    assert parts.logit.grad[0, 0, 0] == 0 and parts.template.grad[0, :, 0, 0].abs().max() == 0


@pytest.mark.parametrize("name", LOSSES)
def test_a_sample_without_weight_changes_nothing(name):
    prediction, batch = exact()
    alone = LOSSES[name](Prediction(*(part[:1] for part in prediction)), {k: v[:1] for k, v in batch.items()})[0]
    batch["weight"][1] = 0.0
    wrong = prediction._replace(template=prediction.template * torch.tensor([1.0, 0.0])[:, None, None, None])
    assert LOSSES[name](wrong, batch)[0] == pytest.approx(float(alone), abs=1e-6)


def test_iou_counts_false_and_missed_cells():
    prediction, batch = exact(count=1, cells=4)
    logit = torch.full((1, 4, 4), -1.0)
    logit[:, :, 1:3] = 1.0  # one column right, one false, one missed
    assert likelihood_loss(prediction._replace(logit=logit), batch)[1]["iou"] == pytest.approx(1 / 3)


def test_a_batch_without_matchable_cells_has_no_endpoint_error():
    prediction, batch = exact()
    batch["matchable"].zero_()
    loss, report = likelihood_loss(prediction, batch)
    assert math.isfinite(loss) and math.isnan(report["epe"])
    silent = prediction._replace(logit=torch.full_like(prediction.logit, -20.0))
    assert likelihood_loss(silent, batch)[1]["iou"] == 1.0, "nothing was to be said"
