"""The window of a photograph within its black borders."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.photographs.padding import unpadded


def padded(shape: tuple[int, ...]) -> np.ndarray:
    """Black but for rows 20 to 79 and columns 30 to 89."""
    image = np.zeros(shape, np.uint8)
    image[20:80, 30:90] = 120
    return image


@pytest.mark.parametrize("shape", [(100, 128), (100, 128, 3)])
def test_black_borders_are_left_out(shape: tuple[int, ...]) -> None:
    assert unpadded(padded(shape)) == (30, 20, 90, 80)
    without = padded(shape)[20:80, 30:90]
    assert unpadded(without) == (0, 0, 60, 60)


def test_black_need_not_be_quite_black() -> None:
    _, file = cv2.imencode(".jpg", padded((96, 128, 3)), [cv2.IMWRITE_JPEG_QUALITY, 75])
    x0, y0, x1, y1 = unpadded(np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR), np.uint8))
    assert abs(np.array([x0, y0, x1, y1]) - [30, 20, 90, 80]).max() <= 1
    specks = padded((100, 128))
    specks[5, 3] = 255
    assert unpadded(specks) == (30, 20, 90, 80)


def test_one_colour_is_bright_enough() -> None:
    blue = padded((100, 128, 3))
    blue[:, :, 1:] = 0
    assert unpadded(blue) == (30, 20, 90, 80)


def test_black_within_the_picture_stays() -> None:
    image = padded((100, 128))
    image[40:60] = 0
    assert unpadded(image) == (30, 20, 90, 80)


def test_dark_pictures_are_taken_whole() -> None:
    assert unpadded(np.full((60, 80), 4, np.uint8)) == (0, 0, 80, 60)
