import numpy as np
import pytest
import torch

from training.network import cell_grid, make_network
from training.network.compact import CompactNetwork
from training.network.paper import PaperNetwork


def images(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (count, 128, 128, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def disturb_normalisation(network: torch.nn.Module) -> None:
    """Statistics and scales as after some training, so that folding them has something to do."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0.0, 0.3, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
            module.weight.data.uniform_(0.3, 1.0, generator=generator)


def test_cell_grid_names_the_pixel_between_the_four_of_a_cell():
    grid = cell_grid(64)
    assert grid[:, 0, 0].tolist() == [0.5, 0.5]
    assert grid[:, 2, 5].tolist() == [10.5, 4.5]  # u follows the column, v the row


def test_compact_predicts_on_64_cells():
    prediction = make_network("compact", width=0.5).eval()(images(2))
    assert prediction.template.shape == (2, 2, 64, 64)
    assert prediction.log_sigma.shape == prediction.logit.shape == (2, 64, 64)


def test_compact_folded_for_inference_gives_the_same():
    network = make_network("compact", width=0.5).eval()
    disturb_normalisation(network)
    folded = network.for_inference()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    for a, b in zip(network(images(2)), folded(images(2)), strict=True):
        torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-4)


def test_every_compact_output_sees_the_whole_crop():
    network = make_network("compact", width=0.5).eval()
    for mixing in network.context:  # starts at zero, and would hide what it passes on
        torch.nn.init.normal_(mixing.gather.weight, std=0.1)
    image = images(1).float().requires_grad_()
    network(image).template[0, 0, 0, 0].backward()
    assert image.grad is not None and image.grad[0, 120:, 120:].abs().max() > 0


@pytest.mark.parametrize(("resolution", "cells"), [((64, 64), 64), ((128, 32), 32), ((64, 32), 32)])
def test_compact_at_other_resolutions(resolution, cells):
    network = make_network("compact", width=0.5, resolution=resolution).eval()
    assert network.stride == 128 // cells
    prediction = network(images(1))
    assert prediction.template.shape == (1, 2, cells, cells) and prediction.logit.shape == (1, cells, cells)
    whole, averaged = images(1), images(1).float()
    for row in (0, 1):
        for column in (0, 1):
            averaged[:, row::2, column::2] = whole.float().unfold(1, 2, 2).unfold(2, 2, 2).mean(dim=(-1, -2))
    seen_alike = torch.allclose(network(averaged).template, prediction.template, atol=1e-3)
    assert seen_alike is (resolution[0] == 64), "64 pixels a side are means of four"


def test_fresh_blocks_of_a_deeper_compact_change_nothing_and_learn():
    shallow = make_network("compact", width=0.5).eval()
    disturb_normalisation(shallow)
    deep = make_network("compact", width=0.5, blocks=(1, 4, 3)).eval()
    fresh = deep.deeper_than(shallow.state_dict())
    assert fresh == ("stages.3.3.", "stages.3.4.", "stages.4.3.")
    missing = deep.load_state_dict(shallow.state_dict(), strict=False).missing_keys
    assert missing and all(key.startswith(fresh) for key in missing)
    for a, b in zip(shallow(images(2)), deep(images(2)), strict=True):
        torch.testing.assert_close(b, a, atol=0.0, rtol=0.0)
    deep.train()(images(2)).template.square().mean().backward()
    learning = [p for name, p in deep.named_parameters() if name.endswith("3.3.second.norm.weight")]
    assert learning and all(p.grad.abs().max() > 0 for p in learning)


def test_compact_has_no_target():
    with pytest.raises(ValueError, match="target"):
        CompactNetwork()(images(1), images(1))


def test_paper_has_the_figures_shapes():
    network = PaperNetwork()
    encoder = [tuple(m.weight.shape[:2]) for m in network.source_encoder if isinstance(m, torch.nn.Conv2d)]
    assert encoder == [(16, 3), (32, 16), (32, 32), (64, 32), (64, 64), (128, 64), (128, 128), (256, 128)]
    assert network.source_encoder(torch.zeros(1, 3, 128, 128)).shape == (1, 256, 8, 8)
    assert sum(isinstance(m, torch.nn.ConvTranspose2d) for m in network.flow_decoder) == 4
    prediction = network(images(1))
    assert prediction.template.shape == (1, 2, 128, 128)
    assert prediction.logit.shape == (1, 128, 128)


def test_paper_folds_its_target_branch():
    template_image = images(1, seed=9)[0]
    network = make_network("paper", template_image=template_image).eval()
    folded = network.for_inference()
    given = network(images(2), template_image.expand(2, -1, -1, -1))
    for constant, a, b in zip(network(images(2)), given, folded(images(2)), strict=True):
        torch.testing.assert_close(constant, a, atol=1e-3, rtol=1e-4)
        torch.testing.assert_close(constant, b, atol=1e-3, rtol=1e-4)
    weights = sum(p.numel() for p in network.parameters())
    assert sum(p.numel() for p in folded.parameters()) < weights - 2_000_000


def test_shared_encoders_part_as_copies():
    shared = make_network("paper", share_encoders=True)
    assert shared.target_encoder is shared.source_encoder
    parted = make_network("paper")
    parted.load_state_dict(shared.state_dict())
    a, b = parted.source_encoder[0].weight, parted.target_encoder[0].weight
    assert a is not b and torch.equal(a, b)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"architecture": "tiny"}, "architecture is 'tiny'"),
        ({"architecture": "paper", "width": 0.5}, "width is 0.5"),
        ({"architecture": "compact", "width": -1.0}, "width is -1.0"),
        ({"architecture": "compact", "share_encoders": True}, "share_encoders"),
        ({"architecture": "compact", "resolution": (96, 64)}, r"resolution is \(96, 64\); known are 64 or 128 pixels"),
        ({"architecture": "paper", "resolution": (64, 64)}, r"resolution is \(64, 64\), but 'paper'"),
        ({"architecture": "paper", "blocks": (1, 3, 2)}, r"blocks is \(1, 3, 2\), but 'paper'"),
    ],
)
def test_wrong_settings_are_named(settings, word):
    with pytest.raises(ValueError, match=word):
        make_network(**settings)


def test_input_range_is_that_of_images():
    network = make_network("compact", width=0.5).eval()
    as_bytes = images(1)
    for a, b in zip(network(as_bytes), network(as_bytes.float()), strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())
