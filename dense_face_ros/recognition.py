"""Whether who is followed looks as the driver did, and where the driver was left behind if not.

A face that passes right in front of the driver's takes the track along. By its look alone it is not told from the
driver's own in a shadow; but behind it the driver comes into view again, where he was. So a head that looks otherwise
is still followed, and meanwhile the place is watched where the driver last looked familiar: a head there, apart from
the one that is followed and more like the driver, is the driver's.

Who is followed for long is the driver, who has put on glasses or a mask; or has been covered all the while. So where
the one before was is still looked at for a time, for a head that looks as that one did.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from dense_face_ros.face_look import ALIKE, FaceLook, RememberedLooks
from dense_face_ros.head_fitting import HeadFit

_LASTING = 1.0  # seconds before a look outlasts a doubt, and for which it is kept: a face that covers another's is not
# got used to on the way
_USED_TO = 5.0  # seconds after which whoever is followed is the driver, who looks otherwise now
_BETWEEN = 0.1  # seconds between looks at where the driver was: each costs as much as a frame
_LONG, _SELDOM = 60.0, 0.5  # seconds for which the former driver is looked for, and between such looks
_APART = 0.08  # metres across between two heads: half of one's width, so that both are seen
_STILL_THERE = 0.02  # metres: a head that moved no further is where it was
_SAME_DEPTH = 0.2  # of the distance, by which the driver may have come nearer or gone away meanwhile
_CLEARLY, _LIKELY = 0.1, 0.6  # likeness by which a head must be more like the driver than another, and at least
#: Degrees to where the driver was just before, up to which looks can be compared at all, and how alike they must be: of
#: one person turned by 15 to 30 degrees 99 of 100 are.
_TURNED, _ALIKE_TURNED = 30.0, 0.52
_SURELY = 0.85  # likeness that ends a doubt: two people's comes close to what passes for one's where there is none


@dataclass(frozen=True)
class _Former:
    """Who was the driver before somebody else was taken for him: the looks, a fit, and until when this counts."""

    looks: RememberedLooks
    fit: HeadFit
    until: float


class Recognition:
    """How the driver looks, and where the one who looked so was last."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Another driver may come."""
        self._former: _Former | None = None
        self._come_out: HeadFit | None = None  # the former driver's, who is seen again
        self._seen_at = 0.0
        self._begin(RememberedLooks(_LASTING))

    def _begin(self, looks: RememberedLooks) -> None:
        self._known, self._seen = looks, looks.copy()  # for certain, and with the fresh ones
        self._fresh: deque[tuple[FaceLook, float]] = deque()
        self._doubt: float | None = None
        self._sure: HeadFit | None = None
        self._earlier: HeadFit | None = None  # by a second or more: the last sure one may be half another's
        self._next_earlier: tuple[float, HeadFit] | None = None
        self._latest: FaceLook | None = None  # that may be kept
        self._told: tuple[FaceLook, tuple[float | None, float]] | None = None
        self._sure_at = self._looked_at = -np.inf

    @property
    def doubted(self) -> bool:
        """Whether the one who is followed looks otherwise."""
        return self._doubt is not None

    @property
    def elsewhere(self) -> HeadFit | None:
        """Where the driver may be while another head is followed."""
        if self._doubt is not None:
            return self._sure
        return None if self._former is None else self._former.fit

    def see(self, fit: HeadFit, look: FaceLook, stamp: float, followed: bool) -> bool:
        """This one is seen at ``stamp`` seconds; ``followed``: as in the frame before, not found again.

        Returns:
            Whether it is the driver of before, found again, for whom somebody else had been taken.
        """
        if not followed:
            self._sure_at += stamp - self._seen_at  # nobody got used to who was not seen
            self._forget_fresh()
        self._seen_at = stamp
        back = self._former is not None and (fit is self._come_out or self._former.looks.holds(look, _SURELY))
        if self._former is not None and (back or stamp > self._former.until):
            if back:
                self._begin(self._former.looks)
            self._former = self._come_out = None
        if self._sure is not None and stamp - self._sure_at > _USED_TO and not self._known.holds(look, _SURELY):
            if self._former is None:
                self._former = _Former(self._known, self._earlier or self._sure, stamp + _LONG)
            self._begin(RememberedLooks(_LASTING))
        if self._sure is not None and not followed and self._doubt is None:
            self._doubt = 0.0  # until it can be told, whoever turns up is nobody
        likeness, needed = self._compared(look)
        self._doubt = self._doubtful_likeness(likeness, needed)
        if self._doubt is None:
            self._believe(fit, look, stamp, likeness)
        else:
            self._forget_fresh()
            self._latest = None
        return back and not followed

    def _forget_fresh(self) -> None:
        """What was seen of late may be half another's."""
        if self._fresh:
            self._fresh.clear()
            self._seen = self._known.copy()
        self._told = None

    def _believe(self, fit: HeadFit, look: FaceLook, stamp: float, likeness: float | None) -> None:
        self._sure, self._sure_at = fit, stamp
        if self._next_earlier is None or stamp - self._next_earlier[0] >= _LASTING:
            self._earlier = None if self._next_earlier is None else self._next_earlier[1]
            self._next_earlier = stamp, fit
        again = bool(self._fresh) and stamp <= self._fresh[-1][1]  # the same image
        # Else it may be half another's, or a driver who turned far at once.
        if (likeness is None or likeness >= ALIKE) and not again:
            self._fresh.append((look, stamp))
            self._seen.keep(look, stamp)
            self._latest, self._told = look, None
        while self._fresh and (self._known.empty or stamp - self._fresh[0][1] >= _LASTING):
            self._known.keep(*self._fresh.popleft())

    def knows(self, look: FaceLook) -> bool:
        """Whether the driver looks so, as far as it can be told."""
        return self._doubtful_likeness(*self._compared(look)) is None

    def left_behind(self, fit: HeadFit, look: FaceLook, stamp: float) -> HeadFit | None:
        """The driver's last fit, around which to look while this head of this look is followed; None: no need now.

        Nor is there any while the head that is followed is still there: it would be found again.
        """
        unknown = not self.knows(look)
        if stamp - self._looked_at < (_BETWEEN if unknown else _SELDOM):
            return None
        there = self._sure if unknown else self.elsewhere
        if there is None or _across(fit, there) < _STILL_THERE:
            return None
        self._looked_at = stamp
        return there

    def is_rather(self, other: tuple[HeadFit, FaceLook], followed: tuple[HeadFit, FaceLook]) -> bool:
        """Whether another head is the driver's, rather than the one that is followed."""
        unlike = self._doubtful_likeness(*self._compared(followed[1]))
        looks, before, least = self._known, self._sure, _LIKELY
        if unlike is None and self._former is not None:
            looks, before = self._former.looks, self._former.fit
            least = _LIKELY if looks.likeness(other[1]) is None else ALIKE  # who is followed is the driver by now
            unlike = looks.likeness(followed[1], _TURNED) or 0.0
        likeness = looks.likeness(other[1], _TURNED)
        if unlike is None or likeness is None or before is None or not _apart(other[0], followed[0], before):
            return False
        rather = likeness > max(unlike + _CLEARLY, least)
        if rather and looks is not self._known:
            self._come_out = other[0]
        return rather

    def _doubtful_likeness(self, likeness: float | None, needed: float) -> float | None:
        """The likeness of a look that is not the driver's; None where it may be his. Where it cannot be told, who
        looked otherwise stays doubtful, with the likeness of then."""
        if likeness is None:
            return self._doubt
        if self._doubt is not None:
            needed = _SURELY
        return None if likeness >= needed else likeness

    def _compared(self, look: FaceLook) -> tuple[float | None, float]:
        """How much a look is like the driver's from there, or else just before; and how alike the driver's would be."""
        if self._told is None or self._told[0] is not look:  # a frame's look is asked for twice
            self._told = look, self._compare(look)
        return self._told[1]

    def _compare(self, look: FaceLook) -> tuple[float | None, float]:
        likeness = self._seen.likeness(look)
        if likeness is not None or self._latest is None:
            return likeness, ALIKE
        turned = float(np.linalg.norm(look.direction - self._latest.direction))
        return (look.likeness(self._latest) if turned <= _TURNED else None), _ALIKE_TURNED


def _apart(other: HeadFit, followed: HeadFit, before: HeadFit) -> bool:
    """Whether another head is beside the one that is followed, and about as far away as the driver's was before."""
    here, last = (float(fit.alignment.pose[2, 3]) for fit in (other, before))
    return _across(other, followed) > _APART and abs(here / last - 1.0) <= _SAME_DEPTH


def _across(one: HeadFit, other: HeadFit) -> float:
    """Metres between two heads, but for how far away they are."""
    return float(np.linalg.norm(one.alignment.pose[:2, 3] - other.alignment.pose[:2, 3]))
