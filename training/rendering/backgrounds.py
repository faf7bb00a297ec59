"""What is behind a head."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def made_background(rng: np.random.Generator, size: int) -> Image:
    """Grey as in the paper (Section 4.1), or coloured blotches of a random size; (size, size, 3)."""
    cells = int(rng.choice((1, 2, 4, 12)))
    level = rng.uniform(0.0, 255.0)
    small = level + rng.normal(0.0, 35.0, (cells, cells, 3)) * (cells > 1)
    way = cv2.INTER_CUBIC if rng.uniform() < 0.7 else cv2.INTER_NEAREST
    out = cv2.resize(np.clip(small, 0, 255).astype(np.float32), (size, size), interpolation=way)
    return np.clip(out, 0, 255).astype(np.uint8)


def as_seen(rng: np.random.Generator, photograph: Image) -> Image:
    """A photograph (size, size, 3) as a background: perhaps out of focus, lighter or darker than it was."""
    gain = np.exp(rng.normal(0.0, 0.3))
    out = cv2.convertScaleAbs(photograph, alpha=gain)
    if rng.uniform() < 0.4:
        out = cv2.blur(out, (5, 5) if rng.uniform() < 0.5 else (9, 9))
    return np.asarray(out, dtype=np.uint8)
