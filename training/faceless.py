"""Crops of what is no face but may be taken for one: nothing in them is matchable.

The finder's proposals on face-free photographs, also those it hardly believes in, as a search would show them to the
network: animals, statues, things with two holes. And what a covered or blinded lens shows: one shade, or nothing.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.crop import Crop
from dense_face_ros.face_finder import FaceFinder
from dense_face_ros.searching import crop_of
from training.backgrounds import random_window
from training.face_finder.photographs import decode, load_backgrounds

# The one whose weights no terms are on: what it points at may be learned from by any network.
_FINDER = "face_finder_free.onnx"
_LEAST_SCORE = 0.05
_COVERED = 0.1  # share of crops of one shade; every other one is black
_ANYWHERE = 0.2  # share of the others from anywhere in a photograph
_SPREAD, _SHIFT, _ROLL = 0.25, 0.12, np.radians(20.0)  # of the crops around the proposals

Image = npt.NDArray[np.uint8]


class FacelessCrops:
    """Draws from the training photographs among ``data/backgrounds``, from the likeliest proposals most often.

    Raises:
        FileNotFoundError: when the folder holds no .jpg to train on.
    """

    def __init__(self, data: Path) -> None:
        self._files = load_backgrounds(data, "train")

    @cached_property
    def _proposals(self) -> tuple[list[tuple[int, Crop]], npt.NDArray[np.float64]]:
        """(photograph, crop), and their cumulative probabilities, as the scores are; made where they are drawn from."""
        finder = FaceFinder(Path(str(resources.files("dense_face_ros") / "models" / _FINDER)))
        found = [
            (number, candidate)
            for number, file in enumerate(self._files)
            for candidate in finder.find(decode(file), _LEAST_SCORE)
        ]
        likely = np.cumsum([candidate.score for _, candidate in found])
        return [(number, crop_of(candidate)) for number, candidate in found], likely / likely[-1:]

    def draw(self, rng: np.random.Generator, size: int) -> Image:
        """(size, size, 3) RGB, mirrored as often as not."""
        if rng.random() < _COVERED:
            shade = rng.uniform(0.0, 256.0) if rng.random() < 0.5 else 0.0
            return np.full((size, size, 3), shade, np.uint8)
        proposals, cumulative = self._proposals
        if not proposals or rng.random() < _ANYWHERE:
            image = decode(self._files[int(rng.integers(len(self._files)))])
            least = min(image.shape[:2])
            out = random_window(image, int(rng.integers(least // 4, least)), size, rng, cv2.INTER_AREA)
        else:
            number, crop = proposals[int(np.searchsorted(cumulative, rng.random()))]
            centre = np.asarray(crop.centre) + crop.side * _SHIFT * rng.standard_normal(2)
            out = replace(
                crop, centre=(float(centre[0]), float(centre[1])), size=size,
                side=crop.side * float(np.exp(rng.normal(0.0, _SPREAD))), angle=crop.angle + rng.normal(0.0, _ROLL),
            ).cut(decode(self._files[number]))  # fmt: skip
        return np.ascontiguousarray(out[:, :: -1 if rng.random() < 0.5 else 1, ::-1])
