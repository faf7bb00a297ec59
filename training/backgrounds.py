"""Natural photographs without faces, cut into backgrounds."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE
from training.photographs.collection import read_image

_KEPT_SIDE = 200  # pixels of the shorter side at which photographs are kept in memory
_SMALLEST = 96  # pixels of it that a background shows at least


def face_free_photographs(data: Path, split: str) -> list[Path]:
    """Every .jpg in ``data/backgrounds`` and the folders in it, by name, without those listed as showing people; of one
    picture in ten all that was cut from it (``NAME_0001.jpg``, ``NAME_0002.jpg``, ...) is kept for "val".

    Raises:
        FileNotFoundError: there is none of this split.
    """
    folder = data / "backgrounds"
    paths = sorted(folder.rglob("*.jpg"))
    if not paths:
        raise FileNotFoundError(f"'{folder}' holds no .jpg; copy natural photographs there")
    listed = (Path(__file__).parent / "backgrounds_with_people.txt").read_text().split("\n")
    people = {line for line in listed if line and not line.startswith("#")}
    paths = [path for path in paths if path.name not in people]
    pictures = {picture: i for i, picture in enumerate(dict.fromkeys(map(_picture, paths)))}
    of_split = [path for path in paths if (pictures[_picture(path)] % 10 == 0) == (split == "val")]
    if not of_split:
        raise FileNotFoundError(
            f"'{folder}' holds {len(paths)} .jpg without people, none for '{split}'; copy more there"
        )
    return of_split


def _picture(path: Path) -> str:
    """What a numbered cut was cut from, else the file itself."""
    return str(path.parent / re.sub(r"_\d{4}$", "", path.stem))


class Backgrounds:
    """Random square windows of the photographs in ``data/backgrounds`` that show no people and are there to train on,
    each read once.

    Raises:
        FileNotFoundError: when the folder holds none.
    """

    def __init__(self, data: Path) -> None:
        self._paths = face_free_photographs(data, "train")
        self._read: dict[int, npt.NDArray[np.uint8]] = {}

    def draw(self, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        """(128, 128, 3) RGB."""
        image = self._photograph(int(rng.integers(len(self._paths))))
        side = int(rng.integers(_SMALLEST, min(image.shape[:2])))
        return random_window(image, side, CROP_SIZE, rng, cv2.INTER_LINEAR)

    def _photograph(self, index: int) -> npt.NDArray[np.uint8]:
        if index not in self._read:
            whole = read_image(self._paths[index])
            scale = _KEPT_SIDE / min(whole.shape[:2])
            small = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            self._read[index] = np.asarray(small, dtype=np.uint8)
        return self._read[index]


def random_window(
    image: npt.NDArray[np.uint8], side: int, size: int, rng: np.random.Generator, interpolation: int
) -> npt.NDArray[np.uint8]:
    """A square of ``side`` pixels from anywhere in an image (H, W, 3), resampled to (size, size, 3)."""
    v, u = (int(rng.integers(0, extent - side + 1)) for extent in image.shape[:2])
    window = cv2.resize(image[v : v + side, u : u + side], (size, size), interpolation=interpolation)
    return np.asarray(window, dtype=np.uint8)
