"""A rendered video of one invented driver with the exact pose of every frame: the demo's input and its yardstick.

    python -m training.rendering.clip demo_output

The head turns to +-50 degrees, nods, leans, comes nearer and goes away, blinks, speaks and smiles, while a lamp moves
from one side to the other. Skin, hair and light are those of the synthetic training heads; the person, the frame and
the motion are the clip's own.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, Array, PinholeCamera, rotation_from_yaw_pitch_roll
from training.rendering.albedo import EyePainter
from training.rendering.compose import EYE, SUPERSAMPLING, compose
from training.rendering.head_mesh import SKULL_CENTRE, HeadMesh
from training.rendering.lighting import (
    Light,
    lamp_visibility,
    radiance,
    random_light,
    shadow_buffers,
    sky_visibility,
    vertex_normals,
)
from training.rendering.looks import LookMaker
from training.rendering.rasteriser import Buffers, FloatArray, Image, rasterise
from training.rendering.settings import Settings
from training.rendering.synthetic import hair_texture

VIDEO, TRUTH = "clip.avi", "clip_truth.npz"
WIDTH, HEIGHT, RATE, FIELD_OF_VIEW = 640, 480, 30.0, 60.0
INVENTED_DRIVER = 14
#: Seconds from silence to speech, from daylight to a tunnel.
RAMP = 0.3
_EXPOSURE = 0.20  # linear level of lit skin; fixed, as the changing light is part of the test
_CLEAN_SHAVEN = Settings(beard=0.0, face_mask=0.0, hat=0.0, long_hair=0.0, bald=0.0)

# Seconds, then yaw, pitch, roll (degrees) and x, y, z (metres, camera frame) of the head.
_MOTION = np.array([
    [0.0,   0,   0,   0,  0.00,  0.00, 0.62],
    [1.0,   0,   0,   0,  0.00,  0.00, 0.62],
    [2.5,  50,   3,   2,  0.04,  0.00, 0.62],
    [3.0,  50,   3,   2,  0.04,  0.00, 0.62],
    [5.0, -50,   3,  -2, -0.04,  0.00, 0.62],
    [5.5, -50,   3,  -2, -0.04,  0.00, 0.62],
    [6.6,   5,   0,   0,  0.00,  0.00, 0.60],
    [7.4,   0,  22,   0,  0.00,  0.02, 0.60],
    [8.2,   0, -18,   0,  0.00, -0.01, 0.60],
    [9.0,   8,   2,  20,  0.05,  0.00, 0.50],
    [9.8,  -8,   2, -15, -0.06,  0.01, 0.70],
    [11.0,  0,   0,   0,  0.00,  0.00, 0.85],
    [12.0,  0,   0,   0,  0.00,  0.00, 0.62],
])  # fmt: skip
DURATION = float(_MOTION[-1, 0])
_BLINKS = (0.6, 2.75, 3.9, 6.8, 9.4, 11.4)  # seconds, when the lids are shut
_BLINK_HALF = 0.12  # seconds from open to shut
_SPEECH = (6.8, 8.8)  # seconds
_SMILE = (10.0, 11.6)


@dataclass(frozen=True)
class Truth:
    """What a clip shows: ``pose`` (N, 4, 4) camera <- head in metres, ``stamp`` (N,) seconds from its start.

    ``eye_openness`` (N, 2) of the left and the right eye, as :func:`training.eyes.openness.openness` tells it; None
    where nobody wrote it down.
    """

    camera: PinholeCamera
    stamp: Array
    pose: Array
    eye_openness: Array | None = None

    def save(self, path: Path) -> None:
        """Write an ``.npz`` file."""
        intrinsics = np.array([self.camera.fx, self.camera.fy, self.camera.cx, self.camera.cy])
        size = np.array([self.camera.width, self.camera.height])
        np.savez(path, stamp=self.stamp, pose=self.pose, intrinsics=intrinsics, size=size)

    @classmethod
    def load(cls, path: Path) -> Truth:
        """Read what :meth:`save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            fx, fy, cx, cy = map(float, file["intrinsics"])
            width, height = map(int, file["size"])
            return cls(PinholeCamera(fx, fy, cx, cy, width, height), file["stamp"], file["pose"])

    @classmethod
    def of_motion(cls, motion: Array) -> Truth:
        """A head that moves smoothly through rows (N, 7) of seconds, yaw, pitch, roll in degrees and x, y, z in metres
        (camera frame), before the clip's camera at its rate."""
        camera = replace(PinholeCamera.from_field_of_view(WIDTH, HEIGHT, FIELD_OF_VIEW), metric=True)
        stamp = np.arange(round(float(motion[-1, 0]) * RATE)) / RATE
        place = PchipInterpolator(motion[:, 0], motion[:, 1:], axis=0)(stamp)
        pose = np.tile(np.eye(4), (len(stamp), 1, 1))
        pose[:, :3, :3] = [rotation_from_yaw_pitch_roll(angles) for angles in np.radians(place[:, :3])]
        pose[:, :3, 3] = place[:, 3:]
        return cls(camera, stamp, pose)


def clip_truth() -> Truth:
    """The camera and the motion, without drawing anything."""
    return Truth.of_motion(_MOTION)


def between(time: float, begin: float, end: float, ramp: float = RAMP) -> float:
    """0 outside, 1 inside, with ramps; all in seconds."""
    return float(np.clip(min(time - begin, end - time) / ramp, 0.0, 1.0))


def speaking_jaw(time: float, speech: float) -> float:
    """Activation of ``jawOpen`` at a time in seconds; ``speech``: 0 silent, 1 speaking."""
    return 0.45 * speech * float(np.sin(2.0 * np.pi * 1.7 * time)) ** 2


class ClipRenderer:
    """Draws the frames. Not for use by two threads at once: it keeps its scratch memory.

    ``seed`` decides who is shown, in what light; by default the invented driver. ``identity`` (K,) gives the head
    another shape than the seed's, ``truth`` the camera and the head's motion instead of the clip's.
    """

    def __init__(
        self,
        model: FaceModel,
        seed: int = INVENTED_DRIVER,
        *,
        identity: Array | None = None,
        truth: Truth | None = None,
    ) -> None:
        self._model, self._head = model, HeadMesh(model)
        self._truth = clip_truth() if truth is None else truth
        rng = np.random.default_rng(seed)
        self._look = LookMaker(self._head, _CLEAN_SHAVEN).make(rng)
        drawn = rng.normal(0.0, 0.8, model.identity_size)
        self._identity = drawn if identity is None else identity
        self._light = random_light(rng, hard_side_share=0.0, camera_lamp_share=0.0)
        self._background = _background(rng)
        self._texture = hair_texture()
        self._eyes = EyePainter(self._head)
        self._eyes.look_around(rng, self._look.surface)
        self._look.albedo[self._eyes.vertices] = 1.0  # their colour comes from the ramp
        self._material = np.where(self._eyes.triangles, EYE, np.uint8(0))
        outward = self._head.mean - SKULL_CENTRE.astype(np.float32)
        self._lift = outward / np.linalg.norm(outward, axis=1, keepdims=True) * self._look.lift[:, None]
        normals = vertex_normals(self._head.mean, self._head.triangles)
        self._sky = (0.1 + 0.9 * sky_visibility(self._head.mean, normals, self._head.triangles)).astype(np.float32)
        self._fine, self._shadow = Buffers.allocate(WIDTH * SUPERSAMPLING), shadow_buffers()
        self._gain = _EXPOSURE / self._skin_level()

    def frame(self, index: int) -> Image:
        """Frame ``index`` of the clip, (480, 640, 3) uint8 BGR."""
        points, sent = self._lit_head(index)
        # The renderer draws squares: the frame is the middle of one.
        above = (WIDTH - HEIGHT) // 2
        pixels = self._truth.camera.project(points.astype(np.float64)) + (0, above)
        fine_pixels = (pixels * SUPERSAMPLING + 0.5 * (SUPERSAMPLING - 1)).astype(np.float32)
        depth = self._eyes.set_back(points[:, 2])
        fine = rasterise(fine_pixels, depth, self._head.triangles, WIDTH * SUPERSAMPLING, buffers=self._fine)
        catchlight = np.array([-0.12, 0.15, 0.10], np.float32)
        square = compose(
            fine, self._head.triangles, self._material, sent * np.float32(self._gain), self._look.surface,
            self._texture, self._look.eye_ramp, catchlight, self._background,
        )  # fmt: skip
        return np.ascontiguousarray(square[above : above + HEIGHT, :, ::-1])

    @property
    def backdrop(self) -> Image:
        """What a frame shows where there is no head, (480, 640, 3) uint8 BGR."""
        above = (WIDTH - HEIGHT) // 2
        return self._background[above : above + HEIGHT, :, ::-1]

    def frames(self) -> Iterator[Image]:
        """All frames."""
        return map(self.frame, range(len(self._truth.stamp)))

    def _lit_head(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Vertices (V, 3) in the camera frame and the light (V, 3) they send to it."""
        time, pose = float(self._truth.stamp[index]), self._truth.pose[index]
        face = self._face(time)
        # The head turns, the shoulders do not.
        shoulders = (FACING_CAMERA.T @ pose[:3, :3]).T
        vertices = self._head.vertices(face, shoulders, 1.0) + self._lift
        points = (vertices @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
        light = self._light_at(time)
        normals = vertex_normals(points, self._head.triangles)
        lit = lamp_visibility(points, self._head.triangles, light.lamp, self._shadow)
        return points, radiance(self._look.albedo, normals, self._sky, lit, self._look.gloss, light)

    def _face(self, time: float) -> FloatArray:
        """The face (V, 3) at a time in seconds, head frame."""
        return self._model.shape(np.concatenate([self._identity, self._expression(time)]))

    def _expression(self, time: float) -> Array:
        """Activations (E,) of the face model's blendshapes."""
        activation = dict.fromkeys(self._model.expression_names, 0.0)
        blink = max(max(0.0, 1.0 - abs(time - shut) / _BLINK_HALF) for shut in _BLINKS)
        smile = 0.7 * between(time, *_SMILE)
        activation |= {"eyeBlink_L": blink, "eyeBlink_R": blink, "mouthSmile_L": smile, "mouthSmile_R": smile}
        activation["jawOpen"] = speaking_jaw(time, between(time, *_SPEECH))
        return np.array([activation[name] for name in self._model.expression_names])

    def _light_at(self, time: float) -> Light:
        """The environment stays; the lamp swings once from the left to the right and back."""
        across = np.sin(2.0 * np.pi * time / DURATION)
        lamp = np.array([-0.9 * across, -0.45, -0.6])
        colour = np.array([1.5, 1.42, 1.3], np.float32)
        return replace(self._light, lamp=(lamp / np.linalg.norm(lamp)).astype(np.float32), lamp_colour=colour)

    def _skin_level(self) -> float:
        """Light from what the camera sees of the face in the first frame, as its sensor weighs colours."""
        points, sent = self._lit_head(0)
        normals = vertex_normals(points, self._head.triangles)
        shown = (normals * points).sum(axis=1)[self._head.parts.face] < 0.0
        return float(np.median(sent[self._head.parts.face][shown] @ self._sensor()))

    def _sensor(self) -> FloatArray:
        """Shares (3,) of red, green and blue by which the camera meters."""
        return np.array([0.0, 1.0, 0.0], np.float32)


def _background(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(WIDTH, WIDTH, 3) RGB: a dark cabin with lighter windows, out of focus."""
    out = np.full((WIDTH, WIDTH, 3), 62.0, np.float32)
    out[:, :, 2] += 6.0
    for left, right, level in ((20, 190, 175.0), (255, 400, 140.0), (470, 630, 190.0)):
        out[130:300, left:right] = level + rng.normal(0.0, 6.0, 3)
    out[330:, 180:460] *= 0.7
    blurred = cv2.GaussianBlur(out, (0, 0), 14.0)
    grain = rng.normal(0.0, 2.0, blurred.shape)
    return np.clip(blurred + grain, 0, 255).astype(np.uint8)


def write_clip(folder: Path, model: FaceModel) -> tuple[Path, Path]:
    """Render the clip into ``folder``: ``VIDEO`` (Motion JPEG) and ``TRUTH`` (:class:`Truth`); returns both paths.

    Raises:
        OSError: when the video cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    video, truth = folder / VIDEO, folder / TRUTH
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), RATE, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise OSError(f"video '{video}' cannot be written; is the folder writable?")
    for frame in ClipRenderer(model).frames():
        writer.write(frame)
    writer.release()
    clip_truth().save(truth)
    return video, truth


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Render the demo's clip.")
    parser.add_argument("folder", type=Path)
    print(*write_clip(parser.parse_args().folder, FaceModel.load()), sep="\n")
