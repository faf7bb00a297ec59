"""Photographs turned out of plane for the finder to learn from: real skin and light, at a yaw they hardly show."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from dense_face_ros.crop import Crop
from dense_face_ros.face_model import FaceModel
from training.face_finder.photographs import FacePhoto, Image, decode, face_of_landmarks, window
from training.photographs.heads import Heads
from training.photographs.rotation import draw_turned
from training.photographs.views import shown

_SIZE = 192
_MARGIN = (1.7, 2.8)  # side of the picture over that of the landmarks' box


def turned_faces(
    model: FaceModel, heads: Heads, backgrounds: Sequence[bytes], count: int, seed: Sequence[int]
) -> list[FacePhoto]:
    """``count`` heads turned as far as each may be, windows of ``backgrounds`` past the photograph's edge."""
    rng = np.random.default_rng((*seed, 1))
    photos = [decode(file) for file in backgrounds]
    over = (window(photos[rng.integers(len(photos))], _SIZE, rng) for _ in range(count))
    return [_face(model, heads, image, rng) for image in over]


def _face(model: FaceModel, heads: Heads, image: Image, rng: np.random.Generator) -> FacePhoto:
    """A random head, drawn over ``image``."""
    view = shown(model, rng, heads.draw(rng), turned=True)
    assert view.turn is not None
    marks = np.asarray(model.at(model.landmarks, view.pixels), np.float64)
    box = np.concatenate([marks.min(axis=0), marks.max(axis=0)])
    crop = Crop.around_box(box, rng.uniform(*_MARGIN), size=_SIZE)
    draw_turned(
        model,
        view.head.photograph,
        view.head.points,
        view.head.pixels,
        view.turned,
        crop.from_image(view.pixels),
        view.turn,
        image,
        cv2.invertAffineTransform(crop.to_image_matrix),
    )
    return face_of_landmarks(image, crop.from_image(marks), view.rotation)
