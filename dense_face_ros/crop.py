"""Square windows on an image: where their pixels come from, and cutting them out without aliasing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import cos, log2, sin

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.geometry import Array


@dataclass(frozen=True)
class Crop:
    """A square window on an image, turned by ``angle`` and resampled to ``size`` x ``size`` pixels.

    ``centre`` (u, v) and ``side`` are in image pixels; ``angle`` (radians) turns the window clockwise on the screen,
    so that a head tilted by that angle stands upright in the crop. Half-pixel correct: the window's edges are the
    outer edges of the crop's outermost pixels.
    """

    centre: tuple[float, float]
    side: float
    angle: float = 0.0
    size: int = 128

    @classmethod
    def around_box(cls, box: npt.ArrayLike, margin: float, size: int = 128) -> Crop:
        """The upright crop around a box (x0, y0, x1, y1), its geometric-mean side grown by the factor ``margin``."""
        corners = np.asarray(box, dtype=np.float64)
        if corners.shape != (4,):
            raise ValueError(f"box has shape {corners.shape}; it must be four numbers (x0, y0, x1, y1)")
        x0, y0, x1, y1 = corners.tolist()
        if not (x1 > x0 and y1 > y0 and np.isfinite([x0, y0, x1, y1]).all()):
            raise ValueError(f"box is ({x0}, {y0}, {x1}, {y1}); it must be finite and have x1 > x0 and y1 > y0")
        return cls((0.5 * (x0 + x1), 0.5 * (y0 + y1)), margin * float(np.sqrt((x1 - x0) * (y1 - y0))), 0.0, size)

    @cached_property
    def to_image_matrix(self) -> Array:
        """Affine map (2, 3): crop pixel -> image pixel."""
        scale, middle, (u, v) = self.side / self.size, 0.5 * (self.size - 1), self.centre
        c, s = scale * cos(self.angle), scale * sin(self.angle)
        return np.array([[c, -s, u - (c - s) * middle], [s, c, v - (s + c) * middle]])

    @cached_property
    def _from_image_turn(self) -> Array:
        """(2, 2), for row vectors: image pixel offset -> crop pixel offset."""
        return np.linalg.inv(self.to_image_matrix[:, :2]).T

    def to_image(self, pixels: Array) -> Array:
        """Crop pixels (..., 2) -> image pixels."""
        m = self.to_image_matrix
        return np.asarray(np.asarray(pixels, dtype=np.float64) @ m[:, :2].T + m[:, 2])

    def from_image(self, pixels: Array) -> Array:
        """Image pixels (..., 2) -> crop pixels."""
        offset = np.asarray(pixels, dtype=np.float64) - self.to_image_matrix[:, 2]
        return np.asarray(offset @ self._from_image_turn)

    def cut(self, image: npt.NDArray[np.uint8], border: int = cv2.BORDER_CONSTANT) -> npt.NDArray[np.uint8]:
        """Resample the window from an image (H, W) or (H, W, 3); outside the image it is black, or what else OpenCV's
        ``border`` says.

        An image much larger than the crop is first halved by area averaging, as often as it is twice as large, so that
        small faces do not alias; any other factor takes several times longer.
        """
        matrix, scale = self.to_image_matrix, self.side / self.size
        if scale >= 2.0:
            image, part = shrunk_window(image, self.to_image(window_corners(self.size)), scale)
            matrix = part @ np.vstack([matrix, [0.0, 0.0, 1.0]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out = cv2.warpAffine(image, matrix[:2], (self.size, self.size), flags=flags, borderMode=border)
        return np.asarray(out, dtype=np.uint8)


def window_corners(size: int) -> Array:
    """Outer corners (4, 2) of a window of ``size`` pixels a side, in its pixels, around it."""
    return np.array([[0.0, 0.0], [size, 0.0], [size, size], [0.0, size]]) - 0.5


def shrunk_window(image: npt.NDArray[np.uint8], shown: Array, scale: float) -> tuple[npt.NDArray[np.uint8], Array]:
    """The part of an image that a window shows, halved as often as it is twice as large as there.

    Args:
        image: (H, W) or (H, W, 3).
        shown: (..., 2) image pixels between which all lies that the window shows.
        scale: image pixels to one of the window, along each side.

    Returns:
        That part, and the affine map (3, 3), image pixel -> its pixel. An image that is less than twice as large comes
        back as it is.
    """
    if not 2.0 <= scale < np.inf:
        return image, np.eye(3)
    halvings = int(log2(scale))
    factor = 2**halvings
    most = np.array(image.shape[1::-1])
    places = shown.reshape(-1, 2)
    u0, v0 = np.floor(places.min(axis=0) - factor).clip(0, most).astype(int).tolist()
    u1, v1 = np.ceil(places.max(axis=0) + 2 * factor).clip(0, most).astype(int).tolist()
    rows, columns = (v1 - v0) // factor, (u1 - u0) // factor
    if rows <= 0 or columns <= 0:
        return image, np.eye(3)
    small = image[v0 : v0 + rows * factor, u0 : u0 + columns * factor]
    for _ in range(halvings):
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA)
    part = np.diag([1.0 / factor, 1.0 / factor, 1.0])
    part[:2, 2] = (-u0 / factor - 0.5 * (factor - 1) / factor, -v0 / factor - 0.5 * (factor - 1) / factor)
    return np.asarray(small, dtype=np.uint8), part
