"""Whether who is followed looks as the driver did, and where the driver was left behind if not.

A face that passes right in front of the driver's takes the track along. By its look alone it is not told from the
driver's own in a shadow; but behind it the driver comes into view again, where he was. So a head that looks otherwise
is followed on, and meanwhile it is looked where the driver last looked as known: a head there, apart from the one that
is followed and more like the driver, is the driver's.
"""

from __future__ import annotations

import numpy as np

from dense_face_ros.face_look import ALIKE, FaceLook, RememberedLooks
from dense_face_ros.head_fitting import HeadFit

_LASTING = 1.0  # seconds for which a look is kept: a face that slowly covers another is not got used to
_USED_TO = 5.0  # seconds after which whoever is followed is the driver, who looks otherwise now
_BETWEEN = 0.1  # seconds between looks at where the driver was: each costs as much as a frame
_APART = 0.08  # metres across between two heads: half of one's width, so that both are seen
_SAME_DEPTH = 0.2  # of the distance, by which the driver may have come nearer or gone away meanwhile
_CLEARLY, _LIKELY = 0.1, 0.6  # likeness by which a head must be more like the driver than another, and at least
#: Degrees to where the driver was just before, up to which looks can be compared at all, and how alike they must be: of
#: one person turned by 15 to 30 degrees 99 of 100 are.
_TURNED, _ALIKE_TURNED = 30.0, 0.52


class Recognition:
    """How the driver looks, and where the one who looked so was last."""

    def __init__(self) -> None:
        self._known = RememberedLooks(_LASTING)
        self.forget()

    def forget(self) -> None:
        """Another driver may come."""
        self._known.forget()
        self._doubt: float | None = None
        self.sure: HeadFit | None = None
        self._latest: FaceLook | None = None  # that was kept
        self._told: tuple[FaceLook, tuple[float | None, float]] | None = None
        self._sure_at = self._looked_at = -np.inf

    @property
    def doubted(self) -> bool:
        """Whether the one who is followed looks otherwise."""
        return self._doubt is not None

    def see(self, fit: HeadFit, look: FaceLook, stamp: float, followed: bool) -> None:
        """This one is seen at ``stamp`` seconds; ``followed``: as in the frame before, not found again."""
        if stamp - self._sure_at > _USED_TO:
            self.forget()
        if self.sure is not None and not followed and self._doubt is None:
            self._doubt = 0.0  # until it can be told, whoever turns up is nobody
        likeness, needed = self._compared(look)
        self._doubt = self._unlike(likeness, needed)
        if self._doubt is not None:
            return
        self.sure, self._sure_at = fit, stamp
        if likeness is None or likeness >= ALIKE:  # else it may be half another's, or a driver who turned far at once
            self._known.keep(look, stamp)
            self._latest, self._told = look, None

    def knows(self, look: FaceLook) -> bool:
        """Whether the driver looks so, as far as it can be told."""
        return self._unlike(*self._compared(look)) is None

    def left_behind(self, look: FaceLook, stamp: float) -> HeadFit | None:
        """The driver's last fit, around which to look while somebody of this look is followed; None: no need now."""
        if self.knows(look) or stamp - self._looked_at < _BETWEEN:
            return None
        self._looked_at = stamp
        return self.sure

    def is_rather(self, other: tuple[HeadFit, FaceLook], followed: tuple[HeadFit, FaceLook]) -> bool:
        """Whether another head is the driver's, rather than the one that is followed."""
        unlike, (likeness, _) = self._unlike(*self._compared(followed[1])), self._compared(other[1])
        if unlike is None or likeness is None or self.sure is None:
            return False
        here, there, before = (fit.alignment.pose[:3, 3] for fit in (other[0], followed[0], self.sure))
        apart = np.linalg.norm(here[:2] - there[:2]) > _APART
        return bool(
            apart and abs(here[2] / before[2] - 1.0) <= _SAME_DEPTH and likeness > max(unlike + _CLEARLY, _LIKELY)
        )

    def _unlike(self, likeness: float | None, needed: float) -> float | None:
        """How little a look so compared is like the driver's; None where it may be his. Where it cannot be told, who
        looked otherwise stays doubtful."""
        if likeness is None:
            return self._doubt
        return None if likeness >= needed else likeness

    def _compared(self, look: FaceLook) -> tuple[float | None, float]:
        """How much a look is like the driver's from there, or else just before; and how alike the driver's would be."""
        if self._told is None or self._told[0] is not look:  # a frame's look is asked for twice
            self._told = look, self._compare(look)
        return self._told[1]

    def _compare(self, look: FaceLook) -> tuple[float | None, float]:
        likeness = self._known.likeness(look)
        if likeness is not None or self._latest is None:
            return likeness, ALIKE
        turned = float(np.linalg.norm(look.direction - self._latest.direction))
        return (look.likeness(self._latest) if turned <= _TURNED else None), _ALIKE_TURNED
