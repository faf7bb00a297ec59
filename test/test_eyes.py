"""Eye openness from the lids of the fitted shape."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.face_model import FaceModel

SEEN = np.ones(68)


def coefficients(model: FaceModel, **activations: float) -> np.ndarray:
    out = np.zeros(model.identity_size + model.expression_size)
    for name, value in activations.items():
        out[model.identity_size + model.expression_names.index(name)] = value
    return out


def test_the_neutral_face_has_open_eyes(shipped_model: FaceModel) -> None:
    assert EyeOpenness(shipped_model)(coefficients(shipped_model), SEEN) == pytest.approx((1.0, 1.0))


def test_each_eye_closes_by_its_own_blink(shipped_model: FaceModel) -> None:
    eyes = EyeOpenness(shipped_model)
    left, right = eyes(coefficients(shipped_model, eyeBlink_L=1.0), SEEN)
    assert left < 0.15
    assert right > 0.9
    left, right = eyes(coefficients(shipped_model, eyeBlink_R=1.0), SEEN)
    assert left > 0.9
    assert right < 0.15


def test_openness_falls_with_the_blink(shipped_model: FaceModel) -> None:
    eyes = EyeOpenness(shipped_model)
    values = [eyes(coefficients(shipped_model, eyeBlink_L=a), SEEN)[0] for a in np.linspace(0, 1, 6)]
    assert np.all(np.diff(values) < 0)


def test_narrow_eyes_are_not_half_closed(shipped_model: FaceModel) -> None:
    """Openness is relative to the person's own neutral eye."""
    identity = np.random.default_rng(0).standard_normal(shipped_model.identity_size)
    whole = np.concatenate([identity, np.zeros(shipped_model.expression_size)])
    assert EyeOpenness(shipped_model)(whole, SEEN) == pytest.approx((1.0, 1.0))


def test_an_eye_that_is_not_seen_is_unknown(shipped_model: FaceModel) -> None:
    hidden = SEEN.copy()
    hidden[36:42] = 0.1
    left, right = EyeOpenness(shipped_model)(coefficients(shipped_model), hidden)
    assert left == pytest.approx(1.0)
    assert np.isnan(right)
