"""Hair, beards, hats and face coverings: where they grow, what colour they have and how far they stand out.

Hair that stands out from the face model's own surface hides it: those triangles cannot be matched. A beard, a short
fringe or a face mask lies close to the surface, which stays matchable.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.rendering.fields import FloatArray, SmoothNoise, distance_to_line, smoothstep
from training.rendering.head_mesh import SKULL_CENTRE, HeadMesh, lattice

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]

#: Hair colours: black, dark brown, brown, auburn, blond, grey, white; linear RGB.
_COLOURS = (
    np.array(
        [[18, 15, 14], [38, 26, 20], [74, 50, 34], [104, 54, 34], [168, 132, 84], [128, 124, 120], [206, 202, 196]]
    )
    / 255.0
)
_SHARES = np.array([0.30, 0.25, 0.17, 0.05, 0.10, 0.09, 0.04])
#: Angle about the head from its front (degrees), and the height of a usual hairline there (metres, head frame).
_HAIRLINE = np.array(
    [[0, 0.068], [35, 0.064], [55, 0.040], [72, 0.010], [84, -0.010], [98, 0.020], [122, -0.020], [180, -0.075]]
)
_HAIR_DETAIL, _BEARD_DETAIL = 0.32, 0.22
_STANDS_OUT = 0.004  # metres; hair thicker than this hides the surface below
_LONG_ROWS, _LONG_COLUMNS = 10, 30


@dataclass(frozen=True)
class Covering:
    """What grows on or is worn over a head.

    Attributes:
        colour: (V, 3) linear RGB, used where ``share`` is above 0.
        share: (V,) how much of it is seen instead of the skin, in [0, 1].
        detail: (V,) strength of fine texture where seen.
        lift: (V,) metres by which the surface is raised.
    """

    colour: FloatArray
    share: FloatArray
    detail: FloatArray
    lift: FloatArray

    @property
    def hides(self) -> npt.NDArray[np.bool_]:
        """(V,) where the surface below can no longer be told."""
        return (self.lift > _STANDS_OUT) & (self.share > 0.5)


def random_hair_colour(rng: np.random.Generator) -> Array:
    """(3,) linear RGB."""
    colour = _COLOURS[rng.choice(len(_COLOURS), p=_SHARES)] ** 2.2
    return np.asarray(np.clip(colour * np.exp(rng.normal(0.0, 0.25)) * np.exp(rng.normal(0.0, 0.03, 3)), 0.002, 0.8))


class Barber:
    """Draws coverings for one head mesh."""

    def __init__(self, head: HeadMesh) -> None:
        self._head = head
        points = head.mean.astype(np.float64)
        marks = head.model.at(head.model.landmarks, head.model.mean).astype(np.float64)
        offset = points - SKULL_CENTRE
        self._angle = np.degrees(np.abs(np.arctan2(offset[:, 1], offset[:, 0])))
        self._height = points[:, 2]
        self._on_head = np.zeros(len(points), dtype=bool)
        self._on_head[head.parts.face] = self._on_head[head.parts.skull] = True
        self._ears = _ears(head)
        self._noise = SmoothNoise(points, 0.025, seed=3)
        self._waves = SmoothNoise(points, 0.06, seed=4)
        jaw = marks[0:17]
        self._jaw = distance_to_line(points, jaw)
        self._above_jaw = points[:, 2] - np.interp(points[:, 1], jaw[:, 1], jaw[:, 2])
        self._mouth = distance_to_line(points, np.concatenate([marks[48:60], marks[48:49]]))
        self._moustache = distance_to_line(points, 0.5 * (marks[[48, 50, 52, 54]] + marks[[31, 32, 34, 35]]))
        self._chin = distance_to_line(points, np.stack([marks[8], 0.5 * (marks[8] + marks[57])]))
        self._nose_line = float(marks[28, 2])
        self._marks = marks

    def hair(self, rng: np.random.Generator, colour: Array, long: bool) -> Covering:
        """A haircut: from shaved to thick, with a random hairline, perhaps a fringe."""
        line = np.interp(self._angle, _HAIRLINE[:, 0], _HAIRLINE[:, 1])
        front = np.clip(1.0 - self._angle / 60.0, 0.0, 1.0)
        if rng.uniform() < 0.3:  # a fringe, at most down to the brows
            line -= rng.uniform(0.0, 0.040) * smoothstep(1.6 * front)
        else:
            line += rng.uniform(-0.004, 0.030) * front  # receding
        if long:
            line -= rng.uniform(0.0, 0.05) * smoothstep((self._angle - 55.0) / 30.0)
        edge = self._height - line + 0.004 * self._noise.draw(rng)
        share = smoothstep(edge / rng.uniform(0.004, 0.012) + 0.5) * self._on_head * (1.0 - self._ears)
        thickness = rng.uniform(0.0, 0.006) if rng.uniform() < 0.35 and not long else rng.uniform(0.008, 0.028)
        lift = thickness * smoothstep(edge / 0.035) * share * np.clip(1.0 + 0.25 * self._waves.draw(rng), 0.4, 1.8)
        shade = 1.0 + 0.25 * self._noise.draw(rng)
        return self._covering(colour * np.clip(shade, 0.4, 1.8)[:, None], share, _HAIR_DETAIL, lift)

    def hat(self, rng: np.random.Generator) -> Covering:
        """A tight cap or woollen hat of one colour, down to somewhere on the forehead, above the ears."""
        bottom = rng.uniform(0.036, 0.062) - rng.uniform(0.0, 0.02) * np.clip(self._angle / 180.0, 0, 1)
        edge = self._height - bottom
        share = (edge > 0).astype(np.float32) * self._on_head
        lift = (0.006 + rng.uniform(0.004, 0.016) * smoothstep(edge / 0.05)) * share
        return self._covering(_cloth(rng)[None], share, rng.choice((0.05, 0.2)), lift)

    def beard(self, rng: np.random.Generator, colour: Array) -> Covering:
        """Stubble, a moustache, a chin beard or a full beard."""
        ragged = 0.004 * self._noise.draw(rng)
        full = smoothstep((0.040 * rng.uniform(0.5, 1.1) - self._above_jaw + ragged) / 0.012) * (self._angle < 88)
        full = full * smoothstep((self._mouth - 0.004 + ragged) / 0.005) * (self._height < self._marks[2, 2])
        lip = smoothstep((0.009 - self._moustache + ragged) / 0.005)
        chin = smoothstep((0.020 - self._chin + ragged) / 0.008) * smoothstep((self._mouth - 0.003) / 0.004)
        kind = rng.uniform()
        share = full + lip if kind < 0.55 else lip if kind < 0.7 else chin + lip if kind < 0.9 else chin
        on_face = np.zeros(len(share), dtype=bool)
        on_face[self._head.parts.face] = self._head.model.mean[:, 0] > -0.06
        share = np.clip(share, 0.0, 1.0) * on_face * rng.uniform(0.25, 1.0)
        lift = rng.uniform(0.0, 0.003) * share
        return self._covering(colour * rng.uniform(0.8, 1.3), share, _BEARD_DETAIL, lift)

    def face_mask(self, rng: np.random.Generator) -> Covering:
        """A surgical or cloth mask from the bridge of the nose to under the chin; the mouth behind it must be shut."""
        top = self._nose_line - rng.uniform(0.0, 0.020) - 0.018 * smoothstep(self._angle / 60.0)
        covered = (self._height < top) & (self._angle < rng.uniform(60.0, 72.0))
        share = np.zeros(len(covered), np.float32)
        share[self._head.parts.face] = covered[self._head.parts.face]
        share[self._head.parts.mouth] = share[self._head.parts.teeth] = 1.0
        pleats = 0.08 * np.sin(self._height * rng.uniform(250.0, 500.0)) * rng.integers(2)
        colour = np.array([[0.35, 0.58, 0.75], [0.8, 0.8, 0.8], [0.03, 0.03, 0.03]])[rng.integers(3)]
        if rng.uniform() < 0.25:
            colour = _cloth(rng)
        lift = share * (0.002 + 0.0019 * smoothstep((0.03 - self._mouth) / 0.03)) * self._on_head
        return self._covering(colour * (1.0 + pleats)[:, None], share, 0.03, lift)

    def _covering(self, colour: Array, share: Array | FloatArray, detail: float, lift: Array | FloatArray) -> Covering:
        count = len(self._height)
        return Covering(
            np.broadcast_to(colour, (count, 3)).astype(np.float32),
            np.asarray(share, np.float32),
            np.full(count, detail, np.float32),
            np.asarray(lift, np.float32),
        )


def long_hair(rng: np.random.Generator) -> tuple[Array, IntArray]:
    """A curtain of hair around the sides and back of the mean head: vertices (V, 3) and two-sided triangles."""
    first = np.radians(rng.uniform(62.0, 88.0))
    angle = np.linspace(first, 2 * np.pi - first, _LONG_COLUMNS)
    bottom = rng.uniform(-0.30, -0.08)
    s = np.linspace(0.0, 1.0, _LONG_ROWS)[:, None]
    height = 0.075 + s * (bottom - 0.075) + 0.006 * np.sin(3.0 * angle + rng.uniform(0, 6)) * s
    wave = 1.0 + 0.03 * np.sin(7 * angle + 9 * s + rng.uniform(0, 6)) + 0.05 * rng.uniform(-1, 1) * s
    bulge = 0.72 + 0.34 * np.sqrt(np.clip(s * 3.0, 0.0, 1.0))
    width, depth = rng.uniform(0.092, 0.108), rng.uniform(0.098, 0.115)
    around = np.broadcast_to(angle, wave.shape)
    radius = bulge * wave
    points = np.stack(
        [SKULL_CENTRE[0] + depth * radius * np.cos(around), width * radius * np.sin(around), height], axis=-1
    )
    sheet = lattice(_LONG_ROWS, _LONG_COLUMNS, closed=False)
    return points.reshape(-1, 3), np.concatenate([sheet, sheet[:, ::-1]])


def _cloth(rng: np.random.Generator) -> Array:
    return np.asarray((rng.uniform(0.01, 0.7) * np.exp(rng.normal(0.0, 0.5, 3))).clip(0.005, 0.8))


def _ears(head: HeadMesh) -> FloatArray:
    """(V,) 1 on the ears, by the regions of the face model."""
    out = np.zeros(len(head.mean), np.float32)
    names = [i for i, name in enumerate(head.model.region_names) if name.startswith("ear")]
    out[head.parts.face] = np.isin(head.model.regions, names)
    return out
