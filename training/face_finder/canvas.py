"""A made picture under construction: layers pasted onto each other, keeping track of which face shows where."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_finder import INPUT_HEIGHT, INPUT_WIDTH
from training.face_finder.degrade import degrade
from training.face_finder.photographs import FloatArray, Image

#: A face showing more than this share of its outline must be found; below the second share it does not count as a
#: face any more; in between nothing is asked.
FOUND_ABOVE, ABSENT_BELOW = 0.5, 0.15
_NOBODY = 0


@dataclass(frozen=True)
class MadeImage:
    """A picture as the letterbox hands it to the network, and its faces.

    Attributes:
        image: (INPUT_HEIGHT, INPUT_WIDTH) grey.
        boxes: (n, 4) x0, y0, x1, y1 of the landmarks, possibly reaching beyond the picture.
        rolls: (n,) radians, clockwise.
        yaws: (n,) radians.
        wanted: (n,) False where so little shows that the face may be found or not.
    """

    image: Image
    boxes: FloatArray
    rolls: FloatArray
    yaws: FloatArray
    wanted: npt.NDArray[np.bool_]


class Canvas:
    """The picture under construction, and which face each pixel shows."""

    def __init__(self, background: Image, window: tuple[int, int, int, int]) -> None:
        self.pixels = background
        self.window = window
        self.faces: list[tuple[FloatArray, float, float]] = []
        self._shown = np.full(background.shape, _NOBODY, np.uint8)

    def paste(
        self,
        image: Image,
        to_canvas: npt.NDArray[np.float64],
        mask: FloatArray,
        face: tuple[FloatArray, float, float] | None,
    ) -> None:
        image, mask, matrix = _shrunk(image, mask, to_canvas)
        size = (INPUT_WIDTH, INPUT_HEIGHT)
        layer = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_LINEAR)
        self.pixels = np.asarray(cv2.blendLinear(layer, self.pixels, alpha, 1.0 - alpha), np.uint8)
        if face is not None:
            self.faces.append(face)
        self._shown[alpha > 0.5] = len(self.faces) if face is not None else _NOBODY

    def fill_from(self, image: Image, to_canvas: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
        """Continue a photograph over the whole canvas, blurred, in place of another background."""
        size = (INPUT_WIDTH, INPUT_HEIGHT)
        layer = cv2.warpAffine(image, to_canvas[:2], size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self.pixels = np.asarray(cv2.GaussianBlur(layer, (0, 0), rng.uniform(3.0, 15.0)), np.uint8)
        self._shown[:] = _NOBODY

    def finish(self, rng: np.random.Generator) -> MadeImage:
        x0, y0, x1, y1 = self.window
        image = np.zeros_like(self.pixels)
        image[y0:y1, x0:x1] = degrade(self.pixels[y0:y1, x0:x1], rng)
        outside = np.ones(image.shape, bool)
        outside[y0:y1, x0:x1] = False
        self._shown[outside] = _NOBODY
        boxes, rolls, yaws, wanted = [], [], [], []
        for number, (outline, roll, yaw) in enumerate(self.faces, start=1):
            share = self._share_shown(outline, number)
            if share < ABSENT_BELOW:
                continue
            boxes.append((*outline.min(axis=0), *outline.max(axis=0)))
            rolls.append(roll)
            yaws.append(yaw)
            wanted.append(share >= FOUND_ABOVE)
        return MadeImage(
            image,
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(rolls, np.float32),
            np.array(yaws, np.float32),
            np.array(wanted, bool),
        )

    def _share_shown(self, outline: FloatArray, number: int) -> float:
        hull = cv2.convexHull(outline)
        inside = np.zeros(self.pixels.shape, np.uint8)
        cv2.fillConvexPoly(inside, np.round(hull).astype(np.int32), 1)
        shown = float(((self._shown == number) & (inside > 0)).sum())
        return shown / max(1.0, float(cv2.contourArea(hull)))


def _shrunk(
    image: Image, mask: FloatArray, to_canvas: npt.NDArray[np.float64]
) -> tuple[Image, FloatArray, npt.NDArray[np.float64]]:
    """Area-average a photograph that the warp would shrink by more than half, so that it does not alias."""
    scale = float(np.sqrt(abs(np.linalg.det(to_canvas[:, :2]))))
    if scale > 0.6:
        return image, mask, to_canvas
    height, width = image.shape
    size = (max(2, int(round(width * scale))), max(2, int(round(height * scale))))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    small_mask = np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.float32)
    factor = np.array([width / size[0], height / size[1]])
    matrix = to_canvas.copy()
    matrix[:, :2] = to_canvas[:, :2] * factor
    matrix[:, 2] += to_canvas[:, :2] @ (0.5 * (factor - 1.0))
    return small, small_mask, matrix
