"""Attention states as ``diagnostic_msgs/DiagnosticStatus``."""

from __future__ import annotations

import math

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dense_face_ros.attention.directions import HeadDirection
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.ros.attention_content import (
    CAMERA,
    HEAD,
    LEVELS,
    attention_sentence,
    attention_values,
    event_values,
)


def attention_message(attention: Attention, name: str, source: str) -> DiagnosticStatus:
    """``name`` of the status; ``source``: the topic of head poses, as its hardware."""
    return _status(attention, attention_values(attention), name, source)


def event_message(attention: Attention, previous: Attention | None, name: str, source: str) -> DiagnosticStatus:
    """The same for a transition, with ``previous_state``."""
    return _status(attention, attention_values(attention) | event_values(attention, previous), name, source)


def _status(attention: Attention, values: dict[str, str], name: str, source: str) -> DiagnosticStatus:
    status = DiagnosticStatus(level=bytes([LEVELS[attention.state]]), name=name, hardware_id=source)
    status.message = attention_sentence(attention)
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
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
            direction=None if (told := _all_told(values, HEAD)) is None else HeadDirection(*told),
            mounting=_all_told(values, CAMERA),
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"status '{status.name}' is not one of the attention node: {error}") from error


def _all_told(values: dict[str, str], names: tuple[str, str, str]) -> tuple[float, float, float] | None:
    """Three figures; None where they are unknown, or were not told yet by the version that wrote them."""
    first, second, third = (_told(values.get(name, "unknown")) for name in names)
    return (first, second, third) if math.isfinite(first + second + third) else None


def _told(text: str) -> float:
    return math.nan if text == "unknown" else float(text)
