"""How far on the face a network's correspondences are off, in a unit that does not depend on the template.

Template pixels of different kinds of template cannot be compared. Here both the predicted and the true template pixel
become points of the mean face's surface, and their distance is in millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Subset

from dense_face_ros.template import Template
from training.data import Mixture, SampleMaker, ValidationSet
from training.loader import Batch, first_samples
from training.loss import UNKNOWN
from training.network import CorrespondenceModule
from training.photographs.heads import PhotographHeads
from training.rendered import FixedHeads

_BATCH = 32


def comparable_samples(
    templates: Mapping[str, Template], data: Path, fits: Path, count: int, seed: int, stride: int
) -> dict[str, dict[str, list[Batch]]]:
    """Fixed samples that no training saw, ``count`` of each kind and of the same pictures for every template.

    Returns:
        Per template batches of ``as_they_are`` and ``turned``, photographs of people never trained on, and of
        ``renderings``. Their ``compared`` (N, h, w) bool are the cells that are matchable in all templates: one that
        leaves out the sides of the face would seem better otherwise.
    """
    samples = {name: _samples(template, data, fits, count, seed, stride) for name, template in templates.items()}
    for kind in next(iter(samples.values())):
        for batches in zip(*(of_template[kind] for of_template in samples.values()), strict=True):
            common = torch.stack([batch["matchable"] == 1 for batch in batches]).all(dim=0)
            for batch in batches:
                batch["compared"] = common
    return samples


def _samples(template: Template, data: Path, fits: Path, count: int, seed: int, stride: int) -> dict[str, list[Batch]]:
    heads = PhotographHeads(data, fits, template.model, validation=True)
    photographs = ValidationSet(SampleMaker(heads, data, template, Mixture(), stride), heads, seed)
    kinds = {
        "as_they_are": Subset(photographs, range(0, len(photographs), 2)),
        "turned": Subset(photographs, range(1, len(photographs), 2)),
        "renderings": FixedHeads(template, count, seed, stride),
    }
    return {kind: first_samples(samples, count, min(_BATCH, count)) for kind, samples in kinds.items()}


def surface_errors(
    network: CorrespondenceModule, template: Template, samples: Mapping[str, list[Batch]]
) -> dict[str, dict[str, float]]:
    """Per kind of sample, and over ``all``: ``mean_mm`` and ``median_mm``, the distance in millimetres between the
    predicted and the true point on the mean face over all ``compared`` cells, and ``overlap``, intersection over union
    of predicted and true matchable cells among the known ones, over all samples at once."""
    distances: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, npt.NDArray[np.int64]] = {}
    for kind, batches in samples.items():
        found = [_of_batch(network, template, batch) for batch in batches]
        distances[kind] = np.concatenate([distance for distance, _ in found])
        counts[kind] = np.sum([count for _, count in found], axis=0)
    distances["all"] = np.concatenate(list(distances.values()))
    counts["all"] = np.sum(list(counts.values()), axis=0)
    return {
        kind: {
            "mean_mm": float(distances[kind].mean()),
            "median_mm": float(np.median(distances[kind])),
            "overlap": float(counts[kind][0] / counts[kind][1]),
        }
        for kind in distances
    }


def _of_batch(
    network: CorrespondenceModule, template: Template, batch: Batch
) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """Distances (n,) in millimetres, and sizes of the masks' intersection and union."""
    with torch.inference_mode():
        prediction = network(batch["image"])
    true, known = batch["matchable"] == 1, batch["matchable"] != UNKNOWN
    said = (prediction.logit > 0) & known
    at, wanted = (
        _on_mean_face(template, pixels.float().permute(0, 2, 3, 1)[batch["compared"]].numpy())
        for pixels in (prediction.template, batch["template"])
    )
    return 1e3 * np.linalg.norm(at - wanted, axis=1), (int((said & true).sum()), int((said | true).sum()))


def _on_mean_face(template: Template, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Template pixels (N, 2) -> points (N, 3) of the mean face, metres."""
    points, _ = template.surface_points(pixels)
    return np.asarray(template.model.at(points, template.model.mean), dtype=np.float64)
