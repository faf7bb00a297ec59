"""What a network's errors make of the pose of a head: the first Gauss-Newton step of Eq. 3 away from the truth.

An error that changes from cell to cell costs a fit nothing; one that the whole face shares turns the head, and the
length of the flow error cannot tell the two apart. With r the crop pixels by which a prediction misplaces its cells, J
the derivatives of their places by pose, identity and expression at the true head, W the weights and P the prior of
:mod:`dense_face_ros.alignment`, a fit without the outline is off by

    (share J' W J + P)^-1 share J' W r,

which is linear in r: its first rows can be learned from. So can the difference that a blink, an open mouth or a turn of
the camera makes to them, small as it is beside what the head as a whole is off by: a driver's track shows nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dense_face_ros.alignment import AlignmentSettings, model_prior
from dense_face_ros.correspondence import CorrespondenceSettings
from dense_face_ros.energy import MEDIAN_OF_NORM, FitState
from dense_face_ros.template import Template
from training.head_view import SURFACE_SIDE, SurfaceMaps
from training.loss import Divisor, own
from training.network.prediction import Prediction

_DISTANCE_DEGREES = 50.0  # as many degrees of turn cost as much as a distance that is wrong by all of it
_MOVED_SHARE = 0.5  # of what is asked of the head as a whole
_ROUNDED = 0.05  # square of the cost below which it is a parabola
_CELLS = 256  # drawn of a head, anew for each call
_FEWEST = 40  # matchable cells; heads of fewer are left out
_MOST_SQUARED = 100.0


class PoseError:
    """See the module's description. Batches hold :meth:`training.head_view.SurfaceMaps.arrays` beside the targets, and
    ``repeats``, (N,) 1 where a sample is the one before it but for what should not matter, else 0."""

    def __init__(self, template: Template) -> None:
        model, settings = template.model, AlignmentSettings()
        self._size = template.size
        self._basis = torch.from_numpy(SurfaceMaps(template).laid_out(model.basis))
        coefficients = np.zeros(model.identity_size + model.expression_size)
        prior = np.zeros((6 + len(coefficients),) * 2)
        average = FitState(np.eye(3), np.zeros(3), coefficients)
        model_prior(model, settings).add_to(prior, np.zeros(len(prior)), average)
        self._prior = torch.from_numpy(prior.astype(np.float32))
        self._share, self._kernel = settings.independent_share, settings.kernel**2
        self._min_sigma = CorrespondenceSettings().min_sigma

    def cost(
        self, prediction: Prediction, batch: Mapping[str, Tensor], divisor: Divisor = own
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean of the turn, degrees, and half the error of the distance, percent, and a share of what they are between
        repeated heads. Also, as they are: ``turned``, degrees, ``farther``, share of the distance, and ``moved``, the
        turn between repeated heads, degrees; not told where no process has such, as in validation. Where a head is
        across the image is never in doubt."""
        off, seen = self(prediction, batch)
        weight = batch["weight"].float() * seen
        heads = divisor(weight.sum()).clamp(min=1e-6)
        repeats = _repeats(batch)[1:] * torch.minimum(weight[1:], weight[:-1])
        twins = divisor(repeats.sum())
        repeated = twins.clamp(min=1e-6)
        about_head = (batch["rotation"].transpose(1, 2) @ off[:, 3:, None])[:, :, 0]
        told = torch.cat([off[:, :3], about_head], dim=1)  # comparable where the camera was turned
        change = told[1:] - told[:-1]
        cost = (weight * _length(off)).sum() / heads + _MOVED_SHARE * (repeats * _length(change)).sum() / repeated
        with torch.no_grad():
            turned = (weight * off[:, 3:].norm(dim=1)).sum() / heads
            farther = (weight * off[:, 2].abs()).sum() / heads
            told_of = {"turned": turned.rad2deg(), "farther": farther}
            if twins > 0:  # the same in all processes, which average what they report
                moved = (repeats * change[:, 3:].norm(dim=1)).sum() / repeated
                told_of["moved"] = moved.rad2deg()
        return cost, told_of

    def __call__(self, prediction: Prediction, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """(N, 6): translation over the head's distance, and rotation vector (radians) about the camera's axes through
        the middle of the face, by which a fit would be off; and whether enough of each head is seen to say so, (N,)."""
        true = batch["matchable"].flatten(1) == 1
        cells = torch.multinomial(true.float() + 1e-12, _CELLS, replacement=True)
        # The same ones of a head that is shown again: else chance would look like a movement.
        cells = cells[torch.arange(len(cells), device=cells.device) - _repeats(batch)]
        with torch.autocast(cells.device.type, enabled=False):
            said = _take(prediction.template, cells)
            wanted = torch.nan_to_num(_take(batch["template"], cells))
            true_places = self._surface(wanted, batch)
            # Not from the cell itself: what the map's squares round off would turn a head that is told without error.
            missed = self._seen(true_places, batch) - self._seen(self._surface(said, batch), batch)
            sigma = prediction.log_sigma.detach().flatten(1).gather(1, cells).float().exp().clamp(min=self._min_sigma)
            with torch.no_grad():
                weight = self._weights(missed, sigma, true.gather(1, cells))
                gain = self._gain(true_places, self._shape(wanted), weight, batch)
            off = (gain @ missed.flatten(1)[:, :, None])[:, :, 0]
        return off, true.sum(dim=1) >= _FEWEST

    def _surface(self, template: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Template pixels (N, n, 2) -> camera-frame points (N, n, 3)."""
        # What is no number is the likelihood's to tell; torch crashes where it differentiates this there.
        place = torch.nan_to_num((template + 0.5) * (2.0 / self._size) - 1.0)
        found = F.grid_sample(batch["surface"], place[:, :, None], padding_mode="border", align_corners=False)
        return found[..., 0].transpose(1, 2)

    def _shape(self, template: Tensor) -> Tensor:
        """Template pixels (N, n, 2) -> (N, n, 3, P) displacement in the head frame per unit of each coefficient."""
        place = ((template + 0.5) * (SURFACE_SIDE / self._size)).floor().long().clamp(0, SURFACE_SIDE - 1)
        self._basis = self._basis.to(template.device)
        return self._basis[place[..., 1] * SURFACE_SIDE + place[..., 0]]

    @staticmethod
    def _seen(points: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """Camera-frame points (N, n, 3) -> crop pixels (N, n, 2)."""
        focal, centre = batch["camera"][:, None, :1], batch["camera"][:, None, 1:]
        return points[..., :2] / points[..., 2:] * focal + centre

    def _weights(self, missed: Tensor, sigma: Tensor, matchable: Tensor) -> Tensor:
        """(N, n): share / (s sigma)^2 times the robust kernel's weight; 0 where not ``matchable``."""
        squared = missed.square().sum(dim=2) / sigma.square()
        middle = squared.masked_fill(~matchable, math.nan).nanmedian(dim=1, keepdim=True).values
        noise = (middle / MEDIAN_OF_NORM**2).nan_to_num(1.0).clamp(min=1.0)
        robust = (self._kernel / (self._kernel + (squared / noise).clamp(max=_MOST_SQUARED))).square()
        return self._share * robust / (noise * sigma.square()) * matchable

    def _gain(self, points: Tensor, shape: Tensor, weight: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
        """(N, 6, 2 n): the pose's rows of (share J' W J + P)^-1 share J' W."""
        middle = batch["surface"].flatten(2).mean(dim=2)
        across = batch["camera"][:, :1] / points[..., 2]
        ray = points[..., :2] / points[..., 2:]
        none = torch.zeros_like(across)
        per_metre = torch.stack(
            [
                torch.stack([across, none, -ray[..., 0] * across], dim=2),
                torch.stack([none, across, -ray[..., 1] * across], dim=2),
            ],
            dim=2,
        )
        x, y, z = (points - middle[:, None]).unbind(dim=2)
        per_radian = torch.stack([none, z, -y, -z, none, x, y, -x, none], dim=2).reshape(*x.shape, 3, 3)
        blocks = [
            per_metre * middle[:, None, None, 2:],
            per_metre @ per_radian,
            (per_metre @ batch["rotation"][:, None]) @ shape,
        ]
        jacobian = torch.cat(blocks, dim=3).flatten(1, 2)
        weighted = (jacobian * weight.repeat_interleave(2, dim=1)[:, :, None]).transpose(1, 2)
        self._prior = self._prior.to(points.device)
        matrix = weighted @ jacobian + self._prior
        # Single precision, and heads of which nothing is seen.
        matrix.diagonal(dim1=1, dim2=2).mul_(1.0 + 1e-5).add_(1e-4)
        pose = torch.eye(matrix.shape[1], 6, device=matrix.device).expand(len(matrix), -1, -1)
        factor = torch.linalg.cholesky_ex(matrix).L  # no numbers where there is none, and no error
        return torch.cholesky_solve(pose, factor).transpose(1, 2) @ weighted


def _length(off: Tensor) -> Tensor:
    """Cost (N,) of pose errors (N, 6)."""
    turn, distance = math.degrees(1.0) * off[:, 3:], _DISTANCE_DEGREES * off[:, 2]
    return (turn.square().sum(dim=1) + _ROUNDED).sqrt() + (distance.square() + _ROUNDED).sqrt()


def _repeats(batch: Mapping[str, Tensor]) -> Tensor:
    """``repeats`` (N,), 0 for the first sample, whose head was shown by another batch."""
    repeats = batch["repeats"].long().clone()
    repeats[0] = 0
    return repeats


def _take(maps: Tensor, cells: Tensor) -> Tensor:
    """Values (N, n, C) of maps (N, C, h, w) at flat cell indices (N, n)."""
    return maps.flatten(2).gather(2, cells[:, None].expand(-1, maps.shape[1], -1)).transpose(1, 2).float()
