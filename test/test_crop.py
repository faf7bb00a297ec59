"""Windows on an image: where they say that their pixels are from, they are."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.crop import Crop
from dense_face_ros.geometry import roll_on_screen, rotation_from_yaw_pitch_roll


@pytest.mark.parametrize("roll", [-0.6, 0.0, 0.6])
def test_a_crop_turned_by_the_roll_on_screen_shows_the_head_upright(roll: float) -> None:
    rotation = rotation_from_yaw_pitch_roll([0.4, 0.0, roll])
    crop = Crop((100.0, 100.0), 100.0, roll_on_screen(rotation))
    up = crop.from_image(np.array([100.0, 100.0]) + rotation[:2, 2]) - crop.from_image(np.array([100.0, 100.0]))
    assert up[0] == pytest.approx(0.0, abs=1e-9) and up[1] < 0


def test_a_crop_of_the_same_size_is_the_image_itself() -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    np.testing.assert_array_equal(Crop((31.5, 31.5), 64.0, 0.0, 64).cut(image), image)


@pytest.mark.parametrize(("side", "angle"), [(40.0, 0.0), (128.0, 0.4), (300.0, -0.6), (512.0, 0.2), (900.0, 0.0)])
def test_what_a_crop_shows_is_where_it_says(side: float, angle: float) -> None:
    """Half-pixel exact at any scale and turn: a smooth ramp is resampled to its own coordinates."""
    v, u = np.mgrid[0:400, 0:500]
    slope = 0.46  # grey levels per pixel
    image = np.stack([u * slope + 20, v * slope + 20, np.full(u.shape, 99)], axis=-1).round().astype(np.uint8)
    crop = Crop((250.0, 200.0), side, angle)
    seen = crop.cut(image).astype(float)
    cells = np.stack(np.meshgrid(np.arange(128), np.arange(128)), axis=-1)
    where = crop.to_image(cells)
    inner = ((where > 8) & (where < (490, 390))).all(axis=-1)
    assert inner.sum() > 500
    error = (seen[..., :2] - 20) / slope - where
    rounding = 0.25 / slope * max(0, int(np.log2(side / 128)))  # each halving brightens by a quarter of a grey level
    allowed = 0.3 * max(1.0, side / 128)
    assert np.abs(error[inner].mean(axis=0) - rounding).max() < allowed, "0.3 pixels of the coarser grid"
    np.testing.assert_allclose(crop.from_image(where), cells, atol=1e-9)


def test_crop_angle_turns_a_tilted_head_upright() -> None:
    crop = Crop((100.0, 100.0), 100.0, np.radians(30.0))
    up = crop.to_image(np.array([63.5, 0.0])) - crop.to_image(np.array([63.5, 63.5]))
    assert up[0] > 0 and up[1] < 0, "the crop's top lies to the right: clockwise on the screen"


def test_a_box_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="x1 > x0"):
        Crop.around_box((10, 10, 5, 20), 1.5)
    with pytest.raises(ValueError, match=r"box has shape \(3,\); it must be four numbers"):
        Crop.around_box((1, 2, 3), 1.5)


def test_the_crop_around_a_box_has_its_middle_and_the_side_of_a_square_as_large() -> None:
    crop = Crop.around_box((10.0, 20.0, 50.0, 110.0), 1.5, 64)
    assert (crop.centre, crop.side, crop.angle, crop.size) == ((30.0, 65.0), pytest.approx(1.5 * 60.0), 0.0, 64)


def test_what_is_finer_than_the_crop_is_averaged_and_not_picked_at_random() -> None:
    noise = np.random.default_rng(0).integers(0, 2, (1024, 1024)).astype(np.uint8) * 200
    cut = Crop((511.5, 511.5), 1024.0).cut(noise)
    assert cut.std() == pytest.approx(100.0 / 8.0, rel=0.1), "of eight by eight pixels"
    assert cut.mean() == pytest.approx(100.0, abs=2.0)
