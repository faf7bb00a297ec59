"""Rendered sequences of random people in front of a camera, with the true pose of every frame.

Unlike the scripted drives, which show one invented driver, every seed is another person, drawn from the face model's
whole population, with another motion, place, light and expression. What a seed shows never changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera
from training.rendering.drive import Drive, DriveRenderer, Lighting

Image = npt.NDArray[np.uint8]

_SECONDS = 4.0
_EVERY = 2  # every second frame of the renderer's 30 per second: movement between frames is larger
_LIGHTS: tuple[Lighting, ...] = ("day", "day", "infrared", "flicker")
_GRAIN = 2.0  # grey levels of sensor noise
_JPEG = 95  # quality in which frames are held: a hundred sequences fit into memory


class PersonRenderer(DriveRenderer):
    """Draws a drive of the person that ``seed`` stands for, drawn from N(0, 1) as the face model says."""

    def __init__(self, model: FaceModel, drive: Drive, seed: int) -> None:
        identity = np.random.default_rng((seed, 1)).normal(size=model.identity_size)
        super().__init__(model, drive, seed, identity=identity)

    @property
    def identity(self) -> Array:
        """(K,) the person's coefficients."""
        return self._identity


@dataclass(frozen=True)
class Sequence:
    """Frames of one person.

    Attributes:
        camera: of all frames, metric.
        stamp: (N,) seconds.
        pose: (N, 4, 4) camera <- head, true.
        encoded: N JPEG files.
    """

    camera: PinholeCamera
    stamp: Array
    pose: Array
    encoded: list[npt.NDArray[np.uint8]]

    def frames(self) -> Iterator[tuple[float, Array, Image]]:
        """Stamp, true pose and image (H, W, 3) BGR of each frame."""
        for stamp, pose, data in zip(self.stamp, self.pose, self.encoded, strict=True):
            yield float(stamp), pose, np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)

    def reduced(self, scale: float) -> Sequence:
        """As a camera with ``scale`` times the pixels a side would show it, 0 to 1; half-pixel correct."""
        width, height = round(scale * self.camera.width), round(scale * self.camera.height)
        images = (cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for _, _, image in self.frames())
        encoded = [_encoded(np.asarray(image, dtype=np.uint8)) for image in images]
        return replace(self, camera=self.camera.resized(width, height), encoded=encoded)


def random_drive(rng: np.random.Generator) -> Drive:
    """A few seconds of somebody who looks around, leans, blinks and may speak, anywhere a driver's head can be."""
    times = np.linspace(0.0, _SECONDS, 5)
    angles = rng.normal(0.0, (25.0, 10.0, 8.0), (len(times), 3)).clip((-60, -25, -20), (60, 25, 20))
    distance = float(np.exp(rng.uniform(np.log(0.45), np.log(1.1))))
    home = distance * np.array([*rng.uniform((-0.35, -0.2), (0.35, 0.2)), 1.0])
    places = home + rng.normal(0.0, (0.015, 0.01, 0.02), (len(times), 3))
    blinks = tuple((float(t), 0.12) for t in np.sort(rng.uniform(0.3, _SECONDS, 2)))
    speech = ((0.3, 0.9 * _SECONDS),) if rng.uniform() < 0.4 else ()
    motion = tuple(map(tuple, np.column_stack([times, angles, places]).tolist()))
    return Drive(motion, blinks, speech=speech, lighting=_LIGHTS[rng.integers(len(_LIGHTS))])


def sequence(model: FaceModel, seed: int) -> Sequence:
    """The sequence that ``seed`` stands for."""
    return render(model, random_drive(np.random.default_rng((seed, 0))), seed, _EVERY)


def render(model: FaceModel, drive: Drive, seed: int, every: int) -> Sequence:
    """Every ``every``-th frame of a drive of the person that ``seed`` stands for."""
    truth, renderer = drive.truth(), PersonRenderer(model, drive, seed)
    encoded = [_encode(renderer.frame(i), i) for i in range(0, len(truth.stamp), every)]
    return Sequence(truth.camera, truth.stamp[::every], truth.pose[::every], encoded)


def _encode(image: Image, index: int) -> npt.NDArray[np.uint8]:
    grain = np.random.default_rng(index).normal(0.0, _GRAIN, image.shape)
    return _encoded(np.clip(image + grain, 0, 255).astype(np.uint8))


def _encoded(image: Image) -> npt.NDArray[np.uint8]:
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG])
    if not encoded:
        raise OSError(f"an image of shape {image.shape} cannot be encoded")
    return np.asarray(data, dtype=np.uint8)
