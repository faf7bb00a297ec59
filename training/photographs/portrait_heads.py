"""The London portraits as photographs to learn from: their terms (CC-BY) leave the weights free.

Each is fitted anew from its 189 points (:mod:`training.photographs.portrait_fit`) when it is asked for the first time.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from training.benchmarks.metrics import box_of, box_size
from training.photographs.heads import LabelledHead
from training.photographs.portrait_fit import PortraitFitter
from training.photographs.portraits import read_portraits

_FACE = 128.0  # pixels: size of the landmarks' box at which portraits are kept
_WIDEST = 50.0  # degrees of yaw: all look ahead, and further aside there is more invented than seen
_ROOM = 0.9  # of the face's size: how much of the portrait around it is kept


class PortraitHeads:
    """The portraits in ``data/london_portraits`` that the face model fits, of the people of one split.

    Raises:
        FileNotFoundError, ValueError: as :func:`training.photographs.portraits.read_portraits`, or none fits.
    """

    def __init__(self, data: Path, model: FaceModel, validation: bool) -> None:
        self._portraits = read_portraits(data)
        self.paths = tuple(self._portraits.paths)
        self._fitter = PortraitFitter(model)
        self._head = cache(self._fit)
        of_split = np.flatnonzero(self._portraits.validation == validation).tolist()
        self.usable: npt.NDArray[np.intp] = np.array([i for i in of_split if self._head(i) is not None], np.intp)
        if not len(self.usable):
            raise ValueError(
                f"the face model fits none of the portraits in '{data}'; are their points the London set's?"
            )

    def draw(self, rng: np.random.Generator) -> LabelledHead:
        """A random usable one."""
        return self.labelled(int(rng.choice(self.usable)))

    def labelled(self, index: int) -> LabelledHead:
        """One head; ValueError where the model does not fit it."""
        head = self._head(index)
        if head is None:
            raise ValueError(f"the face model does not fit '{self.paths[index]}'")
        return head

    def _fit(self, index: int) -> LabelledHead | None:
        image = cv2.imread(str(self.paths[index]))
        if image is None:
            raise FileNotFoundError(f"'{self.paths[index]}' is missing or no picture")
        fitted = self._fitter.fit(np.asarray(image, np.uint8), self._portraits.points[index])
        if fitted is None:
            return None
        fit, camera = fitted
        model = self._fitter.model
        points = model.shape(fit.coefficients) @ fit.pose[:3, :3].T + fit.pose[:3, 3]
        pixels = camera.project(points)
        box = box_of(np.asarray(model.at(model.landmarks, pixels), np.float64))
        size = box_size(box)
        low = np.maximum(np.floor(box[:2] - _ROOM * size), 0).astype(int)
        high = np.minimum(np.ceil(box[2:] + _ROOM * size), image.shape[1::-1]).astype(int)
        scale = _FACE / size
        kept = image[low[1] : high[1], low[0] : high[0], ::-1]
        photograph = cv2.resize(kept, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        pixels = (pixels - low + 0.5) * scale - 0.5
        rotation, focal = fit.pose[:3, :3], camera.fx * scale
        return LabelledHead(np.asarray(photograph, np.uint8), points, pixels, rotation, focal, _WIDEST, True)
