"""Random synthetic heads with exact targets: the pre-training data of paper Section 4.1, and its large poses.

Identity, expression, pose, perspective, light, skin, hair, glasses and things in front are drawn at random, as
:class:`training.rendering.settings.Settings` says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.geometry import Array, PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.template import Template
from training.rendering.albedo import EyePainter
from training.rendering.backgrounds import as_seen, made_background
from training.rendering.compose import EYE, SUPERSAMPLING, compose
from training.rendering.fields import FloatArray
from training.rendering.head_mesh import SKULL_CENTRE, HeadMesh
from training.rendering.lighting import (
    lamp_visibility,
    radiance,
    random_light,
    shadow_buffers,
    sky_visibility,
    vertex_normals,
)
from training.rendering.looks import Extra, Look, LookMaker, glasses
from training.rendering.occluders import add_random_occluder, covered_cells
from training.rendering.pose import Change, CoefficientSampler, draw_framing, draw_pose
from training.rendering.rasteriser import Buffers, Image, IntArray, rasterise, render_targets
from training.rendering.settings import Settings
from training.rendering.targets import Targets, drawn_triangles

_LOOKS_SEED, _HELD_OUT_SEED = 20170, 20171
_SKY_OF_EXTRAS = 0.8  # share of the sky that hair and glasses see


@dataclass(frozen=True)
class Sample:
    """A picture and what the network should answer.

    Attributes:
        image: (size, size, 3) uint8 RGB.
        targets: template coordinates and matchability on the grid.
        coefficients: (K + E,) identity, expression.
        pose: (4, 4) camera <- head, metres.
        camera: whose image the picture is.
        pixels: (V, 2) crop pixels of the face model's vertices, and depth: (V,) their camera z, metres.
    """

    image: Image
    targets: Targets
    coefficients: FloatArray
    pose: Array
    camera: PinholeCamera
    pixels: FloatArray
    depth: FloatArray


class SyntheticHeads:
    """Draws samples for one template. Not for use by two threads at once: it keeps its scratch memory.

    Args:
        template: what the targets point into; its face model is the one drawn.
        settings: how often what happens.
        albedo: (N, V, 3) sRGB in [0, 1], skins measured from photographs, for realism.
        size: side of the picture.
        stride: picture pixels per target cell.
        held_out: they look like nobody in training (but for the skins of ``albedo``): to choose networks by.
    """

    def __init__(
        self,
        template: Template,
        settings: Settings | None = None,
        albedo: FloatArray | None = None,
        size: int = CROP_SIZE,
        stride: int = 2,
        held_out: bool = False,
    ) -> None:
        self.template, self.settings, self.size, self.stride = template, settings or Settings(), size, stride
        self.model, self.head = template.model, HeadMesh(template.model)
        self._coefficients, self._eyes = CoefficientSampler(self.model), EyePainter(self.head)
        maker, seed = LookMaker(self.head, self.settings, albedo), _HELD_OUT_SEED if held_out else _LOOKS_SEED
        self._looks = [maker.make(rng) for rng in np.random.default_rng(seed).spawn(self.settings.looks)]
        self._drawn = np.zeros(len(self.head.triangles), np.bool_)
        self._drawn[: len(self.model.triangles)] = drawn_triangles(template)
        mean = self.head.mean
        normals = vertex_normals(mean, self.head.triangles)
        self._sky = (0.1 + 0.9 * sky_visibility(mean, normals, self.head.triangles)).astype(np.float32)
        outward = mean - SKULL_CENTRE.astype(np.float32)
        self._outward = outward / np.linalg.norm(outward, axis=1, keepdims=True)
        self._texture = hair_texture()
        self._cells, self._fine = Buffers.allocate(size // stride), Buffers.allocate(size * SUPERSAMPLING)
        self._shadow = shadow_buffers()

    def render(self, rng: np.random.Generator, background: Image | None = None, change: Change | None = None) -> Sample:
        """One random picture with its targets; the same generator state gives the same sample.

        Args:
            background: a photograph (size, size, 3); without one, grey or blotches.
            change: of the face or camera that the generator's state stands for; all else stays as it is, the light on
                the head too.
        """
        if background is not None and background.shape != (self.size, self.size, 3):
            raise ValueError(f"background is {background.shape}; it must be ({self.size}, {self.size}, 3)")
        behind = made_background(rng, self.size) if background is None else as_seen(rng, background)
        look = self._looks[rng.integers(len(self._looks))]
        coefficients = self._coefficients.draw(rng, self.settings, look.masked)
        if change is not None:
            coefficients = self._coefficients.changed(coefficients, change, look.masked)
        face = self.model.shape(coefficients)
        marks = self.model.at(self.model.landmarks, face)
        rotation, translation = draw_pose(rng, self.settings)
        turn = np.eye(3) if change is None else change.turn(translation)
        scale, offset = draw_framing(rng, self.settings, (marks @ rotation.T + translation) @ turn.T, self.size)
        scene = _Scene(self._head_vertices(rng, face, look), self.head.triangles, look, self._sky)
        scene.add(look.extras)
        hiding = len(scene.triangles)  # glasses come after: the face is matched through them
        if rng.uniform() < self.settings.glasses:
            scene.add(glasses(rng, marks, rng.uniform() < self.settings.dark_glasses))
        points = scene.vertices @ rotation.T.astype(np.float32) + translation.astype(np.float32)
        seen = points @ turn.T.astype(np.float32)
        pixels, depth = seen[:, :2] / seen[:, 2:] * scale + offset, seen[:, 2]
        targets = self._targets(pixels, depth, scene.triangles[:hiding], look)
        image, skin = self._picture(rng, scene, points, pixels, self._eyes.set_back(depth), look, behind)
        if rng.uniform() < self.settings.occluder:
            mask = add_random_occluder(image, skin, rng, np.ascontiguousarray(behind[::-1]))
            hidden = covered_cells(mask, self.stride)
            targets.matchable[hidden] = False
            targets.template[:, hidden] = 0.0
        count = len(self.model.mean)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = turn @ rotation, turn @ translation
        focal, (cx, cy) = float(scale), offset.tolist()
        camera = PinholeCamera(focal, focal, cx, cy, self.size, self.size)
        return Sample(image, targets, coefficients, pose, camera, pixels[:count], depth[:count])

    def _head_vertices(self, rng: np.random.Generator, face: FloatArray, look: Look) -> FloatArray:
        """The head with its shoulders somewhere else than straight below, raised where hair grows."""
        torso = rotation_from_yaw_pitch_roll(np.radians(rng.normal(0.0, (25.0, 10.0, 10.0))))
        turn = rotation_from_yaw_pitch_roll((0.0, 0.0, 0.0)).T @ torso
        vertices = self.head.vertices(face, turn, rng.uniform(0.85, 1.15))
        vertices += self._outward * look.lift[:, None]
        return vertices

    def _targets(self, pixels: FloatArray, depth: FloatArray, triangles: IntArray, look: Look) -> Targets:
        coordinates = np.zeros((len(pixels), 2), np.float32)
        coordinates[self.head.parts.face] = self.template.coordinates
        matchable = np.zeros(len(triangles), np.bool_)
        matchable[: len(self._drawn)] = self._drawn & look.visible
        template, visible = render_targets(
            pixels, depth, triangles, coordinates, self.size, self.stride, matchable, self._cells
        )
        return Targets(template, visible, self.stride)

    def _picture(
        self,
        rng: np.random.Generator,
        scene: _Scene,
        points: FloatArray,
        pixels: FloatArray,
        depth: FloatArray,
        look: Look,
        background: Image,
    ) -> tuple[Image, FloatArray]:
        """The picture, and the sRGB colour (3,) 0-255 of plain skin in its light; that and ``points`` share a frame."""
        light = random_light(rng, self.settings.hard_side_light, self.settings.camera_lamp)
        normals = vertex_normals(points, scene.triangles)
        lit = np.ones(len(points), np.float32)
        if light.lamp_colour.any():
            lit = lamp_visibility(points, scene.triangles, light.lamp, self._shadow)
        shade = np.exp(rng.normal(0.0, 0.10) + rng.normal(0.0, 0.03, 3)).astype(np.float32)
        albedo = scene.albedo * shade
        albedo[: len(self._eyes.vertices)][self._eyes.vertices] = 1.0  # their colour comes from the ramp
        sent = radiance(albedo, normals, scene.sky, lit, scene.gloss, light)
        face = self.head.parts.face
        facing = np.flatnonzero(normals[face, 2] < -0.2)
        level = float(np.median(sent[face][facing, 1])) if len(facing) else 1.0
        # A camera exposes for mid grey, but not wholly: dark skin stays darker than light skin.
        brightness = float(look.tone[1])
        exposed = float(np.exp(rng.normal(np.log(0.20), 0.3))) * (brightness / 0.25) ** 0.6
        sent *= np.float32(exposed / max(level, 1e-4))
        fine_pixels = pixels * np.float32(SUPERSAMPLING) + np.float32(0.5 * SUPERSAMPLING - 0.5)
        fine = rasterise(fine_pixels, depth, scene.triangles, self.size * SUPERSAMPLING, buffers=self._fine)
        material = np.zeros(len(scene.triangles), np.uint8)
        material[: len(self._eyes.triangles)][self._eyes.triangles] = EYE
        self._eyes.look_around(rng, scene.surface)
        glint = np.array([*rng.uniform(-0.35, 0.35, 2), rng.choice((0.0, 0.10, 0.15))], np.float32)
        image = compose(
            fine, scene.triangles, material, sent, scene.surface, self._texture, look.eye_ramp, glint, background
        )
        skin = 255.0 * np.clip(look.tone * exposed / max(brightness, 1e-3), 0.0, 1.0) ** (1 / 2.2)
        return image, skin.astype(np.float32)


class _Scene:
    """Everything drawn for one picture, per vertex: the head mesh first, then what it wears."""

    def __init__(self, vertices: FloatArray, triangles: IntArray, look: Look, sky: FloatArray) -> None:
        self.vertices, self.triangles = vertices, triangles
        self.albedo, self.gloss, self.surface, self.sky = look.albedo, look.gloss, look.surface.copy(), sky

    def add(self, extras: tuple[Extra, ...] | list[Extra]) -> None:
        for extra in extras:
            start, count = len(self.vertices), len(extra.points)
            self.vertices = np.concatenate([self.vertices, extra.points])
            self.triangles = np.concatenate([self.triangles, extra.triangles + np.int32(start)])
            self.albedo = np.concatenate([self.albedo, np.broadcast_to(extra.colour, (count, 3))])
            self.gloss = np.concatenate([self.gloss, np.full(count, extra.gloss, np.float32)])
            self.surface = np.concatenate([self.surface, extra.surface])
            self.sky = np.concatenate([self.sky, np.full(count, _SKY_OF_EXTRAS, np.float32)])


def hair_texture(side: int = 128) -> npt.NDArray[np.float32]:
    """Strands that run down: noise smoothed along columns, of standard deviation 1, without a seam; (side, side)."""
    spectrum = np.fft.fft2(np.random.default_rng(0).normal(size=(side, side)))
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :]
    spectrum *= np.exp(-((rows / 0.04) ** 2) - (columns / 0.30) ** 2)
    texture = np.fft.ifft2(spectrum).real
    return np.asarray(texture / texture.std(), dtype=np.float32)
