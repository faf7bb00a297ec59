"""A published face model as its file gives it, brought to metres and head axes: what every importer returns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.face_models.decimation import Array, IntArray

_FULL = 3.0  # standard deviations of a mode at activation 1


@dataclass(frozen=True)
class SourceModel:
    """A published model of S vertices in its own topology. Metres; x out of the face, y to the person's left, z up.

    The origin and a nod of some degrees are the source's own: registration takes them out.

    Attributes:
        name: for messages and the ``source`` line.
        mean: (S, 3).
        identity_modes: (K, S, 3), one standard deviation each.
        expressions: (E, S, 3) at full activation; none where the source has none.
        expression_names, expression_spread: E names and standard deviations of the activations.
        triangles: (T, 3), counter-clockwise seen from outside.
        marks: where the source publishes landmarks: index among the 68 -> point (3,).
        eyes: (2, 3) centres of the left and right eyeball, where the source has them.
        colour: (S, 3) mean skin colour, RGB in [0, 1], where the source has one.
        licence: the terms, for the file that is made.
    """

    name: str
    mean: Array
    identity_modes: npt.NDArray[np.float32]
    triangles: IntArray
    licence: str
    expressions: npt.NDArray[np.float32]
    expression_names: tuple[str, ...] = ()
    expression_spread: Array = field(default_factory=lambda: np.zeros(0))
    marks: dict[int, Array] = field(default_factory=dict)
    eyes: Array | None = None
    colour: Array | None = None

    def __post_init__(self) -> None:
        count = len(self.mean)
        modes: dict[str, npt.NDArray[np.floating]] = {
            "the mean": self.mean[None],
            "identity modes": self.identity_modes,
            "expressions": self.expressions,
        }
        for what, array in modes.items():
            if array.shape[1:] != (count, 3):
                raise ValueError(f"{self.name}: {what} are {array.shape}, the mean has {count} vertices")
            if not np.isfinite(array).all():
                raise ValueError(f"{self.name}: {what} are not all finite")
        if any(mark.shape != (3,) or not np.isfinite(mark).all() for mark in self.marks.values()):
            raise ValueError(f"{self.name}: a landmark has not three finite coordinates")


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """What numpy says of arrays that do not fit together, as a ValueError that names their file."""
    try:
        yield
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"'{path}' is damaged, or another file ({error}); copy it again") from error


def to_head_axes(points: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """(..., 3) with x to the person's left, y up, z out of the face -> head axes: all models we read are so."""
    return points[..., [2, 0, 1]]


def check_triangles(triangles: npt.NDArray[np.integer], count: int) -> None:
    """Raises ValueError where they are no (T, 3), or name vertices that are not there."""
    if triangles.ndim != 2 or triangles.shape[1] != 3 or not len(triangles):
        raise ValueError(f"triangles are {triangles.shape}, expected (T, 3)")
    if triangles.min(initial=0) < 0 or triangles.max(initial=0) >= count:
        raise ValueError(f"triangles name vertices outside 0..{count - 1}")


def outward(mean: Array, triangles: npt.NDArray[np.integer]) -> IntArray:
    """Triangles turned so that the surface of a face looks forward, in head axes; models differ in their winding."""
    check_triangles(triangles, len(mean))
    a, b, c = (mean[triangles[:, i]] for i in range(3))
    forward = np.cross(b - a, c - a)[:, 0].sum()
    return np.ascontiguousarray(triangles if forward > 0 else triangles[:, ::-1], dtype=np.int32)


def one_sided(modes: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], tuple[str, ...], Array]:
    """Signed N(0, 1) expression modes (E, S, 3) as 2 E activations in [0, 1]: names, shapes and spreads.

    A mode becomes ``mode01+`` and ``mode01-``, each three standard deviations at activation 1.
    """
    both = np.stack([_FULL * modes, -_FULL * modes], axis=1).reshape(-1, *modes.shape[1:])
    names = tuple(f"mode{i + 1:02d}{sign}" for i in range(len(modes)) for sign in "+-")
    return both.astype(np.float32), names, np.full(len(both), 1.0 / _FULL)
