"""Things drawn in front of labelled faces: five shapes, laid by the true landmarks, in plain colours.

All shapes are upright with the face: its axis runs from the middle of the eyes to the middle of the mouth. Nothing is
left to chance, so two runs, and two networks, see the same pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.geometry import Array
from training.benchmarks.metrics import box_of, box_size

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

#: BGR; None is the middle colour of the face itself.
COLOURS: dict[str, tuple[int, int, int] | None] = {
    "grey": (128, 128, 128),
    "dark": (28, 25, 25),
    "green": (40, 120, 40),
    "skin": None,
}
SHAPES = ("band", "box", "ellipse", "eye", "cheek")

_EYES = {"right": slice(36, 42), "left": slice(42, 48)}  # the person's
_MOUTH, _NOSE_TIP = slice(48, 68), 30
_BEYOND = 0.05  # of the face's size that a shape goes beyond what it covers
_ROUND = 72  # corners of an ellipse
_SUBPIXEL = 4  # bits


@dataclass(frozen=True)
class Cover:
    """A shape of :data:`SHAPES` in a colour of :data:`COLOURS`."""

    shape: str
    colour: str

    def over(self, points: Array, seen: Mask, height: int, width: int) -> Mask:
        """The pixels (H, W) that are covered.

        Args:
            points: (68, 2) true landmarks, pixels.
            seen: (68,) which of them the camera sees: the eye and the cheek that are covered are those on the side
                that shows more, the person's right where both show as much.
        """
        axes = _axes(points)
        shown = np.zeros((height, width), np.uint8)
        corners = _outline(self.shape, points @ axes.T, seen, float(height + width)) @ axes
        fixed = np.rint(corners * 2**_SUBPIXEL).astype(np.int32)
        cv2.fillPoly(shown, [fixed], 1, shift=_SUBPIXEL)
        return shown.astype(bool)

    def paint(self, image: Image, points: Array, mask: Mask) -> Image:
        """A copy of the image (H, W, 3) with the cover on it."""
        painted = image.copy()
        colour = COLOURS[self.colour]
        painted[mask] = middle_colour(image, points) if colour is None else colour
        return painted


COVERS = tuple(Cover(*pair) for pair in product(SHAPES, COLOURS))


def middle_colour(image: Image, points: Array) -> npt.NDArray[np.uint8]:
    """Median BGR (3,) within the outline of landmarks (68, 2): skin, as eyes, brows and lips are the lesser part."""
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    return np.asarray(np.median(image[inside > 0], axis=0), np.uint8)


def sides_of(mask: Mask, points: Array, margin: float) -> tuple[Mask, Mask]:
    """Which landmarks (68,) are covered and which are not; one within ``margin`` pixels of the edge, or outside the
    picture, is neither."""
    height, width = mask.shape
    column, row = np.rint(points).astype(np.intp).T
    within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    place = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    # To the nearest pixel of the other kind; without one the distance is large.
    inside, outside = (cv2.distanceTransform(m.astype(np.uint8), cv2.DIST_L2, 5)[place] for m in (mask, ~mask))
    return within & (inside > margin), within & (outside > margin)


def _axes(points: Array) -> Array:
    """Rows: the unit vectors to the right of an upright face and down it, in the picture."""
    down = points[_MOUTH].mean(axis=0) - points[36:48].mean(axis=0)
    x, y = down / np.linalg.norm(down)
    return np.array([[y, -x], [x, y]])


def _outline(shape: str, points: Array, seen: Mask, reach: float) -> Array:
    """Corners (N, 2) of a shape; all in the face's own axes. What goes on goes on for ``reach`` pixels."""
    beyond = _BEYOND * box_size(box_of(points))
    x0, y0, x1, y1 = box_of(points) + beyond * np.array([-1.0, -1.0, 1.0, 1.0])
    top = float(points[_NOSE_TIP, 1])
    if shape == "band":
        return _rectangle(x0 - reach, top, x1 + reach, y1)
    if shape == "box":
        return _rectangle(x0, top, x1, y1)
    if shape == "ellipse":
        turn = np.linspace(0.0, 2.0 * np.pi, _ROUND, endpoint=False)
        middle, radii = np.array([x0 + x1, top + y1]) / 2.0, np.array([x1 - x0, y1 - top]) / 2.0
        return np.asarray(middle + radii * np.column_stack([np.cos(turn), np.sin(turn)]))
    side = max(_EYES, key=lambda name: int(seen[_EYES[name]].sum()))  # the first of equals
    eye = points[_EYES[side]]
    if shape == "eye":
        return _rectangle(*(box_of(eye) + 2.0 * beyond * np.array([-0.5, -1.0, 0.5, 1.0])))
    inner = float(eye[:, 0].mean())
    return _rectangle(x0, y0, inner, y1) if side == "right" else _rectangle(inner, y0, x1, y1)


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> Array:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
