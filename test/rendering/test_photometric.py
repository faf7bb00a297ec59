from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from training.rendering import photometric
from training.rendering.photometric import PhotometricSettings, augment

EFFECTS = [field.name for field in dataclasses.fields(PhotometricSettings)]
NEVER = PhotometricSettings(**dict.fromkeys(EFFECTS, 0.0))


@pytest.fixture
def picture() -> np.ndarray:
    v, u = np.mgrid[0:128, 0:128]
    return np.stack([u * 2, v * 2, 128 + 60 * np.sin(u / 1.5) * np.sin(v / 2)], -1).astype(np.uint8)


@pytest.mark.parametrize("name", EFFECTS)
def test_each_effect_alone_changes_the_picture_and_nothing_else(name: str, picture: np.ndarray) -> None:
    before = picture.copy()
    changed = augment(picture, np.random.default_rng(4), dataclasses.replace(NEVER, **{name: 1.0}))
    assert changed.shape == picture.shape and changed.dtype == np.uint8
    assert np.abs(changed.astype(int) - before).mean() > 0.2
    assert changed.std() > 5  # there is still a picture
    np.testing.assert_array_equal(picture, before)


def test_grey_and_infrared_exclude_each_other(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    for name in ("grey", "infrared"):
        monkeypatch.setattr(photometric, name, lambda image, rng, name=name: seen.append(name) or image)
    settings = dataclasses.replace(NEVER, grey=0.3, infrared=0.2)
    for seed in range(1000):
        augment(picture, np.random.default_rng(seed), settings)
    shares = [seen.count(name) / 1000 for name in ("grey", "infrared")]
    assert shares == pytest.approx([0.3, 0.2], abs=0.05)


def test_without_effects_the_picture_is_copied(picture: np.ndarray) -> None:
    out = augment(picture, np.random.default_rng(0), NEVER)
    np.testing.assert_array_equal(out, picture)
    assert not np.shares_memory(out, picture)


def test_the_same_generator_state_gives_the_same_picture(picture: np.ndarray) -> None:
    for seed in range(10):
        first, second = (augment(picture, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, second)
    assert (augment(picture, np.random.default_rng(0)) != augment(picture, np.random.default_rng(1))).any()


@pytest.mark.parametrize("name", ["grey", "infrared"])
def test_monochrome_looks_have_equal_channels(name: str, picture: np.ndarray) -> None:
    out = getattr(photometric, name)(picture, np.random.default_rng(2)).astype(int)
    assert np.ptp(out, axis=2).max() <= 1


def test_geometry_is_kept(picture: np.ndarray) -> None:
    """No effect moves the picture: a bright square stays where it was."""
    square = np.full((128, 128, 3), 40, np.uint8)
    square[40:60, 70:90] = 220
    for seed in range(12):
        for name in ("defocus", "motion", "small", "jpeg"):
            out = getattr(photometric, name)(square, np.random.default_rng(seed)).mean(axis=2) - 40.0
            weight = np.where(out > 25, out, 0.0)
            centre = [(weight * axis).sum() / weight.sum() for axis in np.mgrid[0:128, 0:128]]
            np.testing.assert_allclose(centre, [49.5, 79.5], atol=0.8)


def test_wrong_pictures_are_named(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="float64"):
        augment(picture.astype(float), np.random.default_rng(0))
    with pytest.raises(ValueError, match="128, 64"):
        augment(picture[:, :64], np.random.default_rng(0))
