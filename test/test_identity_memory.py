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
    memory = IdentityMemory(2.0, 1.0)
    assert memory.prior is None
    memory.learn(posterior(1.0, 4.0), 0.1)
    memory.forget()
    assert memory.prior is None


def test_after_a_whole_look_the_prior_is_the_posterior() -> None:
    memory, known = IdentityMemory(1e12, 1.0), posterior(1.5, 4.0)
    memory.learn(known, 1.0)
    np.testing.assert_allclose(memory.prior.mean, known.mean)
    np.testing.assert_allclose(memory.prior.information, known.information)


def test_what_was_measured_fades_to_the_population() -> None:
    memory = IdentityMemory(2.0, 1.0)
    memory.learn(posterior(1.5, 4.0), 2.0)
    expected = posterior(1.5, 4.0 * np.exp(-1.0))
    np.testing.assert_allclose(memory.prior.mean, expected.mean)
    np.testing.assert_allclose(memory.prior.information, expected.information)
    memory.learn(posterior(1.5, 4.0), 1000.0)
    np.testing.assert_allclose(memory.prior.mean, 0.0, atol=1e-12)
    np.testing.assert_allclose(memory.prior.information, np.eye(3))


def test_what_was_known_before_any_frame_does_not_fade() -> None:
    person = IdentityPrior(np.array([1.0, 0.0, 0.0]), np.diag([50.0, 1.0, 1.0]))
    memory = IdentityMemory(2.0, 1.0, person)
    assert memory.prior is person
    seen = IdentityPrior(np.full(3, 1.5), person.information + 4.0 * np.eye(3))
    memory.learn(seen, 2.0)
    told = np.exp(-1.0) * (seen.information @ seen.mean - person.information @ person.mean)
    information = person.information + 4.0 * np.exp(-1.0) * np.eye(3)
    np.testing.assert_allclose(memory.prior.information, information)
    np.testing.assert_allclose(memory.prior.mean, (person.information @ person.mean + told) / np.diag(information))
    memory.learn(seen, 1000.0)
    np.testing.assert_allclose(memory.prior.mean, person.mean, atol=1e-12)
    memory.forget()
    assert memory.prior is person


def settled(rate: float, look: float) -> IdentityPrior:
    """The memory after a minute of frames that each say 1.5 with information 4, fitted with the memory's prior."""
    memory = IdentityMemory(10.0, look)
    for _ in range(round(60 * rate)):
        prior = memory.prior or IdentityPrior(np.zeros(3), np.eye(3))
        information = prior.information + 4.0 * np.eye(3)
        mean = np.linalg.solve(information, prior.information @ prior.mean + 4.0 * 1.5)
        memory.learn(IdentityPrior(mean, information), 1.0 / rate)
    return memory.prior


@pytest.mark.parametrize("look", [1.0, 4.0])
def test_the_memory_is_as_sure_as_its_looks_at_every_frame_rate(look: float) -> None:
    told = 4.0 * 10.0 / look
    for rate in (10.0, 30.0, 60.0):
        known = settled(rate, look)
        np.testing.assert_allclose(known.information, (1.0 + told) * np.eye(3), rtol=0.02)
        np.testing.assert_allclose(known.mean, 1.5 * told / (1.0 + told), rtol=0.01)


@pytest.mark.parametrize(("name", "times"), [("time_constant", (0.0, 1.0)), ("look", (1.0, -1.0))])
def test_times_that_are_none_are_refused(name: str, times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=f"identity {name} is"):
        IdentityMemory(*times)


def test_a_face_model_of_one_person_has_nothing_to_learn() -> None:
    memory = IdentityMemory(2.0, 1.0)
    memory.learn(IdentityPrior(np.zeros(0), np.zeros((0, 0))), 0.1)
    assert memory.prior is None
