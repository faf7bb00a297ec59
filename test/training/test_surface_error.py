"""Errors in millimetres on the mean face: known ones, and the same for every template."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from painted_face import agreement

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import KINDS, Template
from training.loss import UNKNOWN
from training.network import CorrespondenceModule, Prediction
from training.surface_error import comparable_samples, surface_errors


class Answer(CorrespondenceModule):
    """Answers what it was made with."""

    def __init__(self, template: torch.Tensor, logit: torch.Tensor) -> None:
        super().__init__()
        self.answer = Prediction(template, torch.zeros_like(logit), logit)

    def forward(self, image: torch.Tensor, target: torch.Tensor | None = None) -> Prediction:
        return self.answer


def drawn_vertices(template: Template) -> np.ndarray:
    """Of triangles that the template shows."""
    return np.unique(template.model.triangles[np.unique(template.triangle[template.triangle >= 0])])


@pytest.mark.parametrize("kind", KINDS)
def test_mistaken_vertices_are_as_far_off_as_they_are_apart(small_model: FaceModel, kind: str) -> None:
    """16 cells show one vertex each, and the network says another one."""
    template = Template(small_model, kind)
    common = np.intersect1d(*(drawn_vertices(Template(small_model, k)) for k in KINDS))
    # Vertices at the edge of what is drawn may lie in a pixel of nothing.
    inner = common[np.linalg.norm(small_model.mean[common, 1:], axis=1) < 0.05]
    true, said = np.random.default_rng(0).permutation(inner)[:32].reshape(2, 16)
    grids = [torch.from_numpy(template.coordinates[v].T.reshape(1, 2, 4, 4)) for v in (true, said)]
    batch = {"image": torch.zeros(1), "template": grids[0], "matchable": torch.ones(1, 4, 4, dtype=torch.uint8)}
    batch["compared"] = batch["matchable"] == 1
    errors = surface_errors(Answer(grids[1], torch.ones(1, 4, 4)), template, {"some": [batch]})
    apart = 1e3 * np.linalg.norm(small_model.mean[true] - small_model.mean[said], axis=1)
    assert errors["some"]["mean_mm"] == pytest.approx(apart.mean(), rel=0.01)
    assert errors["some"]["median_mm"] == pytest.approx(np.median(apart), rel=0.01)
    assert errors["all"] == errors["some"]


def test_overlap_leaves_unknown_cells_out_and_pools_the_samples(small_model: FaceModel) -> None:
    template = Template(small_model)
    flat = torch.full((1, 2, 1, 4), 64.0)

    def batch(*matchable: int) -> dict[str, torch.Tensor]:
        mask = torch.tensor([[matchable]])
        return {"image": torch.zeros(1), "template": flat, "matchable": mask, "compared": mask == 1}

    network = Answer(flat, torch.tensor([[[1.0, 1.0, -1.0, 1.0]]]))
    errors = surface_errors(network, template, {"a": [batch(1, 0, 1, UNKNOWN)], "b": [batch(1, 1, 0, 1)]})
    assert errors["a"]["overlap"] == pytest.approx(1 / 3) and errors["b"]["overlap"] == 1.0
    assert errors["all"] == {"mean_mm": 0.0, "median_mm": 0.0, "overlap": pytest.approx(4 / 6)}


def test_every_template_is_validated_on_the_same_pictures(data: Path, shipped_model: FaceModel) -> None:
    templates = {kind: Template(shipped_model, kind) for kind in KINDS}
    samples = comparable_samples(templates, data, data / "fits.npz", 2, 1, 2)
    cylindrical, frontal = samples["cylindrical"], samples["frontal"]
    assert list(cylindrical) == ["as_they_are", "turned", "renderings"]
    for kind, batches in cylindrical.items():
        assert sum(len(batch["image"]) for batch in batches) == 2
        for one, other in zip(batches, frontal[kind], strict=True):
            assert torch.equal(one["image"], other["image"]), kind
            assert not torch.equal(one["template"], other["template"]), kind
            both = (one["matchable"] == 1) & (other["matchable"] == 1)
            assert torch.equal(one["compared"], both) and torch.equal(other["compared"], both) and both.any(), kind
    plain = {name: values[0].numpy() for name, values in cylindrical["as_they_are"][0].items()}
    assert agreement(plain) > 0.95
