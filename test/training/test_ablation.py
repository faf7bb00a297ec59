"""Short runs to compare: what is compared, and that nothing is done twice."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch

import training.ablation
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.ablation import VARIANTS, Ablation, Variant, for_budget
from training.checkpoint import save_checkpoint
from training.network import recipe_network
from training.network_cost import network_cost
from training.photographs.sources import learned_from
from training.recipes import RECIPES, Recipe
from training.train import CHECKPOINT

SMALL: dict[str, Any] = {"width": 0.25, "batch_size": 4, "precision": "32-true"}
TWO = (
    Variant("both", replace(RECIPES["best"], name="both", **SMALL)),
    Variant("another seed", replace(RECIPES["best"], name="seed", seed=2, **SMALL)),
)


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = {"parameters": 1, "multiply_adds": 2, "milliseconds": {"median": 3.0}}
    monkeypatch.setattr(training.ablation, "network_cost", lambda recipe, template: cost)


def ablation(data: Path, out: Path, images: int = 8) -> Ablation:
    return Ablation(data, data / "fits.npz", out, images, samples=2)


def test_variants_differ_from_best_in_what_is_compared_alone() -> None:
    best = asdict(RECIPES["best"])
    assert asdict(VARIANTS[0].recipe) == best
    allowed = {
        "name",
        "synthetic_share",
        "turned_share",
        "template_kind",
        "width",
        "resolution",
        "architecture",
        "blocks",
        "learning_rate",
        "seed",
    }
    for variant in VARIANTS[1:]:
        changed = {key for key, value in asdict(variant.recipe).items() if value != best[key]}
        assert {"name"} < changed <= allowed, variant
        assert variant.recipe.synthetic_share + variant.recipe.turned_share <= 1.0
    assert len({variant.recipe.name for variant in VARIANTS}) == len(VARIANTS)
    assert VARIANTS[-1].recipe.architecture == "paper", "the slowest comes last"


def test_the_budget_decides_steps_and_warm_up() -> None:
    best = RECIPES["best"]
    short, long = for_budget(best, 12_000), for_budget(best, 1_000_000)
    assert (short.steps, short.warmup_steps) == (375, 37)
    assert (long.steps, long.warmup_steps) == (31_250, best.warmup_steps)
    with pytest.raises(ValueError, match="--images is 31; one batch of recipe 'best' has 32"):
        for_budget(best, 31)


def test_a_stopped_run_goes_on_and_a_finished_one_is_kept(
    cheap: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = training.ablation.train
    with monkeypatch.context() as patch:
        patch.setattr(training.ablation, "train", lambda *args, **kwargs: train(*args, **{**kwargs, "steps": 1}))
        stopped, complete = ablation(data, tmp_path).run(TWO)
    assert not complete and all(variant["training"] is None for variant in stopped["variants"])
    assert (tmp_path / "both" / CHECKPOINT).is_file() and not (tmp_path / "both" / "result.json").exists()

    result, complete = ablation(data, tmp_path).run(TWO)
    first, second = result["variants"]
    assert complete and first["training"]["images"] == second["training"]["images"] == 8
    assert set(first["training"]["errors"]) == {"as_they_are", "turned", "renderings", "all"}
    assert first["width"] == 0.25 and second["multiply_adds"] == 2

    monkeypatch.setattr(training.ablation, "train", None)
    assert ablation(data, tmp_path).run(TWO) == (result, True)
    with pytest.raises(ValueError, match="other settings or other data; give --out another folder"):
        ablation(data, tmp_path, images=12).run(TWO)
    shutil.copy(data / "fits.npz", tmp_path / "other.npz")
    with pytest.raises(ValueError, match="other settings or other data; give --out another folder"):
        Ablation(data, tmp_path / "other.npz", tmp_path, 8, samples=2).run(TWO)


def test_weights_carry_the_terms_of_their_photographs(
    cheap: None, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: dict[str, tuple[str, str]] = {}

    def stopped(recipe: Recipe, data: Path, out: Path, *_: object, **__: object) -> None:
        learned[recipe.name] = recipe.training_data, recipe.licence
        shutil.copy(tmp_path / "any.pt", out / CHECKPOINT)

    save_checkpoint(tmp_path / "any.pt", {"step": 0, "recipe": {}, "template": {}, "average": {}})
    monkeypatch.setattr(training.ablation, "train", stopped)
    alone = replace(RECIPES["best"], name="renderings", synthetic_share=1.0, turned_share=0.0, **SMALL)
    for variant in (*TWO[:1], Variant("renderings", alone)):
        ablation(data, tmp_path / "runs").training(variant.recipe)
    assert learned == {"both": learned_from("collections", data), "renderings": learned_from("renderings", data)}
    assert "research use only" in learned["both"][1] != learned["renderings"][1]


def test_bad_input_is_one_line(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--data", str(data), "--fits", str(data / "fits.npz"), "--out", str(tmp_path), "--images", "3"]
    assert training.ablation.main(arguments) == 2
    error = capsys.readouterr().err
    assert "error: --images is 3" in error and error.count("\n") == 1


@pytest.mark.parametrize("width", [0.25, 0.5])
def test_cost_is_that_of_one_crop(shipped_model: FaceModel, width: float) -> None:
    """Multiply-adds as counted by hand: every output of a convolution takes as many as one filter has weights."""
    recipe = replace(RECIPES["best"], width=width)
    cost = network_cost(recipe, Template(shipped_model), runs=2, repeats=1)
    network = recipe_network(recipe).eval()
    assert cost["parameters"] == sum(weights.numel() for weights in network.parameters())
    assert cost["milliseconds"]["runs"] == 2 and cost["milliseconds"]["median"] > 0.0

    counted = 0

    def count(layer: torch.nn.Module, inputs: object, output: torch.Tensor) -> None:
        nonlocal counted
        counted += output.numel() * layer.weight[0].numel()

    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            layer.register_forward_hook(count)
    network(torch.zeros(1, 128, 128, 3, dtype=torch.uint8))
    assert cost["multiply_adds"] == pytest.approx(counted, rel=0.02)
