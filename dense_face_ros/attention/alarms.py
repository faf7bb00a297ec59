"""Which states in a row are alarms of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dense_face_ros.attention.states import State


def beginnings(states: Iterable[str]) -> Iterator[int]:
    """Where in the row of states, or of their values, an alarm begins: what is worse than attentive.

    One that is in doubt (unknown) for a while and goes on is the same alarm, and so is one that another had hidden, as
    drowsiness after a microsleep.
    """
    standing: list[str] = []  # since the driver was attentive, each told in the midst of the one before
    for index, state in enumerate(states):
        if state == State.ATTENTIVE:
            standing = []
        elif state in standing:
            standing = standing[: standing.index(state) + 1]
        elif state != State.UNKNOWN:
            standing.append(state)
            yield index
