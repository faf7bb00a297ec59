"""A video in real time from a stream of stamped pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

_RATE = 30.0  # Hz


class StampedVideo:
    """A video of constant rate from pictures that come at any: each is shown until the next one's time.

    Written to ``path`` (.mp4) as they come; a picture of another size than the first is scaled to it.
    """

    def __init__(self, path: Path, rate: float = _RATE) -> None:
        self._path, self._rate = path, rate
        self._writer: Any = None
        self._size = (0, 0)
        self._first_stamp = 0.0
        self._last: Image | None = None
        self.frames = 0

    def add(self, stamp: float, image: Image) -> None:
        """The picture (H, W, 3) BGR taken at ``stamp`` seconds.

        Raises:
            OSError: when the file cannot be written.
        """
        if self._last is None:
            self._open(image)
            self._first_stamp = stamp
        else:
            self._show_last_until(round((stamp - self._first_stamp) * self._rate))
        size = (image.shape[1], image.shape[0])
        self._last = image if size == self._size else np.asarray(cv2.resize(image, self._size), dtype=np.uint8)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._show_last_until(self.frames + 1)
            self._writer.release()
            self._writer = None

    def _open(self, image: Image) -> None:
        self._size = (image.shape[1], image.shape[0])
        self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._rate, self._size)
        if not self._writer.isOpened():
            raise OSError(f"video '{self._path}' cannot be written; is the folder writable?")

    def _show_last_until(self, count: int) -> None:
        while self.frames < count:
            self._writer.write(self._last)
            self.frames += 1
