"""Rendered people as photographs, whose truth is known: the photographs' labelling network is judged on them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera
from training.benchmarks.conventions import along_line_of_sight
from training.benchmarks.metrics import box_of, box_size
from training.benchmarks.stills import Still, View, stills

_DISTANCE = 1.6  # metres; photographers stand about there, and the label's assumed camera with them
_LENS = 2.9  # focal length over that of the drives' camera, so that the face fills the picture all the same
_SIDE = 192  # pixels of a photograph, as the collections have them
_MARGIN = 1.7  # its side over that of the box of the landmarks
_PITCH_ROLL = (8.0, 6.0)  # degrees, standard deviations

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Portrait:
    """A picture (192, 192, 3) BGR and its truth.

    Attributes:
        camera: of the picture.
        pose: (4, 4) camera <- head.
        identity: (K,) of the person; the face is at rest.
        landmarks: (68, 2) pixels.
    """

    image: Image
    camera: PinholeCamera
    pose: Array
    identity: Array
    landmarks: Array

    @property
    def rotation(self) -> Array:
        """(3, 3) camera <- head along the line of sight."""
        return along_line_of_sight(self.pose)


def random_angles(rng: np.random.Generator, yaw: float, count: int) -> Array:
    """Rows of yaw, evenly up to ``yaw`` to either side, pitch and roll, (count, 3) degrees."""
    return np.column_stack([rng.uniform(-yaw, yaw, count), rng.normal(0.0, _PITCH_ROLL, (count, 2))])


def portraits(model: FaceModel, seed: int, angles: Array) -> list[Portrait]:
    """The person that ``seed`` stands for, turned by rows of yaw, pitch and roll (N, 3) in degrees."""
    views = [View(row, np.array([0.0, 0.0, _DISTANCE])) for row in angles]
    return [_portrait(still) for still in stills(model, seed, views, lens=_LENS)]


def _portrait(still: Still) -> Portrait:
    box = box_of(still.landmarks)
    scale = _SIDE / (_MARGIN * box_size(box))
    shift = 0.5 * (_SIDE - 1) - scale * 0.5 * (box[:2] + box[2:])
    to_portrait = np.column_stack([np.eye(2) * scale, shift])
    image = cv2.warpAffine(still.image, to_portrait, (_SIDE, _SIDE), flags=cv2.INTER_AREA)
    c = still.camera
    cx, cy = scale * np.array([c.cx, c.cy]) + shift
    camera = PinholeCamera(c.fx * scale, c.fy * scale, float(cx), float(cy), _SIDE, _SIDE)
    return Portrait(
        np.asarray(image, dtype=np.uint8), camera, still.pose, still.identity, scale * still.landmarks + shift
    )
