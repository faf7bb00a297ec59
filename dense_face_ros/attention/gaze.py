"""On the road or away from it: head directions to glances, with hysteresis, doubt and the start of the turn."""

from __future__ import annotations

from collections import deque
from enum import Enum

from dense_face_ros.attention.directions import HeadDirection, between_degrees
from dense_face_ros.attention.evidence import EvidenceTimeline, Interval
from dense_face_ros.attention.settings import AttentionSettings
from dense_face_ros.attention.zones import ROAD, UNKNOWN, Sector, ZoneMap

#: A head within this many degrees of where it rested has not begun to turn.
_AT_REST = 2.0


class Gaze(Enum):
    """Where the head points: ASIDE is away from the road where, or while, glances are not judged."""

    ROAD = "road"
    AWAY = "away"
    ASIDE = "aside"


class GazeTracker:
    """Follows the head's direction over the zones."""

    def __init__(self, zones: ZoneMap, settings: AttentionSettings) -> None:
        self._zones, self._settings = zones, settings
        self._timeline: EvidenceTimeline[Gaze] = EvidenceTimeline(settings.evidence_hold, settings.readaptation)
        self._judged: Sector | None = None
        if settings.judged_area is not None:
            sideways, down = settings.judged_area
            self._judged = Sector((-sideways, sideways), (down, 90.0))
        self._zone = UNKNOWN
        self._recent: deque[tuple[float, HeadDirection]] = deque()

    @property
    def gaze(self) -> Gaze | None:
        """Where the head points; None when there is no evidence."""
        return self._timeline.kind

    @property
    def zone(self) -> str:
        """The zone it points at."""
        return UNKNOWN if self.gaze is None else self._zone

    @property
    def last_zone(self) -> str:
        """The zone it pointed at when that was known last."""
        return self._zone

    def observe(self, stamp: float, direction: HeadDirection | None) -> list[Interval[Gaze]]:
        """Take the direction of a frame, None without one; what became certain by it."""
        before = self._timeline.holding(stamp)
        seen = None if direction is None else self._classify(direction, before)
        # The way to a target belongs to the glance at it; the way back ends where the road is reached.
        if direction is not None and before is Gaze.ROAD:
            out = self._timeline.observe(stamp, seen, lambda: self._start_of_turn(stamp, direction))
        else:
            out = self._timeline.observe(stamp, seen)
        if self.gaze is not Gaze.ROAD:
            self._recent.clear()
        if direction is not None:
            if self.gaze is Gaze.ROAD and (seen is None or seen is Gaze.ROAD):
                self._remember(stamp, direction)
            if seen is Gaze.ROAD and self.gaze is Gaze.ROAD:
                self._zone = ROAD
            elif seen is not None and seen is self.gaze:
                held = UNKNOWN if before is None else self._zone
                self._zone = self._zones.locate_aside(direction.yaw, direction.pitch, direction.sigma, held)
        return out

    def _classify(self, direction: HeadDirection, before: Gaze | None) -> Gaze | None:
        """What a direction proves, None where its uncertainty reaches over a border that matters."""
        inside = self._zones.inside_road(direction.yaw, direction.pitch, held=before is Gaze.ROAD)
        doubt = self._settings.border_sigmas * direction.sigma
        if direction.sigma > self._settings.max_sigma or abs(inside) < doubt:
            return None
        if inside > 0.0:
            return Gaze.ROAD
        if self._judged is None:
            return Gaze.AWAY
        inside = self._judged.inside(direction.yaw, direction.pitch)
        inside += self._zones.hysteresis if before is Gaze.AWAY else 0.0
        if abs(inside) < doubt:  # away from the road all the same
            return None if before is Gaze.ROAD else before
        return Gaze.AWAY if inside > 0.0 else Gaze.ASIDE

    def _remember(self, stamp: float, direction: HeadDirection) -> None:
        self._recent.append((stamp, direction))
        while self._recent[0][0] < stamp - self._settings.transition:
            self._recent.popleft()

    def _start_of_turn(self, stamp: float, direction: HeadDirection) -> float:
        """When the head, seen beyond the road's border now, left the place where it rested before."""
        earlier = [(t, between_degrees(d, direction)) for t, d in self._recent]
        at_rest = max(angle for _, angle in earlier) - max(_AT_REST, direction.sigma)
        last = max(i for i, (_, angle) in enumerate(earlier) if angle >= at_rest)
        after = earlier[last + 1][0] if last + 1 < len(earlier) else stamp
        # As every change, it happened midway between two frames.
        return 0.5 * (earlier[last][0] + after)
