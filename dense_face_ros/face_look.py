"""How a face looks: fine shades over its surface, by which one person's face is told from another's.

Whoever passes in front of the driver is where the driver's head was, and a network matches any face. Shades that are
finer than a third of the face, over how strong they are there, hardly depend on the light. From one frame to the next
those of a face correlate by 0.93 and more, those of two people in videos by 0.8 at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import dist, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, lengths
from dense_face_ros.head_fitting import HeadFit
from dense_face_ros.visibility import matched_at

_STEP = 7  # every so many vertices of the front half of the head
_FACING = 0.3  # cosine to the line of sight from which on a point of the surface is looked at
_HALF = 2  # pixels of the view to one of the picture in which the shades are taken
_FINE, _COARSE = 3, 9  # pixels of that picture: shades in between tell
_FAINT = 3.0  # grey values: shades that are no stronger tell little
_ENOUGH = 40  # points that two looks must share
_BIN, _NEAR, _NEAREST = 12.0, 15.0, 3  # degrees between the looks that are kept, and to those compared; how many
#: Correlation below which two looks are of two people. Of one person it is 0.74 at least in nearly the same direction.
ALIKE = 0.75


@dataclass(frozen=True)
class FaceLook:
    """Shades ``values`` (P,) of points of the surface, where they are ``seen`` (P,), and ``direction`` (2,): degrees by
    which the head is turned to the side and up, away from the line of sight."""

    values: Array
    seen: npt.NDArray[np.bool_]
    direction: Array

    def likeness(self, other: FaceLook) -> float | None:
        """Correlation of the values of points seen in both; None where these are too few."""
        both = self.seen & other.seen
        count = np.count_nonzero(both)
        if count < _ENOUGH:
            return None
        ours, theirs = self.values[both], other.values[both]
        ours -= ours.sum() / count
        theirs -= theirs.sum() / count
        return float(ours @ theirs) / max(sqrt((ours @ ours) * (theirs @ theirs)), 1e-9)


class LookTaker:
    """Reads the look of a fitted head off what the network saw."""

    def __init__(self, model: FaceModel) -> None:
        forward = model.mean[:, 0]
        self._points = np.flatnonzero(forward > np.median(forward))[::_STEP]
        self._normals = model.normals(model.mean)[self._points].astype(np.float64)

    def __call__(self, fit: HeadFit) -> FaceLook:
        """The look of a head."""
        vertices = fit.vertices.T.take(self._points, axis=1).T
        pixels = fit.view.seen(vertices)
        u, v = ((pixels.T[:, :, None] + 0.5) / _HALF - 0.5).astype(np.float32)
        values = cv2.remap(_shades(fit.window), u, v, cv2.INTER_LINEAR)[:, 0].astype(np.float64)
        rotation = fit.alignment.pose[:3, :3]
        facing = -np.einsum("ij,ij->i", self._normals, vertices @ rotation) / lengths(vertices)
        seen = (facing > _FACING) & (matched_at(pixels, fit.output, fit.view) > 0.5)
        forward = fit.view.rotation.T @ rotation[:, 0]
        direction = np.degrees([np.arctan2(forward[0], -forward[2]), np.arctan2(-forward[1], -forward[2])])
        return FaceLook(values, seen, direction)


def _shades(window: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Fine shades (H / 2, W / 2) of a picture (H, W, 3) BGR or (H, W) grey."""
    small = cv2.resize(window, None, fx=1.0 / _HALF, fy=1.0 / _HALF, interpolation=cv2.INTER_AREA)
    grey = small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    fine = cv2.blur(grey.astype(np.float32), (_FINE, _FINE))
    fine -= cv2.blur(fine, (_COARSE, _COARSE))
    strength = np.sqrt(np.maximum(cv2.blur(fine * fine, (_COARSE, _COARSE)), 0.0))
    return np.asarray(fine / (strength + _FAINT), np.float32)


class RememberedLooks:
    """The looks of one person, one in each direction.

    Args:
        lasting: seconds for which a look is kept before a later one takes its place.
    """

    def __init__(self, lasting: float = 0.0) -> None:
        self._lasting = lasting
        self.forget()

    def forget(self) -> None:
        """Another person may come."""
        self._kept: dict[tuple[int, int], tuple[float, FaceLook]] = {}

    def copy(self) -> RememberedLooks:
        """The same looks, to which others may be added."""
        out = RememberedLooks(self._lasting)
        out._kept = dict(self._kept)
        return out

    def keep(self, look: FaceLook, stamp: float) -> None:
        """The person looks so at ``stamp`` seconds."""
        sideways, up = np.rint(look.direction / _BIN).astype(int).tolist()
        before, _ = self._kept.get((sideways, up), (-np.inf, None))
        if stamp - before >= self._lasting:
            self._kept[sideways, up] = stamp, look

    def holds(self, look: FaceLook, least: float = ALIKE) -> bool:
        """Whether a look is the person's, as far as can be told that it is: at least so alike."""
        return (self.likeness(look) or 0.0) >= least

    @property
    def empty(self) -> bool:
        """Whether nothing is kept yet."""
        return not self._kept

    def likeness(self, look: FaceLook, within: float = _NEAR) -> float | None:
        """How much a look is like those of the person from ``within`` so many degrees; None where none can be
        compared with it."""
        apart = [(dist(each.direction, look.direction), each) for _, each in self._kept.values()]
        near = [each for angle, each in sorted(apart, key=lambda pair: pair[0])[:_NEAREST] if angle <= within]
        told = [value for value in map(look.likeness, near) if value is not None]
        return max(told, default=None)
