"""What every benchmark has in common: the tracker under test, reading pictures, and what a failed fit counts as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, Array, PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks.conventions import along_line_of_sight
from training.benchmarks.metrics import box_of, box_size

Image = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]


class HeadTracker(Protocol):
    """The part of ``dense_face_ros.FaceTracker`` that benchmarks drive."""

    def fit(self, image: Image, box: Box | None = None, camera: PinholeCamera | None = None) -> HeadState:
        """One photograph (H, W, 3) BGR, without memory; a face box (x0, y0, x1, y1) or none."""
        ...

    def update(self, image: Image, stamp: float, camera: PinholeCamera | None = None) -> HeadState:
        """The next frame of a video."""
        ...


@dataclass(frozen=True)
class Prediction:
    """One fit as it is scored.

    Attributes:
        landmarks: (68, 2) pixels.
        rotation: (3, 3) camera <- head along the line of sight.
        visible: (68,) what the tracker says about each landmark.
        failed: True when the tracker found no head and :func:`stand_in` answers for it.
    """

    landmarks: Array
    rotation: Array
    visible: npt.NDArray[np.bool_]
    failed: bool


def box_around(points: Array) -> Box:
    """The bounding box (x0, y0, x1, y1) of points (N, 2)."""
    x0, y0, x1, y1 = box_of(points).tolist()
    return x0, y0, x1, y1


def read_image(path: Path) -> Image:
    """A picture as (H, W, 3) BGR; ValueError naming the file when it cannot be decoded."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"image '{path}' is missing or cannot be decoded; copy the data set again")
    return np.asarray(image, dtype=np.uint8)


def existing(folder: Path, benchmark: str, holding: str = "the data set") -> Path:
    """The folder itself; FileNotFoundError naming it, and what it should hold, when there is no such folder."""
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        raise FileNotFoundError(f"{benchmark}: '{folder}' {found}; give the folder that holds {holding}")
    return folder


def files_in(folder: Path, pattern: str, benchmark: str) -> list[Path]:
    """The files of a data set's folder in name order.

    Raises:
        FileNotFoundError: the folder does not exist.
        ValueError: it holds no such file.
    """
    files = sorted(existing(folder, benchmark).glob(pattern))
    if not files:
        found = ", ".join(sorted({p.suffix or p.name for p in folder.iterdir()})[:6]) or "nothing"
        raise ValueError(f"{benchmark}: folder '{folder}' holds no {pattern} (found: {found}); give the data set's own")
    return files


def stand_in(model: FaceModel, box: Box) -> Prediction:
    """What a failed fit counts as: the mean face, frontal, with the size and centre of the box it was given."""
    head = np.asarray(model.at(model.landmarks, model.mean), dtype=np.float64)
    flat = np.column_stack([head[:, 1], -head[:, 2]])
    own = box_of(flat)
    scale = box_size(box) / box_size(own)
    centre = 0.5 * (np.array(box[:2]) + np.array(box[2:]))
    landmarks = (flat - 0.5 * (own[:2] + own[2:])) * scale + centre
    return Prediction(landmarks, FACING_CAMERA.copy(), np.zeros(68, dtype=bool), failed=True)


def middle_box(image: Image) -> Box:
    """The middle half of an image: the box of the :func:`stand_in` where none was given and no face was found."""
    height, width = image.shape[:2]
    return (0.25 * width, 0.25 * height, 0.75 * width, 0.75 * height)


def scored(state: HeadState, model: FaceModel, box: Box) -> Prediction:
    """The prediction in a state; the :func:`stand_in` in ``box`` when there is no head in it."""
    if state.status is not Status.TRACKING or not np.isfinite(state.landmarks_2d).all():
        return stand_in(model, box)
    return Prediction(state.landmarks_2d, along_line_of_sight(state.pose), state.landmark_visible, failed=False)


def limited(items: Sequence[Path], limit: int | None) -> Sequence[Path]:
    """The first ``limit`` items, all without one."""
    return items if limit is None else items[:limit]
