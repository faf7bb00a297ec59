"""What is remembered of a person, and how it fades."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.energy import IdentityPrior
from dense_face_ros.identity_memory import IdentityMemory


def posterior(value: float, strength: float) -> IdentityPrior:
    """N(0, 1) after a measurement of ``value`` with information ``strength`` in three modes."""
    return IdentityPrior(np.full(3, value * strength / (1 + strength)), (1 + strength) * np.eye(3))


def test_nothing_is_known_at_first_and_after_forgetting() -> None:
    memory = IdentityMemory(2.0)
    assert memory.prior is None
    memory.learn(posterior(1.0, 4.0), 0.1)
    memory.forget()
    assert memory.prior is None


def test_without_passing_time_the_prior_is_the_posterior() -> None:
    memory, known = IdentityMemory(2.0), posterior(1.5, 4.0)
    memory.learn(known, 0.0)
    np.testing.assert_allclose(memory.prior.mean, known.mean)
    np.testing.assert_allclose(memory.prior.information, known.information)


def test_what_was_measured_fades_to_the_population() -> None:
    memory = IdentityMemory(2.0)
    memory.learn(posterior(1.5, 4.0), 2.0)
    expected = posterior(1.5, 4.0 * np.exp(-1.0))
    np.testing.assert_allclose(memory.prior.mean, expected.mean)
    np.testing.assert_allclose(memory.prior.information, expected.information)
    memory.learn(posterior(1.5, 4.0), 1000.0)
    np.testing.assert_allclose(memory.prior.mean, 0.0, atol=1e-12)
    np.testing.assert_allclose(memory.prior.information, np.eye(3))


def test_a_time_constant_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"time_constant is 0\.0"):
        IdentityMemory(0.0)
