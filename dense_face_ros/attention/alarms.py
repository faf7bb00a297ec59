"""Which states in a row are alarms of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dense_face_ros.attention.states import State

_CLOSED = (State.MICROSLEEP, State.SLEEP)
_LOOKS = (State.LONG_DISTRACTION, State.REPEATED_DISTRACTION)


def beginnings(states: Iterable[str]) -> Iterator[int]:
    """Where in the row of states, or of their values, an alarm begins: what is worse than attentive.

    One that is in doubt (unknown) for a while and goes on is the same alarm, and so is one that a worse one had hidden,
    as drowsiness after a microsleep. A worse one has ended where a milder one is told, but for closed eyes: while they
    are hidden, looks are told before them.
    """
    standing: list[str] = []  # since the driver was attentive
    for index, state in enumerate(states):
        if state == State.ATTENTIVE:
            standing = []
        elif state != State.UNKNOWN:
            standing = [s for s in standing if _severity(s) <= _severity(state) or (state in _LOOKS and s in _CLOSED)]
            if state not in standing:
                standing.append(state)
                yield index


def _severity(state: str) -> int:
    """Of a state; one that only another version knows may be as bad as can be."""
    return State(state).severity if state in list(State) else len(State)
