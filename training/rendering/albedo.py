"""The colour of skin, lips, brows, eyes, teeth and clothing, per vertex, in linear RGB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.rendering.fields import FloatArray, SmoothNoise, inside_outline, near_line, smoothstep
from training.rendering.head_mesh import SKULL_CENTRE, HeadMesh
from training.rendering.rasteriser import BoolArray

#: Skin from light to dark, sRGB.
_TONES = (
    np.array(
        [[238, 206, 188], [226, 184, 160], [206, 160, 130], [178, 130, 100], [140, 96, 70], [104, 68, 50], [70, 46, 36]]
    )
    / 255.0
)
#: Irises: browns, hazel, greens, blues, grey, sRGB.
_IRISES = np.array([[60, 36, 22], [84, 52, 30], [110, 82, 46], [96, 106, 72], [104, 132, 156], [128, 140, 148]]) / 255.0
_IRIS_SHARES = np.array([0.4, 0.25, 0.1, 0.07, 0.1, 0.08])
_RAMP_STEPS = 64
_SKIN_DETAIL = 0.02
_SET_BACK = 0.003  # metres; eyeballs reach no further through lids


@dataclass(frozen=True)
class Skin:
    """One person's colours.

    Attributes:
        albedo: (V, 3) linear RGB of the whole head mesh.
        gloss: (V,) strength of the sheen.
        tone: (3,) the plain skin colour, linear RGB.
        eye_ramp: (M, 3) linear RGB from the middle of the pupil outwards, see :func:`compose.compose`.
    """

    albedo: FloatArray
    gloss: FloatArray
    tone: FloatArray
    eye_ramp: FloatArray


class SkinPainter:
    """Draws random skins for a head mesh.

    Args:
        head: the head.
        samples: (N, V_face, 3) sRGB in [0, 1], skins measured from photographs; without them skin is only invented.
    """

    def __init__(self, head: HeadMesh, samples: FloatArray | None = None) -> None:
        faces = len(head.model.mean)
        if samples is not None and (samples.ndim != 3 or samples.shape[1:] != (faces, 3)):
            raise ValueError(f"albedo samples are {samples.shape}; this face model needs (N, {faces}, 3)")
        self._head, self._samples = head, samples
        marks = head.model.at(head.model.landmarks, head.model.mean).astype(np.float64)
        points = head.mean.astype(np.float64)
        front = points[:, 0] > marks[36:48, 0].min() - 0.02
        outline = np.concatenate([marks[48:60], marks[48:49]])
        self._lips = np.where(inside_outline(points, marks[48:60]) & front, 1.0, near_line(points, outline, 0.004))
        self._brows = np.maximum(near_line(points, marks[17:22], 0.008), near_line(points, marks[22:27], 0.008))
        rims = [np.concatenate([marks[i : i + 6], marks[i : i + 1]]) for i in (36, 42)]
        self._lids = np.maximum(*(near_line(points, rim, 0.005) for rim in rims))
        self._sockets = np.maximum(*(near_line(points, rim, 0.022) for rim in rims))
        cheeks = [0.5 * (marks[i] + marks[j]) for i, j in ((36, 48), (45, 54), (30, 33))]
        self._flush = np.maximum.reduce([near_line(points, np.stack([c, c]), 0.035) for c in cheeks])
        self._blotches = SmoothNoise(points, 0.05, seed=1)
        self._mottle = SmoothNoise(points, 0.012, seed=2)
        self._face = np.zeros(len(points), dtype=bool)
        self._face[head.parts.face] = True

    def draw(self, rng: np.random.Generator, hair: npt.NDArray[np.floating]) -> Skin:
        """One random person; ``hair`` (3,) linear RGB colours the brows."""
        colour = self._invented(rng, hair) if self._samples is None or rng.uniform() < 0.3 else self._measured(rng)
        tone = np.median(colour[self._face & (self._flush > 0.3)], axis=0)
        albedo = colour ** np.float32(2.2)
        parts, collar = self._head.parts, self._head.collar
        depth = np.linspace(1.0, 0.15, max(parts.mouth.stop - parts.mouth.start, 1))[:, None]
        albedo[parts.mouth] = np.array([0.20, 0.045, 0.04]) * depth[: parts.mouth.stop - parts.mouth.start]
        albedo[parts.teeth] = np.array([0.62, 0.57, 0.48]) * rng.uniform(0.7, 1.1)
        albedo[collar] = (rng.uniform(0.01, 0.75) ** 1.5 * np.exp(rng.normal(0.0, 0.35, 3))).clip(0.01, 0.7)
        gloss = np.full(len(albedo), rng.uniform(0.0, 0.10) ** 1.5, np.float32)
        gloss[collar] = 0.0
        return Skin(albedo.astype(np.float32), gloss, (tone**2.2).astype(np.float32), _eye_ramp(rng))

    def _invented(self, rng: np.random.Generator, hair: npt.NDArray[np.floating]) -> FloatArray:
        place = rng.uniform(0.0, len(_TONES) - 1.001)
        low = int(place)
        tone = _TONES[low] + (place - low) * (_TONES[low + 1] - _TONES[low])
        tone = tone * np.exp(rng.normal(0.0, [0.03, 0.03, 0.05]))
        noise = 0.018 * self._blotches.draw(rng) + 0.012 * self._mottle.draw(rng)
        colour = tone * (1.0 + noise[:, None])
        flush = rng.uniform(0.0, 0.14) * self._flush
        colour *= 1.0 - flush[:, None] * np.array([-0.3, 1.0, 0.8])
        colour *= 1.0 - rng.uniform(0.0, 0.22) * self._sockets[:, None] * np.array([1.0, 1.0, 0.8])
        lips = tone * np.array([0.92, 0.66, 0.68]) * rng.uniform(0.75, 1.0)
        if rng.uniform() < 0.15:  # lipstick
            lips = np.array([0.65, 0.12, 0.18]) * np.exp(rng.normal(0.0, 0.2, 3))
        colour += (rng.uniform(0.4, 1.0) * self._lips)[:, None] * (lips - colour)
        lids = rng.uniform(0.1, 0.75) * self._lids
        colour += lids[:, None] * (tone * np.array([0.32, 0.25, 0.22]) - colour)
        brows = rng.uniform(0.2, 0.95) * smoothstep(self._brows * rng.uniform(0.9, 2.2) + 0.15 * self._mottle.draw(rng))
        brow_colour = np.asarray(hair, np.float64) ** (1 / 2.2) * rng.uniform(0.6, 1.0)
        colour += (brows * self._face)[:, None] * (np.minimum(brow_colour, 0.8 * tone) - colour)
        return np.asarray(np.clip(colour, 0.01, 1.0), dtype=np.float32)

    def _measured(self, rng: np.random.Generator) -> FloatArray:
        assert self._samples is not None
        first, second = rng.integers(len(self._samples), size=2)
        share = rng.beta(0.4, 0.4)  # mostly near one of the two
        face = share * self._samples[first] + (1.0 - share) * self._samples[second]
        face = face * np.exp(rng.normal(0.0, 0.10) + rng.normal(0.0, 0.03, 3))
        tone = np.median(face[self._flush[: len(face)] > 0.3], axis=0)
        colour = np.tile(tone, (len(self._head.mean), 1))
        colour[: len(face)] = face
        colour = colour * (1.0 + 0.02 * self._blotches.draw(rng)[:, None])
        return np.asarray(np.clip(colour, 0.01, 1.0), dtype=np.float32)


class EyePainter:
    """Where on each eyeball of the face model a point lies, seen from the middle of the iris."""

    def __init__(self, head: HeadMesh) -> None:
        model = head.model
        offset = np.zeros((len(head.mean), 2), np.float32)
        self.vertices = np.zeros(len(head.mean), dtype=bool)
        for name in ("eye_left", "eye_right"):
            if name not in model.region_names:
                continue
            ball = np.flatnonzero(model.regions == model.region_names.index(name))
            centre, radius = _sphere(model.mean[ball].astype(np.float64))
            offset[ball] = (model.mean[ball, 1:] - centre[1:]) / radius
            self.vertices[ball] = True
        self.triangles: BoolArray = np.asarray(self.vertices[head.triangles].all(axis=1))
        self._index = np.flatnonzero(self.vertices)
        self._offset = offset[self._index]

    def look_around(self, rng: np.random.Generator, surface: FloatArray) -> None:
        """Write the eyes of one random gaze into ``surface`` (V, 3), see :func:`compose.compose`."""
        surface[self._index, :2] = self._offset - rng.normal(0.0, [0.16, 0.08])
        surface[self._index, 2] = 0.0

    def set_back(self, depth: FloatArray) -> FloatArray:
        """Depths (V,) at which the eyeballs lie behind the lids: those of the face model are pierced by them while they
        close, of some people so far that shut eyes look open."""
        behind = depth.copy()
        behind[self._index] += _SET_BACK
        return behind


def surface_detail(head: HeadMesh) -> FloatArray:
    """(V, 3) texture column, row and strength of plain skin, see :func:`compose.compose`."""
    out = np.zeros((len(head.mean), 3), np.float32)
    out[:, :2] = texture_coordinates(head.mean)
    out[~head.collar, 2] = _SKIN_DETAIL
    return out


def texture_coordinates(points: npt.NDArray[np.floating]) -> FloatArray:
    """(V, 2) texture column and row, in texels, of points (V, 3) on or around the mean head."""
    offset = points - SKULL_CENTRE
    column = np.arctan2(offset[:, 1], offset[:, 0]) * 110.0  # texels per radian about the head
    return np.column_stack([column, 500.0 + offset[:, 2] * 300.0]).astype(np.float32)  # texels per metre


def _sphere(points: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], float]:
    """Least-squares centre and radius."""
    system = np.column_stack([2.0 * points, np.ones(len(points))])
    solution, *_ = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)
    return solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3]))


def _eye_ramp(rng: np.random.Generator) -> FloatArray:
    radius = (np.arange(_RAMP_STEPS) + 0.5) / _RAMP_STEPS
    iris = (_IRISES[rng.choice(len(_IRISES), p=_IRIS_SHARES)] * np.exp(rng.normal(0.0, 0.12, 3))) ** 2.2
    pupil, limbus = rng.uniform(0.12, 0.30), rng.uniform(0.46, 0.52)
    white = np.array([0.60, 0.56, 0.53]) * rng.uniform(0.75, 1.05)
    out = np.tile(white, (_RAMP_STEPS, 1))
    ring = radius[:, None] / limbus
    out = np.where(radius[:, None] < limbus, iris * (1.25 - 0.75 * ring**3), out)
    out = np.where(radius[:, None] < pupil, 0.006, out)
    return out.astype(np.float32)
