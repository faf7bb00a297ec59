"""Which of several heads in view is the driver, and whether a head that turns up can be the one that was lost.

Before anybody is tracked, the nearest head in the seat is the driver. From then on it stays the driver: for as long as
the person is remembered, only a head that it can have moved to is taken for it, in the seat or beside it, and, as long
as nobody can have put on or taken off much, only one that looks alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import acos, degrees, dist

import numpy as np

from dense_face_ros.face_look import FaceLook, LookTaker, RememberedLooks
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_fitting import HeadFit
from dense_face_ros.recognition import Recognition

# A head in a seat leans at up to 2 m/s, and no further than this before its person counts as gone; the next person's
# head is 0.4 m away and more.
_REACH_AT_ONCE, _REACH_PER_SECOND, _REACH = 0.1, 2.0, 0.3
#: Distances of a head whose size is not yet known differ by this share from those fitted over time.
_DEPTH_TOLERANCE = 0.15
_SLOWEST = 5.0  # seconds between frames that still are a video
# From one frame to the next: _SPEED m/s and _SHAKE m along each axis, in depth _DEPTH_SHAKE of the distance more, _TURN
# degrees/s and _TURN_SHAKE degrees. A head that is followed and moves so is the same, whatever shadow falls on it.
_SPEED, _SHAKE, _DEPTH_SHAKE, _TURN, _TURN_SHAKE = 2.0, 0.02, 0.05, 400.0, 12.0
_SAME_LOOK = 0.3  # seconds after which a driver who was not seen may look otherwise: a mask, glasses, another light
_UNEVEN = 1.5  # usual steps after which a frame may still come
_PROPOSAL_MARGIN = 0.1  # metres by which a proposed box may be off the head's own


@dataclass(frozen=True)
class Seat:
    """Where the driver's face can be: a rectangle of the image, in shares of its width and height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    def __post_init__(self) -> None:
        for low, high in (("left", "right"), ("top", "bottom")):
            first, last = getattr(self, low), getattr(self, high)
            if not 0.0 <= first < last <= 1.0:
                raise ValueError(
                    f"seat_{low} is {first} and seat_{high} is {last}; they must be 0 <= seat_{low} < seat_{high} <= 1"
                )

    def holds(self, centre: Array, width: int, height: int) -> bool:
        """Whether a point (u, v) of an image lies in the seat, or beyond an edge of the image that the seat reaches."""
        u, v = np.clip((np.asarray(centre) + 0.5) / (width, height), 0.0, 1.0)
        return bool(self.left <= u <= self.right and self.top <= v <= self.bottom)


@dataclass(frozen=True)
class Place:
    """Where a head is: the direction (3,), of length 1, in which a camera sees the middle of its landmarks, and its
    distance in metres."""

    ray: Array
    distance: float

    @classmethod
    def of(cls, fit: HeadFit, camera: PinholeCamera) -> Place:
        """The place of a fitted head to ``camera``. Where that is another than the fit's own, as the first camera_info
        came, the head is where it was in the image and as large there."""
        distance = float(np.linalg.norm(fit.alignment.pose[:3, 3])) * camera.fx / fit.camera.fx
        return cls(camera.rays(fit.centre[None])[0], distance)

    def near(self, ray: Array, elapsed: float, margin: float = 0.0) -> bool:
        """Whether the head can be seen in direction ``ray`` after ``elapsed`` seconds, give or take ``margin`` metres.

        Measured along the sphere about the camera: at the edge of a wide lens's image a step is many straight pixels.
        """
        return self.distance * dist(ray, self.ray) <= _reach(elapsed) + margin

    def reaches(self, other: Place, elapsed: float) -> bool:
        """Whether the head can have moved to ``other`` in ``elapsed`` seconds."""
        away = abs(other.distance - self.distance)
        return self.near(other.ray, elapsed) and away <= _reach(elapsed) + _DEPTH_TOLERANCE * self.distance


def _reach(elapsed: float) -> float:
    return min(_REACH_AT_ONCE + _REACH_PER_SECOND * elapsed, _REACH)


class Driver:
    """Who the driver is: remembers the driver's last fit, and tells it from other heads.

    Args:
        seat: where a head must be to become the driver's.
        remember: seconds after which a driver who is not seen is forgotten.
        model: whose heads they are.
    """

    def __init__(self, seat: Seat, remember: float, model: FaceModel) -> None:
        self._seat, self._remember, self._look = seat, remember, LookTaker(model)
        self._looks, self._recognition = RememberedLooks(), Recognition()
        self.forget()

    def forget(self) -> None:
        """Anybody in the seat may be the driver."""
        self.last: HeadFit | None = None
        self._seen = 0.0
        self._looks.forget()
        self._recognition.forget()
        self._taken: tuple[HeadFit, FaceLook] | None = None

    def see(self, fit: HeadFit, stamp: float, followed: bool) -> bool:
        """This is the driver, at ``stamp`` seconds; ``followed``: as in the frame before, not found again.

        Returns:
            Whether it is the driver of before, found again, for whom somebody else had been taken.
        """
        self.last, self._seen = fit, stamp
        look = self._look_of(fit)
        self._looks.keep(look, stamp)
        return self._recognition.see(fit, look, stamp, followed)

    @property
    def doubted(self) -> bool:
        """Whether the head that is followed looks otherwise than the driver's did: it may be somebody's in front."""
        return self._recognition.doubted

    def left_behind(self, fit: HeadFit, stamp: float) -> HeadFit | None:
        """Where to look for the driver's head while this one is followed; None: no need to, now."""
        return self._recognition.left_behind(fit, self._look_of(fit), stamp)

    def is_rather(self, other: HeadFit, followed: HeadFit) -> bool:
        """Whether another head is the driver's, rather than the one that is followed."""
        return self._recognition.is_rather((other, self._look(other)), (followed, self._look_of(followed)))

    def gone(self, stamp: float, step: float) -> bool:
        """Whether to forget the driver; not before the next frame where these usually are ``step`` seconds apart."""
        return self.last is not None and stamp - self._seen > max(self._remember, min(_UNEVEN * step, _SLOWEST))

    def may_be_at(self, centre: Array, stamp: float, camera: PinholeCamera) -> bool:
        """Whether a face proposed around ``centre`` (u, v) can be the driver's, so that a fit is worth its time."""
        if self.last is None:
            return self._seat.holds(centre, camera.width, camera.height)
        ray = camera.rays(centre[None])[0]
        return any(place.near(ray, elapsed, _PROPOSAL_MARGIN) for place, elapsed in self._places(stamp, camera))

    def may_be(self, fit: HeadFit, stamp: float, followed: bool = False) -> bool:
        """Whether a fitted head is the driver's: the one that was seen last, or anybody's in the seat.

        ``followed``: it was looked for where the driver's was in the frame before.
        """
        if self.last is None:
            return self._seat.holds(fit.centre, fit.camera.width, fit.camera.height)
        elapsed, there = stamp - self._seen, Place.of(fit, fit.camera)
        if not any(place.reaches(there, since) for place, since in self._places(stamp, fit.camera)):
            return False
        if elapsed > _SAME_LOOK or (followed and _moved_on(self.last, fit, elapsed)):
            return True
        look = self._look_of(fit)
        return self._looks.holds(look) or self._recognition.knows(look)

    def _places(self, stamp: float, camera: PinholeCamera) -> Iterator[tuple[Place, float]]:
        """Where the driver was to ``camera``, and how long ago: where the head that is followed was, and if that may be
        somebody else's, where he himself was last."""
        if self.last is not None:
            yield Place.of(self.last, camera), stamp - self._seen
        elsewhere = self._recognition.elsewhere
        if elsewhere is not None:
            yield Place.of(elsewhere, camera), np.inf

    def _look_of(self, fit: HeadFit) -> FaceLook:
        if self._taken is None or self._taken[0] is not fit:
            self._taken = fit, self._look(fit)
        return self._taken[1]


def _moved_on(before: HeadFit, after: HeadFit, elapsed: float) -> bool:
    """Whether a head can have moved so from one fit to the next."""
    old, new = before.alignment.pose, after.alignment.pose
    if before.camera != after.camera:
        return True
    away = np.abs(new[:3, 3] - old[:3, 3]) - (_SPEED * elapsed + _SHAKE)
    cosine = 0.5 * (float((old[:3, :3] * new[:3, :3]).sum()) - 1.0)
    turned = degrees(acos(min(max(cosine, -1.0), 1.0)))
    far = away[2] > _DEPTH_SHAKE * old[2, 3]
    return not (away[:2].max() > 0.0 or far or turned > _TURN * elapsed + _TURN_SHAKE)


def nearness(fit: HeadFit) -> float:
    """How much a head asks to be the driver: how near it is, in pixels per metre, of what is matched."""
    return float(fit.camera.fx / np.linalg.norm(fit.alignment.pose[:3, 3])) * fit.quality["coverage"]
