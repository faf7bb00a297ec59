"""Searching the images of a camera that is mounted on its side or head.

The face finder knows people who stand upright within 45 degrees; all else follows a head at any roll. So only the
search sees a turned image, and what it finds is told in the image as it came.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_finder import FaceCandidate, FaceFinder

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
#: Degrees clockwise by which images can be turned.
ROTATIONS = (0, *_TURNS)


class UprightFinder:
    """A finder for images in which people stand upright after a turn by ``clockwise`` degrees, of :data:`ROTATIONS`."""

    def __init__(self, finder: FaceFinder, clockwise: int) -> None:
        self._finder, self._clockwise = finder, clockwise
        self.metadata = finder.metadata

    def find(self, image: npt.NDArray[np.uint8]) -> list[FaceCandidate]:
        """As :meth:`FaceFinder.find`."""
        return [self._turned_back(c, image.shape) for c in self._finder.find(self._turned(image))]

    def find_closer(self, image: npt.NDArray[np.uint8]) -> list[FaceCandidate]:
        """As :meth:`FaceFinder.find_closer`."""
        return [self._turned_back(c, image.shape) for c in self._finder.find_closer(self._turned(image))]

    def _turned(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        return np.asarray(cv2.rotate(image, _TURNS[self._clockwise]), np.uint8) if self._clockwise else image

    def _turned_back(self, candidate: FaceCandidate, shape: tuple[int, ...]) -> FaceCandidate:
        """A candidate in the turned image -> in the image (H, W, ...) of this shape."""
        if not self._clockwise:
            return candidate
        right, bottom = shape[1] - 1, shape[0] - 1
        x0, y0, x1, y1 = candidate.box
        box = {
            90: (y0, bottom - x1, y1, bottom - x0),
            180: (right - x1, bottom - y1, right - x0, bottom - y0),
            270: (right - y1, x0, right - y0, x1),
        }[self._clockwise]
        roll = 0.0 if np.isnan(candidate.roll) else candidate.roll
        return replace(candidate, box=box, roll=roll - float(np.radians(self._clockwise)))
