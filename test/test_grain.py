"""The noise of a picture, told from the picture alone."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.grain import grain

SMOOTH = 128.0 + np.subtract.outer(np.arange(CROP_SIZE), np.arange(CROP_SIZE))


@pytest.mark.parametrize("sigma", [2.0, 6.0, 12.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_white_noise_is_measured(sigma: float, channels: int) -> None:
    noise = np.random.default_rng(0).normal(0.0, sigma, SMOOTH.shape)
    crop = np.rint(SMOOTH + noise).clip(0, 255).astype(np.uint8)
    crop = crop if channels == 1 else np.repeat(crop[..., None], 3, axis=2)
    assert grain(crop) == pytest.approx(np.hypot(sigma, 12.0**-0.5), rel=0.03)  # rounding is noise too


def test_shading_and_straight_edges_are_no_noise() -> None:
    edge = SMOOTH.copy()
    edge[:, : CROP_SIZE // 2] -= 60.0
    for clean in (SMOOTH, edge):
        assert grain(clean.clip(0, 255).astype(np.uint8)) < 0.01


def test_what_lies_around_the_face_does_not_count() -> None:
    crop = SMOOTH.astype(np.uint8)
    crop[:, : CROP_SIZE // 8] = np.random.default_rng(0).integers(0, 256, (CROP_SIZE, CROP_SIZE // 8))
    assert grain(crop) < 0.01
