"""Rendered heads for the finder to learn from: photographs hardly show a face turned far aside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.face_finder.photographs import FacePhoto, FloatArray, decode, face_of_landmarks, window
from training.face_model import face_model
from training.rendering.settings import Settings
from training.rendering.synthetic import Sample, SyntheticHeads

_SIZE = 192
#: Heads that look aside, half of them beyond 47 degrees. More of the head and of what is around it shows than in a crop
#: for the correspondence network.
ASIDE = Settings(
    frontal_share=0.1, profile_share=0.55, roll_limit=20.0, face_margin=(1.7, 2.8), occluder=0.1, looks=512
)


def rendered_faces(
    count: int,
    backgrounds: list[bytes],
    seed: Sequence[int],
    settings: Settings,
    skins: FloatArray | None = None,
    held_out: bool = False,
) -> list[FacePhoto]:
    """``count`` random heads in front of random windows of compressed photographs; ``skins`` and ``held_out``: as
    SyntheticHeads."""
    model = face_model()
    heads = SyntheticHeads(Template(model), settings, skins, size=_SIZE, held_out=held_out)
    rng = np.random.default_rng(seed)
    photos = [decode(file) for file in backgrounds]
    behind = (window(photos[rng.integers(len(photos))], _SIZE, rng) for _ in range(count))
    return [_face(model, heads.render(rng, photo)) for photo in behind]


def _face(model: FaceModel, sample: Sample) -> FacePhoto:
    return face_of_landmarks(sample.image, model.at(model.landmarks, sample.pixels), sample.pose[:3, :3])
