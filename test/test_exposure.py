"""Stretching of dark and pale crops."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dense_face_ros import FaceTracker
from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.exposure import CONTRAST, exposed
from dense_face_ros.geometry import Array, vector_from_rotation

Image = npt.NDArray[np.uint8]


def ramp(low: float, high: float, channels: int = 3) -> Image:
    """Grey values from ``low`` to ``high``, all of them everywhere in the crop."""
    values = np.linspace(low, high, CROP_SIZE * CROP_SIZE)
    shuffled = np.random.default_rng(0).permutation(values).reshape(CROP_SIZE, CROP_SIZE)
    return np.repeat(np.rint(shuffled).astype(np.uint8)[..., None], channels, axis=2).squeeze()


def contrast(crop: Image) -> float:
    low, high = np.percentile(crop, [2, 98])
    return float(high - low)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("low", "high"), [(0, 255), (20, 140), (100, 255)])
def test_what_is_lit_as_usual_is_left_alone(low: int, high: int, channels: int) -> None:
    crop = ramp(low, high, channels)
    assert exposed(crop) is crop


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("low", "high"), [(0, 12), (2, 60), (180, 205), (215, 250), (100, 130)])
def test_what_is_dark_or_pale_gets_contrast_and_loses_none_of_it(low: int, high: int, channels: int) -> None:
    crop = ramp(low, high, channels)
    before = crop.copy()
    out = exposed(crop)
    assert out.shape == crop.shape and out.dtype == np.uint8
    assert contrast(out) == pytest.approx(CONTRAST, abs=CONTRAST / (high - low) + 1)  # a grey value more or less
    inner = np.unique(crop)[1:-1]
    assert len({int(out[crop == value][0]) for value in inner}) == len(inner)
    np.testing.assert_array_equal(crop, before)


@given(st.integers(0, 255), st.integers(0, 255))
def test_order_of_grey_values_is_kept(a: int, b: int) -> None:
    low, high = sorted((a, b))
    crop = ramp(low, high)
    by_value = exposed(crop)[..., 0].ravel()[np.argsort(crop[..., 0], axis=None)]
    assert (np.diff(by_value.astype(int)) >= 0).all()


@pytest.mark.parametrize("low", [0, 60, 140])
def test_it_sets_in_gradually(low: int) -> None:
    """One grey value more contrast changes nothing by more than a few."""
    outs = [exposed(ramp(low, low + span)).astype(int) for span in range(60, int(CONTRAST) + 5)]
    steps = [np.abs(after - before).max() for before, after in zip(outs[:-1], outs[1:], strict=True)]
    assert max(steps, default=0) <= 6


def test_a_bright_window_behind_a_dark_face_does_not_hide_that_it_is_dark() -> None:
    crop = ramp(0, 20)
    v, u = np.mgrid[:CROP_SIZE, :CROP_SIZE] - 0.5 * (CROP_SIZE - 1)
    face = np.hypot(u, v) < 0.36 * CROP_SIZE
    crop[~face] = 230
    out = exposed(crop)
    assert contrast(out[face]) == pytest.approx(CONTRAST, abs=2)
    assert (out[~face] == 255).all()


@pytest.mark.parametrize("level", [0, 7, 255])
def test_an_even_crop_stays_even(level: int) -> None:
    out = exposed(np.full((CROP_SIZE, CROP_SIZE, 3), level, np.uint8))
    assert np.ptp(out) == 0


def turned_apart(a: Array, b: Array) -> float:
    """Degrees between two poses."""
    return float(np.degrees(np.linalg.norm(vector_from_rotation(a[:3, :3] @ b[:3, :3].T))))


@pytest.mark.parametrize(("gain", "offset"), [(0.03, 0.0), (0.1, 180.0)], ids=["night", "haze"])
def test_a_dark_or_pale_head_is_told_as_a_lit_one(
    tracker: FaceTracker, clip: list[Image], gain: float, offset: float
) -> None:
    lit = [tracker.update(image, i / 30.0) for i, image in enumerate(clip)]
    tracker.reset()
    rng = np.random.default_rng(0)
    apart = []
    for i, image in enumerate(clip):
        seen = np.clip(np.rint(image * gain + offset + rng.normal(0.0, 0.7, image.shape)), 0, 255).astype(np.uint8)
        apart.append(turned_apart(tracker.update(seen, i / 30.0).pose_raw, lit[i].pose_raw))
    assert np.median(apart) < 1.5


@pytest.mark.parametrize("channels", [1, 3])
def test_the_black_beyond_the_edge_of_the_image_is_no_contrast(channels: int) -> None:
    crop, shown = ramp(130, 150, channels), np.ones((CROP_SIZE // 2, CROP_SIZE // 2), np.uint8)
    crop[:50] = 0
    shown[:25] = 0
    assert exposed(crop) is crop, "the black taken for a part of the picture"
    assert contrast(exposed(crop, shown)[50:]) == pytest.approx(CONTRAST, abs=7)
    shown[:] = 0
    assert exposed(crop, shown) is crop, "there is nothing to stretch"


@pytest.mark.parametrize("edge", ["top", "left"])
def test_a_pale_head_cut_by_the_edge_of_the_image_is_told_as_a_clear_one(
    tracker: FaceTracker, clip: list[Image], edge: str
) -> None:
    whole = tracker.fit(clip[0]).landmarks_2d
    low, high = whole.min(axis=0), whole.max(axis=0)
    u, v = (low + 0.08 * (high - low)).astype(int) * ((0, 1) if edge == "top" else (1, 0))
    image, box = clip[0][v:, u:], np.concatenate([low, high]) - [u, v, u, v]
    pale = np.rint(140.0 + 0.1 * (image.astype(float) - 128.0)).astype(np.uint8)
    clear, told = (tracker.fit(np.ascontiguousarray(picture), box) for picture in (image, pale))
    assert turned_apart(told.pose, clear.pose) < 2.5
