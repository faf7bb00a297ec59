"""What is published of attention, as plain values: the content of messages, whichever library writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple

from dense_face_ros.attention.directions import HeadDirection
from dense_face_ros.attention.states import Attention, State

HEAD = ("head_yaw", "head_pitch", "head_sigma")
CAMERA = ("camera_yaw", "camera_pitch", "camera_roll")
_NO_DIRECTION = HeadDirection(math.nan, math.nan, math.nan)

#: Levels of ``diagnostic_msgs/DiagnosticStatus``: OK, WARN, ERROR and STALE.
OK, WARN, ERROR, STALE = range(4)
LEVELS: dict[State, int] = {
    State.UNKNOWN: STALE,
    State.ATTENTIVE: OK,
    State.DROWSY: WARN,
    State.REPEATED_DISTRACTION: WARN,
    State.LONG_DISTRACTION: WARN,
    State.MICROSLEEP: ERROR,
    State.SLEEP: ERROR,
    State.UNRESPONSIVE: ERROR,
}


def attention_values(attention: Attention) -> dict[str, str]:
    """Key -> value of a status."""
    budget, known = attention.budget_left, attention.last_known
    return {
        "state": attention.state.value,
        "reason": attention.reason,
        "since": f"{attention.since:.3f}",
        "stamp": f"{attention.stamp:.3f}",
        "zone": attention.zone,
        "glance_duration": _number(attention.glance),
        "budget_left": "not judged" if budget is None else _number(budget),
        "eyes_closed": _number(attention.closure),
        "perclos": _number(attention.perclos),
        "degraded": attention.degraded,
        "last_known_state": "none" if known is None else known.value,
        **_numbers(HEAD, astuple(attention.direction or _NO_DIRECTION)),
        **_numbers(CAMERA, attention.mounting or (math.nan,) * 3),
    }


def attention_sentence(attention: Attention) -> str:
    """The message of a status."""
    said = f"{attention.state.value}: {attention.reason}"
    return f"{said} ({attention.degraded})" if attention.degraded else said


def event_values(attention: Attention, previous: Attention | None) -> dict[str, str]:
    """What an event has besides; ``previous``: None before the first."""
    return {"previous_state": "none" if previous is None else previous.state.value}


def is_event(attention: Attention, previous: Attention | None) -> bool:
    """Whether it differs from the one before in what makes an event; the last known state does when it is forgotten."""
    return previous is None or _told(previous) != _told(attention)


def _told(attention: Attention) -> tuple[State, str, State | None]:
    return attention.state, attention.degraded, attention.last_known


def _numbers(names: Sequence[str], values: Sequence[float]) -> dict[str, str]:
    return {name: _number(value) for name, value in zip(names, values, strict=True)}


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "unknown"
