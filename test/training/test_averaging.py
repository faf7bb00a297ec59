import pytest
import torch

from training.averaging import MovingAverage


def test_early_steps_count_more_than_decay_says():
    layer = torch.nn.Linear(1, 1)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    average = MovingAverage(layer, decay=0.999)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    average.update(layer, step=1)
    assert float(average.network.weight) == pytest.approx(9 / 11)
    average.update(layer, step=100_000)
    assert float(average.network.weight) == pytest.approx(9 / 11 * 0.999 + 0.001)


def test_normalisation_statistics_follow_and_counters_are_copied():
    norm = torch.nn.BatchNorm2d(2)
    average = MovingAverage(norm, decay=0.9)
    norm(torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(0)) + 5.0)
    average.update(norm, step=1)
    expected = norm.running_mean * 9 / 11
    torch.testing.assert_close(average.network.running_mean, expected)
    assert average.network.num_batches_tracked == 1
    assert not average.network.training
