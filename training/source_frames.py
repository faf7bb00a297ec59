"""The frames that benchmarks of time run over: a video or an image, brought to one size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.benchmarks.subject import read_image
from training.benchmarks.video import frames

Image = npt.NDArray[np.uint8]

_IMAGE_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp"}


def check_source(source: Path | None) -> None:
    """FileNotFoundError when a file is given and does not exist: before models are loaded, not after."""
    if source is not None and not source.is_file():
        raise FileNotFoundError(f"--source '{source}' does not exist; give a video or an image")


def read_frames(source: Path, size: tuple[int, int], count: int) -> list[Image]:
    """The first ``count`` frames of a video, or ``count`` times an image, each (height, width, 3) of ``size``."""
    if source.suffix.lower() in _IMAGE_ENDINGS:
        return [covering(read_image(source), size)] * count
    return [covering(image, size) for _, image in frames(source, count)]


def covering(image: Image, size: tuple[int, int]) -> Image:
    """The image scaled to cover ``size`` (width, height), and the middle of it cut out."""
    width, height = size
    scale = max(width / image.shape[1], height / image.shape[0])
    scaled_size = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    scaled = cv2.resize(image, scaled_size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y = (scaled.shape[1] - width) // 2, (scaled.shape[0] - height) // 2
    return np.ascontiguousarray(scaled[y : y + height, x : x + width], dtype=np.uint8)
