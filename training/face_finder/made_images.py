"""Pictures made on the fly: photographs of faces set into other photographs, with every face's box and roll known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_finder import INPUT_HEIGHT, INPUT_WIDTH
from training.face_finder.canvas import Canvas, MadeImage
from training.face_finder.degrade import grey
from training.face_finder.photographs import FacePhoto, FloatArray, Image, decode

#: Geometric-mean box sides of made faces, in pixels of the network's input.
SMALLEST, LARGEST = 15.0, 260.0
_LARGEST_IN_CROWD = 110.0
_ASIDE_SHARE = 0.4  # of the faces, where there are such
MAX_ROLL = np.radians(52.0)
_ASPECTS = (16 / 9, 16 / 9, 16 / 10, 4 / 3, 4 / 3, 4 / 3, 1.0, 3 / 4, 9 / 16)


class ImageMaker:
    """Draws made pictures; the same generator state gives the same picture.

    Args:
        faces: labelled photographs; those turned to the side are drawn more often.
        backgrounds: compressed face-free photographs.
        aside: heads that look aside, rendered or turned there, which are drawn evenly.
    """

    def __init__(self, faces: list[FacePhoto], backgrounds: list[bytes], aside: Sequence[FacePhoto] = ()) -> None:
        self._faces, self._aside = faces, aside
        self._backgrounds = backgrounds
        turned = np.abs([f.yaw for f in faces])
        # The mesh network underrates profiles: 45 degrees by its mesh is nearer 70 to the eye. They are rare.
        weight = 1.0 + 4.0 * np.clip(turned / np.radians(40.0), 0.0, 1.0) ** 2 + 25.0 * (turned > np.radians(42.0))
        self._cumulative = np.cumsum(weight) / weight.sum()

    def make(self, rng: np.random.Generator) -> MadeImage:
        canvas = Canvas(self._background(rng), self._active_window(rng))
        if rng.random() < 0.25:
            self._paste_patches(canvas, rng)
        if rng.random() < 0.15:
            self._paste_faceless(canvas, rng)
        # A picture costs the network the same however many faces it shows, so many show more than a car would.
        count = int(rng.choice(8, p=(0.1, 0.3, 0.15, 0.1, 0.1, 0.1, 0.1, 0.05)))
        for _ in range(count):
            self._paste_face(canvas, LARGEST if count <= 2 else _LARGEST_IN_CROWD, rng)
        if rng.random() < 0.3:
            self._cover(canvas, rng)
        return canvas.finish(rng)

    def draw_face(self, rng: np.random.Generator) -> FacePhoto:
        if self._aside and rng.random() < _ASIDE_SHARE:
            return self._aside[int(rng.integers(len(self._aside)))]
        return self._faces[int(np.searchsorted(self._cumulative, rng.random()))]

    def _active_window(self, rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Where the camera picture lies on the letterboxed input."""
        aspect = _ASPECTS[rng.integers(len(_ASPECTS))]
        scale = min(INPUT_WIDTH / aspect, INPUT_HEIGHT)
        width, height = int(round(scale * aspect)), int(round(scale))
        x0, y0 = (INPUT_WIDTH - width) // 2, (INPUT_HEIGHT - height) // 2
        return x0, y0, x0 + width, y0 + height

    def _background(self, rng: np.random.Generator) -> Image:
        kind = rng.random()
        if kind < 0.1:
            few = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
            coarse = rng.uniform(0, 255, few).astype(np.float32)
            smooth = cv2.resize(coarse, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=cv2.INTER_CUBIC)
            return np.asarray(np.clip(smooth, 0, 255), np.uint8)
        canvas: npt.NDArray[Any] = self._patch(INPUT_WIDTH, INPUT_HEIGHT, rng)
        if kind < 0.2:
            canvas = cv2.addWeighted(canvas, 0.5, self._patch(INPUT_WIDTH, INPUT_HEIGHT, rng), 0.5, 0.0)
        if kind > 0.8:
            canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(1.0, 6.0))
        return np.asarray(canvas, np.uint8)

    def _patch(self, width: int, height: int, rng: np.random.Generator) -> Image:
        """A random window of a random background, resampled to width x height."""
        source = grey(decode(self._backgrounds[rng.integers(len(self._backgrounds))]), rng)
        rows, columns = source.shape
        zoom = rng.uniform(0.35, 1.0) * min(columns / width, rows / height)
        w, h = max(2, int(width * zoom)), max(2, int(height * zoom))
        x, y = rng.integers(0, columns - w + 1), rng.integers(0, rows - h + 1)
        window = source[y : y + h, x : x + w]
        if rng.random() < 0.5:
            window = window[:, ::-1]
        shrink = cv2.INTER_AREA if zoom > 1.0 else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(window, (width, height), interpolation=shrink), np.uint8)

    def _paste_patches(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Rectangles of other photographs: a straight border must not be what tells a face."""
        for _ in range(rng.integers(1, 4)):
            width, height = (int(np.exp(rng.uniform(np.log(16), np.log(200)))) for _ in range(2))
            patch = self._patch(width, height, rng)
            to_canvas = np.array([[1, 0, rng.uniform(-20, 300)], [0, 1, rng.uniform(-20, 240)]])
            canvas.paste(patch, to_canvas, _paste_mask(patch.shape, None, rng), None)

    def _paste_faceless(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Head and shoulders whose face is gone: hair, collars and an oval of skin do not make a face."""
        photo = self.draw_face(rng)
        image = grey(photo.decode(), rng)
        hull = cv2.convexHull(photo.outline)[:, 0]
        centre = hull.mean(axis=0)
        sharp = np.zeros(image.shape, np.float32)
        grown = centre + (hull - centre) * rng.uniform(1.1, 1.35)
        cv2.fillConvexPoly(sharp, grown.astype(np.int32), 1.0)
        side = _box_side(photo.outline)
        mask = cv2.GaussianBlur(sharp, (0, 0), 0.04 * side + 0.5)
        if rng.random() < 0.5:
            fill = self._patch(image.shape[1], image.shape[0], rng).astype(np.float32)
        else:
            fill = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.25, 0.6) * side).astype(np.float32)
        image = (image + mask * (fill - image)).astype(np.uint8)
        to_canvas, _ = _placement(photo, canvas.window, LARGEST, rng)
        canvas.paste(image, to_canvas, _paste_mask(image.shape, photo, rng), None)

    def _paste_face(self, canvas: Canvas, largest: float, rng: np.random.Generator) -> None:
        photo = self.draw_face(rng)
        image = grey(photo.decode(), rng)
        if rng.random() < 0.08:
            image = _with_sunglasses(image, photo, rng)
        to_canvas, roll = _placement(photo, canvas.window, largest, rng)
        if not canvas.faces and rng.random() < 0.2:
            canvas.fill_from(image, to_canvas, rng)
        outline = photo.outline @ to_canvas[:, :2].T + to_canvas[:, 2]
        mirrored = np.linalg.det(to_canvas[:, :2]) < 0
        face = (outline.astype(np.float32), roll, -photo.yaw if mirrored else photo.yaw)
        canvas.paste(image, to_canvas, _paste_mask(image.shape, photo, rng), face)

    def _cover(self, canvas: Canvas, rng: np.random.Generator) -> None:
        """Something in front of a face: a textured or plain blob about the size of a hand, a phone, a wheel rim."""
        if not canvas.faces:
            return
        outline = canvas.faces[rng.integers(len(canvas.faces))][0]
        side = _box_side(outline)
        width, height = (max(4, int(side * rng.uniform(0.2, 0.8))) for _ in range(2))
        if width > 4 * INPUT_WIDTH or height > 4 * INPUT_HEIGHT:
            return
        blob = self._patch(width, height, rng)
        if rng.random() < 0.5:
            blob = (rng.uniform(0, 235) + 0.15 * blob.astype(np.float32)).clip(0, 255).astype(np.uint8)
        mask = np.zeros(blob.shape, np.float32)
        cv2.ellipse(mask, (width // 2, height // 2), (width // 2, height // 2), 0, 0, 360, 1.0, -1)
        if rng.random() < 0.4:
            mask[:] = 1.0
        corner = outline.mean(axis=0) + rng.uniform(-0.6, 0.6, 2) * side - (0.5 * width, 0.5 * height)
        canvas.paste(blob, np.array([[1, 0, corner[0]], [0, 1, corner[1]]]), mask, None)


def _placement(
    photo: FacePhoto, window: tuple[int, int, int, int], largest: float, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], float]:
    """A random similarity (with a little stretch) photo -> canvas (2, 3), and the face's roll after it."""
    x0, y0, x1, y1 = window
    largest = min(largest, 1.05 * min(x1 - x0, y1 - y0))
    if rng.random() < 0.7:
        side = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(largest))))
    else:
        side = float(rng.uniform(0.4, 1.0) * largest)
    roll = rng.uniform(-MAX_ROLL, MAX_ROLL) if rng.random() < 0.6 else rng.normal(0.0, np.radians(10.0))
    mirror = rng.random() < 0.5
    turn = roll - (-photo.roll if mirror else photo.roll)
    stretch = np.exp(rng.normal(0.0, 0.05))
    scale = side / _box_side(photo.outline)
    c, s = np.cos(turn), np.sin(turn)
    linear = np.array([[c, -s], [s, c]]) @ np.diag([scale * stretch * (-1 if mirror else 1), scale / stretch])
    low, high = photo.outline.min(axis=0), photo.outline.max(axis=0)
    # Most faces lie inside the picture; some are cut by its border.
    reach = (0.5 if rng.random() < 0.8 else 0.1) * side
    centre = [
        rng.uniform(min(a + reach, 0.5 * (a + b) - 0.15 * side), max(b - reach, 0.5 * (a + b) + 0.15 * side))
        for a, b in ((x0, x1), (y0, y1))
    ]
    return np.column_stack([linear, np.array(centre) - linear @ (0.5 * (low + high))]), float(roll)


def _paste_mask(shape: tuple[int, ...], photo: FacePhoto | None, rng: np.random.Generator) -> FloatArray:
    """How much of the pasted photograph shows: all of it, feathered borders, or a soft oval about the head."""
    height, width = shape[:2]
    kind = rng.random()
    if kind < 0.25:
        return np.ones((height, width), np.float32)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind < 0.65 or photo is None:
        feather = rng.uniform(0.03, 0.25) * min(height, width)
        border = np.minimum(np.minimum(u, width - 1 - u), np.minimum(v, height - 1 - v))
        return np.asarray(np.clip((border + 0.5) / feather, 0.0, 1.0), np.float32)
    centre = 0.5 * (photo.outline.min(axis=0) + photo.outline.max(axis=0))
    side = _box_side(photo.outline)
    wide, tall, sharpness = rng.uniform(0.6, 1.1) * side, rng.uniform(0.75, 1.3) * side, rng.uniform(3.0, 15.0)
    radius = np.sqrt(((u - centre[0]) / wide) ** 2 + ((v - centre[1] + 0.1 * side) / tall) ** 2)
    return np.asarray(np.clip((1.0 - radius) * sharpness + 0.5, 0.0, 1.0), np.float32)


def _with_sunglasses(image: Image, photo: FacePhoto, rng: np.random.Generator) -> Image:
    image = image.copy()
    right, left = photo.eyes
    apart = float(np.hypot(*(left - right)))
    angle = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
    glasses = np.zeros(image.shape, np.float32)
    axes = (int(apart * rng.uniform(0.3, 0.48)), int(apart * rng.uniform(0.22, 0.38)))
    for eye in photo.eyes:
        cv2.ellipse(glasses, (int(eye[0]), int(eye[1])), axes, angle, 0, 360, 1.0, -1)
    ends = [tuple(int(c) for c in eye) for eye in photo.eyes]
    cv2.line(glasses, ends[0], ends[1], 1.0, max(1, int(0.08 * apart)))
    glasses *= rng.uniform(0.6, 1.0)
    return np.asarray(image + glasses * (rng.uniform(0, 60) - image.astype(np.float32)), np.float32).astype(np.uint8)


def _box_side(points: FloatArray) -> float:
    width, height = points.max(axis=0) - points.min(axis=0)
    return float(np.sqrt(max(width * height, 1.0)))
