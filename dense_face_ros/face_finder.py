"""Where to look when the face is lost: a small network over the whole image proposes face boxes.

The image is shrunk to 320 x 256 grey pixels (letterboxed). Every 8-pixel cell of it says how sure it is that a face is
centred there, and where its box is. A box is that of the 68 landmarks: brows to chin, ear to ear, not the whole head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.backends.small_network import open_small_network
from dense_face_ros.frame_input import check_image

INPUT_WIDTH, INPUT_HEIGHT, STRIDE = 320, 256, 8
FORMAT_VERSION = "1"
#: Faces the network is less sure of than this are not reported. Low, as what the correspondence network doubts is not
#: taken up: 0.3 saves two fits on three face-free photographs, and in 682 views of them one false head, a lamb.
MIN_SCORE = 0.2
#: Two boxes that overlap by more than this (intersection over the smaller box) show the same face.
_SAME_FACE = 0.5
#: Cosine and sine of the roll shorter than this point nowhere.
_KNOWN_ROLL = 0.3
_MAX_CANDIDATES = 16
#: Sides of the four parts that are searched by themselves, of the image's: what is smaller than a fifth of the image
#: is whole in one of them.
_PART = 0.6


@dataclass(frozen=True)
class FaceCandidate:
    """A face proposed by :class:`FaceFinder`.

    Attributes:
        box: x0, y0, x1, y1 of the 68 landmarks in image pixels; may reach beyond the image.
        score: 0..1, how sure the network is.
        roll: in-plane turn of the head in radians, clockwise on the screen as ``Crop.angle``; NaN if unknown.
    """

    box: tuple[float, float, float, float]
    score: float
    roll: float


class FaceFinder:
    """Finds faces of about 12 to 90 % of the image's height, upright within 45 degrees, in colour, grey or infrared.

    In images wider than 8:3 the smallest are missed: the whole image is shown to the network in 320 x 256 pixels.

    Args:
        path: the network (``.onnx``); by default the one shipped with the package.
        threads: CPU threads of the inference.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: naming the file, when it is no face finder of this format, or ``threads`` is below 1.
    """

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        self._session, self.metadata = open_small_network(path, "face_finder", FORMAT_VERSION, threads)

    def find(self, image: npt.NDArray[np.uint8], min_score: float = MIN_SCORE) -> list[FaceCandidate]:
        """Faces in an image (H, W) or (H, W, 3) BGR, the surest first, none overlapping another by half.

        Raises:
            ValueError: as :func:`dense_face_ros.frame_input.check_image`.
        """
        check_image(image)
        small, scale, offset = letterbox(image)
        score, geometry = self._session.run(None, {"image": small[None, None]})
        boxes, scores, rolls = decode(np.asarray(score)[0, 0], np.asarray(geometry)[0], min_score)
        boxes = (boxes + 0.5 - np.tile(offset, 2)) / np.tile(scale, 2) - 0.5
        return [
            FaceCandidate((float(b[0]), float(b[1]), float(b[2]), float(b[3])), float(s), float(r))
            for b, s, r in zip(boxes, scores, rolls, strict=True)
        ]

    def find_closer(self, image: npt.NDArray[np.uint8], min_score: float = MIN_SCORE) -> list[FaceCandidate]:
        """As :meth:`find`, in each of four overlapping parts of the image: faces from 7 % of its height on.

        Raises:
            ValueError: as :meth:`find`.
        """
        found: list[FaceCandidate] = []
        check_image(image)
        height, width = (max(2, round(_PART * side)) for side in image.shape[:2])
        for v in (0, image.shape[0] - height):
            for u in (0, image.shape[1] - width):
                part = np.ascontiguousarray(image[v : v + height, u : u + width])
                for candidate in self.find(part, min_score):
                    x0, y0, x1, y1 = candidate.box
                    found.append(replace(candidate, box=(x0 + u, y0 + v, x1 + u, y1 + v)))
        found.sort(key=lambda candidate: -candidate.score)
        return [found[i] for i in _apart(np.array([candidate.box for candidate in found]))]


def letterbox(
    image: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Image -> (INPUT_HEIGHT, INPUT_WIDTH) grey with black bars; ``small + 0.5 == scale * (image + 0.5) + offset``."""
    height, width = image.shape[:2]
    factor = min(INPUT_WIDTH / width, INPUT_HEIGHT / height)
    columns, rows = max(1, round(width * factor)), max(1, round(height * factor))
    x, y = (INPUT_WIDTH - columns) // 2, (INPUT_HEIGHT - rows) // 2
    shrink = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
    resized = cv2.resize(image, (columns, rows), interpolation=shrink)
    out = np.zeros((INPUT_HEIGHT, INPUT_WIDTH), np.uint8)
    out[y : y + rows, x : x + columns] = resized if image.ndim == 2 else cv2.cvtColor(resized, cv2.COLOR_BGR2GRAY)
    return out, np.array([columns / width, rows / height]), np.array([x, y], np.float64)


def decode(
    score: npt.NDArray[np.float32], geometry: npt.NDArray[np.float32], min_score: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Network output -> boxes (n, 4) in input pixels, scores (n,), rolls (n,), the surest first.

    Args:
        score: (rows, columns) probabilities.
        geometry: (6, rows, columns): centre minus cell (u, v) in box sides, log width, log height, cosine and sine.
    """
    highest = cv2.dilate(score, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((score >= highest) & (score >= min_score))
    order = np.argsort(-score[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    du, dv, log_width, log_height, cosine, sine = geometry[:, rows, columns].astype(np.float64)
    extent = np.exp(np.clip(np.stack([log_width, log_height], axis=1), 0.0, 8.0))
    side = np.sqrt(extent.prod(axis=1))
    centre = (np.stack([columns, rows], axis=1) + 0.5) * STRIDE - 0.5 + np.stack([du, dv], axis=1) * side[:, None]
    boxes = np.concatenate([centre - 0.5 * extent, centre + 0.5 * extent], axis=1)
    rolls = np.where(np.hypot(cosine, sine) >= _KNOWN_ROLL, np.arctan2(sine, cosine), np.nan)
    kept = _apart(boxes)
    return boxes[kept], score[rows, columns].astype(np.float64)[kept], rolls[kept]


def _apart(boxes: npt.NDArray[np.float64]) -> list[int]:
    """Which of the boxes (n, 4), the best first, show faces of their own; at most ``_MAX_CANDIDATES``."""
    kept: list[int] = []
    for i in range(len(boxes)):
        if len(kept) < _MAX_CANDIDATES and all(_overlap(boxes[i], boxes[j]) <= _SAME_FACE for j in kept):
            kept.append(i)
    return kept


def _overlap(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Area that two boxes share over that of the smaller one."""
    shared = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0.0, None).prod()
    return float(shared / min((a[2:] - a[:2]).prod(), (b[2:] - b[:2]).prod()))
