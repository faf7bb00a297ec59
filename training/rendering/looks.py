"""Looks: the skin, hair, beard, hat, mask and clothing of invented people, ready to be put on any shape of head."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from training.rendering import accessories
from training.rendering.albedo import SkinPainter, surface_detail, texture_coordinates
from training.rendering.fields import FloatArray
from training.rendering.hair import Barber, Covering, long_hair, random_hair_colour
from training.rendering.head_mesh import HeadMesh
from training.rendering.rasteriser import BoolArray, IntArray
from training.rendering.settings import Settings


@dataclass(frozen=True)
class Extra:
    """A mesh that a head wears: (V, 3) metres in the head frame, one linear colour, sheen, strength of texture."""

    points: FloatArray
    triangles: IntArray
    colour: FloatArray
    gloss: float
    detail: float

    @classmethod
    def of(cls, mesh: accessories.Mesh, colour: npt.NDArray[np.floating], gloss: float, detail: float) -> Extra:
        return cls(mesh[0].astype(np.float32), mesh[1].astype(np.int32), np.asarray(colour, np.float32), gloss, detail)

    @property
    def surface(self) -> FloatArray:
        """(V, 3) texture column, row and strength."""
        strength = np.full((len(self.points), 1), self.detail, np.float32)
        return np.concatenate([texture_coordinates(self.points), strength], axis=1)


@dataclass
class Look:
    """One person's look on a :class:`HeadMesh`.

    Attributes:
        albedo: (V, 3) linear RGB, gloss: (V,), surface: (V, 3), see :func:`compose.compose`.
        lift: (V,) metres by which hair or cloth raises the surface.
        visible: (T,) triangles of the head that are not hidden by what is worn.
        tone: (3,) plain skin, linear RGB.
        eye_ramp: (M, 3), see :func:`compose.compose`.
        extras: separate meshes.
        masked: a face mask covers the mouth.
    """

    albedo: FloatArray
    gloss: FloatArray
    surface: FloatArray
    lift: FloatArray
    visible: BoolArray
    tone: FloatArray
    eye_ramp: FloatArray
    extras: list[Extra] = field(default_factory=list)
    masked: bool = False

    def wear(self, covering: Covering, triangles: IntArray) -> None:
        """Put a covering on top."""
        share = covering.share
        self.albedo += share[:, None] * (covering.colour - self.albedo)
        self.gloss *= 1.0 - share
        self.surface[:, 2] += share * (covering.detail - self.surface[:, 2])
        self.lift += covering.lift
        self.visible &= covering.hides[triangles].sum(axis=1) < 2


class LookMaker:
    """Makes random looks for a head.

    Args:
        albedo: (N, V_face, 3) sRGB skins measured from photographs; without them skin is only invented.
    """

    def __init__(self, head: HeadMesh, settings: Settings, albedo: FloatArray | None = None) -> None:
        self._head, self._settings = head, settings
        self._skin, self._barber, self._detail = SkinPainter(head, albedo), Barber(head), surface_detail(head)
        self._marks = head.model.at(head.model.landmarks, head.model.mean)

    def make(self, rng: np.random.Generator) -> Look:
        """One random person."""
        s, head, barber = self._settings, self._head, self._barber
        hair = random_hair_colour(rng)
        skin = self._skin.draw(rng, hair)
        look = Look(
            skin.albedo, skin.gloss, self._detail.copy(), np.zeros(len(skin.gloss), np.float32),
            np.ones(len(head.triangles), np.bool_), skin.tone, skin.eye_ramp,
        )  # fmt: skip
        is_long = rng.uniform() < s.long_hair
        if rng.uniform() < s.beard and not is_long:
            look.wear(barber.beard(rng, hair), head.triangles)
        if is_long or rng.uniform() > s.bald:
            look.wear(barber.hair(rng, hair, is_long), head.triangles)
        if rng.uniform() < s.face_mask:
            look.wear(barber.face_mask(rng), head.triangles)
            look.masked = True
        if rng.uniform() < s.hat:
            self._put_hat_on(rng, look)
        if is_long:
            look.extras.append(Extra.of(long_hair(rng), hair, 0.01, 0.35))
        return look

    def _put_hat_on(self, rng: np.random.Generator, look: Look) -> None:
        hat = self._barber.hat(rng)
        look.wear(hat, self._head.triangles)
        if rng.uniform() < 0.5:
            mean = self._head.model.mean
            bottom = float(self._marks[17:27, 2].max()) + 0.030
            forehead = float(mean[np.abs(mean[:, 2] - bottom) < 0.012, 0].max(initial=0.03)) + 0.006
            look.extras.append(Extra.of(accessories.brim(rng, bottom, forehead), hat.colour[0], 0.0, 0.05))


def glasses(rng: np.random.Generator, marks: npt.NDArray[np.floating], dark: bool) -> tuple[Extra, ...]:
    """A frame, and ``dark`` lenses, for a face with landmarks (68, 3); clear lenses are not drawn."""
    frame, lenses = accessories.glasses(rng, marks)
    colour = rng.uniform(0.003, 0.04, 3) if rng.uniform() < 0.7 else rng.uniform(0.05, 0.6, 3)
    worn = (Extra.of(frame, colour, 0.08, 0.0),)
    if not dark:
        return worn
    return *worn, Extra.of(lenses, rng.uniform(0.003, 0.03, 3), rng.uniform(0.02, 0.12), 0.0)
