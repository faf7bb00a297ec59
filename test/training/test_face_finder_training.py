"""The schedule of the finder's training."""

from __future__ import annotations

import numpy as np
import pytest

from training.face_finder.train import learning_rate


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = [learning_rate(1.0, step, step / 2000) for step in range(2001)]

    assert rates[0] < 0.01
    assert max(rates) == pytest.approx(1.0, abs=0.02)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    assert np.all(np.diff(rates[200:]) < 0)


def test_a_longer_run_goes_on_with_a_higher_rate() -> None:
    assert learning_rate(1.0, 5000, 60 / 90) > learning_rate(1.0, 5000, 60 / 61)
