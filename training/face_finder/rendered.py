"""Rendered heads that the finder learns beside photographs, which hardly show a face turned far aside."""

from __future__ import annotations

import cv2
import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import roll_on_screen, yaw_pitch_roll_from_rotation
from dense_face_ros.template import Template
from training.backgrounds import random_window
from training.face_finder.photographs import FacePhoto, Image, decode
from training.rendering.settings import Settings
from training.rendering.synthetic import Sample, SyntheticHeads

_SIZE = 192
_JPEG = 92
#: More of the head and of what is around it than a crop for the correspondence network shows.
_SETTINGS = Settings(
    frontal_share=0.1, profile_share=0.55, roll_limit=20.0, face_margin=(1.7, 2.8), occluder=0.1, looks=512
)
_EYES = (slice(36, 42), slice(42, 48))  # landmarks of the person's right eye, then of the left


def rendered_faces(count: int, backgrounds: list[bytes], seed: int) -> list[FacePhoto]:
    """``count`` random heads in front of random windows of compressed photographs; half look beyond 47 degrees."""
    model = FaceModel.load()
    heads = SyntheticHeads(Template(model), _SETTINGS, size=_SIZE)
    rng = np.random.default_rng(seed)
    photos = [decode(file) for file in backgrounds]
    return [_face(model, heads.render(rng, _window(photos[rng.integers(len(photos))], rng))) for _ in range(count)]


def _window(photo: Image, rng: np.random.Generator) -> Image:
    side = int(rng.uniform(0.4, 1.0) * min(photo.shape[:2]))
    return random_window(photo[:, :, ::-1], side, _SIZE, rng, cv2.INTER_AREA)


def _face(model: FaceModel, sample: Sample) -> FacePhoto:
    outline = np.asarray(model.at(model.landmarks, sample.pixels), np.float32)
    eyes = np.stack([outline[eye].mean(axis=0) for eye in _EYES])
    rotation = sample.pose[:3, :3]
    roll, yaw = roll_on_screen(rotation), float(yaw_pitch_roll_from_rotation(rotation)[0])
    _, file = cv2.imencode(".jpg", sample.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG])
    return FacePhoto(file.tobytes(), (0, 0, _SIZE, _SIZE), outline, eyes, roll, yaw)
