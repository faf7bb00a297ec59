"""A camera that is turned towards a face: its map, its pixels, its place."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.crop import Crop
from dense_face_ros.facing_view import FacingView, TooFarAside
from dense_face_ros.geometry import PinholeCamera, rotation_from_vector

PINHOLE = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)
FLAT = PinholeCamera(600.0, 480.0, 319.5, 239.5, 640, 480)  # pixels that are not square
LENS = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480, "plumb_bob", (-0.3, 0.1, 0.001, 0.0, 0.0))
FISHEYE = PinholeCamera(330.0, 330.0, 319.5, 239.5, 640, 480, "equidistant", (0.01, 0.0, 0.0, 0.0))
CAMERAS = (PINHOLE, FLAT, LENS, FISHEYE)
CROP = Crop((520.0, 110.0), 160.0, 0.3)
CENTRE = np.full(2, 63.5)


@pytest.mark.parametrize("camera", CAMERAS)
def test_it_has_the_place_the_size_and_the_up_of_the_crop(camera: PinholeCamera) -> None:
    view = FacingView.of(CROP, camera)
    assert view.to_image(CENTRE) == pytest.approx(CROP.centre, abs=0.1)
    near = CENTRE + 2.0 * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    (here, right, below), (_, _, asked) = view.to_image(near), CROP.to_image(near)
    area = abs(np.linalg.det(np.stack([right - here, below - here]))) / 4.0
    assert np.sqrt(area) == pytest.approx(CROP.side / CROP.size, rel=0.02)
    down, wanted = below - here, asked - CROP.to_image(CENTRE)
    assert np.degrees(np.arctan2(down[0], down[1])) == pytest.approx(np.degrees(np.arctan2(*wanted)), abs=2.0)


@pytest.mark.parametrize("camera", CAMERAS)
def test_a_point_is_seen_where_the_image_shows_it(camera: PinholeCamera) -> None:
    view = FacingView.of(CROP, camera)
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (40, 3)) + 0.7 * view.rotation[:, 2]
    np.testing.assert_allclose(view.to_image(view.seen(points)), camera.project(points), atol=1e-6)
    middle = view.to_image_matrix @ [*CENTRE, 1.0]
    np.testing.assert_allclose(middle[:2] / middle[2], CROP.centre, atol=3.0 if camera.distorts else 0.1)


def test_on_the_axis_it_is_the_crop() -> None:
    crop = Crop((319.5, 239.5), 200.0, 0.4)
    view, pixels = FacingView.of(crop, PINHOLE), np.array([[0.0, 0.0], [100.0, 20.0], [63.5, 127.0]])
    np.testing.assert_allclose(view.to_image(pixels), crop.to_image(pixels), atol=0.02)
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    assert np.abs(view.cut(image).astype(int) - crop.cut(image)).mean() < 1.0


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("side", [60.0, 300.0])
def test_cutting_takes_the_pixels_that_the_map_says(camera: PinholeCamera, side: float) -> None:
    """A picture of its own coordinates, smooth enough to survive halving."""
    v, u = np.mgrid[0:480, 0:640].astype(np.float64)
    view = FacingView.of(Crop((400.0, 200.0), side, 0.2), camera)
    image = np.stack([u / 2.56, v / 2.56, np.zeros_like(u)], axis=-1).round().astype(np.uint8)
    rows, columns = np.mgrid[4:124:4, 4:124:4]
    missed = 2.56 * view.cut(image)[rows, columns, :2] - view.to_image(np.stack([columns, rows], axis=-1))
    assert np.abs(missed).max() < 3.0 and np.abs(missed.mean(axis=(0, 1))).max() < 0.7


@pytest.mark.parametrize("camera", [PINHOLE, LENS], ids=["pinhole", "lens"])
def test_what_is_finer_than_the_view_is_averaged_and_not_picked_at_random(camera: PinholeCamera) -> None:
    camera = camera.resized(2560, 1920)
    noise = np.random.default_rng(0).integers(0, 2, (1920, 2560)).astype(np.uint8) * 200
    cut = FacingView.of(Crop((1279.5, 959.5), 1024.0), camera).cut(noise)
    assert cut[32:96, 32:96].std() < 20.0, "100 of a single pixel, 12.5 of eight by eight"


def test_the_same_head_looks_the_same_wherever_it_is() -> None:
    points = np.random.default_rng(1).uniform(-0.08, 0.08, (30, 3)) + [0.0, 0.0, 0.6]
    ahead, down = np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0])
    straight = FacingView.towards(ahead, down, 400.0, 128, PINHOLE).seen(points)
    turn = rotation_from_vector(np.radians([15.0, 25.0, -10.0]))
    aside = FacingView.towards(turn @ ahead, turn @ down, 400.0, 128, PINHOLE).seen(points @ turn.T)
    np.testing.assert_allclose(aside, straight, atol=1e-3)


def test_what_of_it_the_image_shows() -> None:
    pixels = np.array([[10.0, 10.0], [120.0, 10.0], [10.0, 120.0]])
    assert FacingView.of(Crop((300.0, 240.0), 200.0), PINHOLE).within_image(pixels) is None
    inside = FacingView.of(Crop((600.0, 240.0), 200.0), PINHOLE).within_image(pixels)
    assert inside is not None and inside.tolist() == [True, False, True]


def test_what_a_lens_folds_back_is_not_of_the_image() -> None:
    """With k1 alone, what is more than 46.5 degrees aside is mirrored into the image."""
    barrel = PinholeCamera(300.0, 300.0, 319.5, 239.5, 640, 480, "plumb_bob", (-0.3, 0.0, 0.0, 0.0, 0.0))
    ahead, down = np.array([np.sin(np.radians(40.0)), 0.0, np.cos(np.radians(40.0))]), np.array([0.0, 1.0, 0.0])
    view = FacingView.towards(ahead, down, 150.0, 128, barrel)
    angles = np.array([20.0, 35.0, 44.0, 50.0, 60.0])
    pixels = np.column_stack([63.5 + 150.0 * np.tan(np.radians(angles - 40.0)), np.full(5, 63.5)])
    assert barrel.shows(view.to_image(pixels)).all()
    inside = view.within_image(pixels)
    assert inside is not None and inside.tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("camera", [LENS, FISHEYE])
def test_a_lens_that_folds_nothing_back_hides_nothing(camera: PinholeCamera) -> None:
    assert FacingView.of(Crop((520.0, 110.0), 160.0), camera).within_image(CENTRE[None]) is None


@pytest.mark.parametrize(
    ("model", "lens", "u"),
    [("equidistant", (-0.02, -0.005, 0.002, -0.0005), 1240.0), ("plumb_bob", (-0.28, 0.07, 0.0, 0.0, -0.0075), 1270.0)],
)
def test_what_lies_beyond_a_lens_is_not_looked_for_elsewhere(model: str, lens: tuple[float, ...], u: float) -> None:
    """Its model puts what it does not show to some other place: a fisheye what lies behind it to the other side."""
    camera = PinholeCamera(380.0, 380.0, 639.5, 399.5, 1280, 800, model, lens)
    for place in (u, 2 * 639.5 - u):
        with pytest.raises(TooFarAside):
            FacingView.of(Crop((place, 399.5), 60.0), camera)


def test_too_far_aside_is_told() -> None:
    with pytest.raises(TooFarAside):
        FacingView.of(Crop((635.0, 239.5), 500.0), FISHEYE)
    with pytest.raises(TooFarAside):
        FacingView.towards(np.array([np.nan, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]), 200.0, 128, PINHOLE)
    with pytest.raises(TooFarAside):
        FacingView.towards(np.array([1.0, 0.0, 0.01]), np.array([0.0, 1.0, 0.0]), 200.0, 128, PINHOLE)


BARREL = PinholeCamera(600.0, 600.0, 639.5, 359.5, 1280, 720, "plumb_bob", (-0.35, 0.12, 0.0, 0.0, 0.0))
WIDE = PinholeCamera(600.0, 600.0, 639.5, 359.5, 1280, 720, "equidistant", (0.0, 0.0, 0.0, 0.0))
STEEP = PinholeCamera(700.0, 700.0, 639.5, 359.5, 1280, 720, "plumb_bob", (-0.35, 0.12, 0.0, 0.0, -0.05))


@pytest.mark.parametrize("camera", [BARREL, WIDE])
def test_a_lens_that_bows_the_edges_cuts_nothing_off(camera: PinholeCamera) -> None:
    """A near head, so that the image is halved first: all that the image shows is there."""
    view = FacingView.of(Crop((639.5, 359.5), 500.0), camera)
    rows, columns = np.mgrid[0:128, 0:128]
    pixels = np.stack([columns.ravel(), rows.ravel()], axis=1)
    shown = view.within_image(pixels)
    grey = view.cut(np.full((720, 1280), 200, np.uint8)).ravel()
    assert (grey[shown if shown is not None else slice(None)] > 190).all()


def test_a_view_is_shrunk_by_what_it_shows_in_its_middle_not_beyond_the_lens() -> None:
    """Stripes of twenty pixels: two to one they can be seen, a hundred to one they are grey."""
    view = FacingView.of(Crop((1140.0, 359.5), 400.0), STEEP)
    image = np.tile(np.where(np.arange(1280) // 20 % 2, 255, 0).astype(np.uint8), (720, 1))
    assert view.cut(image)[40:88, 40:88].std() > 60.0
