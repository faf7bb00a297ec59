"""Attention states as ``diagnostic_msgs/DiagnosticStatus``."""

from __future__ import annotations

import math
from dataclasses import astuple

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dense_face_ros.attention.directions import HeadDirection
from dense_face_ros.attention.states import Attention, State

_HEAD = ("head_yaw", "head_pitch", "head_sigma")
_CAMERA = ("camera_yaw", "camera_pitch", "camera_roll")
_NO_DIRECTION = HeadDirection(math.nan, math.nan, math.nan)

LEVELS: dict[State, bytes] = {
    State.UNKNOWN: DiagnosticStatus.STALE,
    State.ATTENTIVE: DiagnosticStatus.OK,
    State.DROWSY: DiagnosticStatus.WARN,
    State.REPEATED_DISTRACTION: DiagnosticStatus.WARN,
    State.LONG_DISTRACTION: DiagnosticStatus.WARN,
    State.MICROSLEEP: DiagnosticStatus.ERROR,
    State.SLEEP: DiagnosticStatus.ERROR,
    State.UNRESPONSIVE: DiagnosticStatus.ERROR,
}


def attention_message(attention: Attention, name: str, source: str) -> DiagnosticStatus:
    """``name`` of the status; ``source``: the topic of head poses, as its hardware."""
    budget, known = attention.budget_left, attention.last_known
    values = {
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
        **dict(zip(_HEAD, map(_number, astuple(attention.direction or _NO_DIRECTION)), strict=True)),
        **dict(zip(_CAMERA, map(_number, attention.mounting or (math.nan,) * 3), strict=True)),
    }
    status = DiagnosticStatus(level=LEVELS[attention.state], name=name, hardware_id=source)
    status.message = f"{attention.state.value}: {attention.reason}"
    if attention.degraded:
        status.message += f" ({attention.degraded})"
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return status


def event_message(attention: Attention, previous: Attention | None, name: str, source: str) -> DiagnosticStatus:
    """The same for a transition, with ``previous_state``."""
    status = attention_message(attention, name, source)
    before = "none" if previous is None else previous.state.value
    status.values.append(KeyValue(key="previous_state", value=before))
    return status


def read_attention(status: DiagnosticStatus) -> Attention:
    """What :func:`attention_message` wrote, as exactly as it wrote it.

    Raises:
        ValueError: the status is of another kind.
    """
    values = {pair.key: pair.value for pair in status.values}
    try:
        budget, known = values["budget_left"], values["last_known_state"]
        return Attention(
            stamp=float(values["stamp"]),
            state=State(values["state"]),
            reason=values["reason"],
            since=float(values["since"]),
            zone=values["zone"],
            glance=_told(values["glance_duration"]),
            budget_left=None if budget == "not judged" else _told(budget),
            closure=_told(values["eyes_closed"]),
            perclos=_told(values["perclos"]),
            degraded=values["degraded"],
            last_known=None if known == "none" else State(known),
            direction=None if (told := _all_told(values, _HEAD)) is None else HeadDirection(*told),
            mounting=_all_told(values, _CAMERA),
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"status '{status.name}' is not one of the attention node: {error}") from error


def _all_told(values: dict[str, str], names: tuple[str, str, str]) -> tuple[float, float, float] | None:
    """Three figures; None where they are unknown, or were not told yet by the version that wrote them."""
    first, second, third = (_told(values.get(name, "unknown")) for name in names)
    return (first, second, third) if math.isfinite(first + second + third) else None


def _told(text: str) -> float:
    return math.nan if text == "unknown" else float(text)


def _number(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "unknown"
