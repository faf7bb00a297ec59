"""Single pictures of rendered people, with the truth: nothing but the picture tells where the head is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera
from training.benchmarks.rendered_people import PersonRenderer
from training.rendering.clip import Truth
from training.rendering.drive import Drive, Lighting

_STEP = 0.2  # seconds of the script from one picture to the next


@dataclass(frozen=True)
class View:
    """Where a head is: angles (3,) yaw, pitch, roll in degrees, place (3,) in the camera frame, metres."""

    angles: Array
    place: Array


@dataclass(frozen=True)
class Still:
    """A picture (480, 640, 3) BGR, its camera, pose (4, 4) camera <- head, landmarks (68, 2) in pixels, and the
    person's identity (K,)."""

    image: npt.NDArray[np.uint8]
    camera: PinholeCamera
    pose: Array
    landmarks: Array
    identity: Array


@dataclass(frozen=True)
class _Sitting(Drive):
    """Somebody before a camera whose focal length is ``lens`` times that of the drives' camera."""

    lens: float = 1.0

    def truth(self) -> Truth:
        truth = super().truth()
        lens = replace(truth.camera, fx=truth.camera.fx * self.lens, fy=truth.camera.fy * self.lens)
        return replace(truth, camera=lens)


def stills(
    model: FaceModel, seed: int, views: Sequence[View], *, lens: float = 1.0, lighting: Lighting = "day"
) -> list[Still]:
    """The person that ``seed`` stands for in each of the views, with a resting face."""
    rows = [(_STEP * i, *view.angles.tolist(), *view.place.tolist()) for i, view in enumerate(views)]
    motion = (*rows, (_STEP * len(rows), *rows[-1][1:]))
    drive = _Sitting(motion, (), lighting=lighting, lens=lens)
    truth, renderer = drive.truth(), PersonRenderer(model, drive, seed)
    shape = model.shape(np.concatenate([renderer.identity, np.zeros(model.expression_size)]))
    marks = model.at(model.landmarks, shape)
    made = []
    for frame in np.searchsorted(truth.stamp, _STEP * np.arange(len(views)) - 1e-6):
        pose = truth.pose[frame]
        landmarks = truth.camera.project(marks @ pose[:3, :3].T + pose[:3, 3])
        made.append(Still(renderer.frame(int(frame)), truth.camera, pose, landmarks, renderer.identity))
    return made
