"""What the policy says about the driver at one stamp."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dense_face_ros.attention.directions import HeadDirection


class State(str, Enum):
    """Ascending by severity, except that UNKNOWN has none: it means that nothing may be concluded."""

    UNKNOWN = "unknown"
    ATTENTIVE = "attentive"
    DROWSY = "drowsy"
    REPEATED_DISTRACTION = "repeated_distraction"
    LONG_DISTRACTION = "long_distraction"
    MICROSLEEP = "microsleep"
    SLEEP = "sleep"
    UNRESPONSIVE = "unresponsive"

    @property
    def severity(self) -> int:
        """0 for UNKNOWN, 1 for ATTENTIVE, and more for every state that is worse."""
        return list(State).index(self)


@dataclass(frozen=True)
class Attention:
    """Result of the policy. Durations in seconds; NaN and None where unknown or not judged.

    Attributes:
        stamp: of the newest sample.
        state: see :class:`State`.
        reason: why, in words with the present figures.
        since: stamp from which the state holds.
        zone: name of the zone the head points at, ``elsewhere`` outside all, ``undecided`` at a border between zones
            away from the road, ``unknown`` without evidence.
        glance: duration of the glance away from the road; 0 while on it, NaN without evidence.
        budget_left: what is left of the budget of glances; NaN before any evidence, None where the preset has none.
        closure: how long the eyes have been closed; 0 while open, NaN where the eyes are not seen.
        perclos: share of the last minute with closed eyes; NaN where too little of it was seen.
        degraded: what has not been seen for so long that it must be said, and what cannot be told for it; or empty.
        last_known: the last state that was not UNKNOWN; None before the first.
        direction: of the head in the car; None while it is not known.
        mounting: yaw, pitch and roll of the camera in the car, degrees, as the directions are taken; None while it is
            not known.
    """

    stamp: float
    state: State
    reason: str
    since: float
    zone: str
    glance: float
    budget_left: float | None
    closure: float
    perclos: float
    degraded: str
    last_known: State | None
    direction: HeadDirection | None = None
    mounting: tuple[float, float, float] | None = None
