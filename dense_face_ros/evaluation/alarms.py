"""The alarms of a run, and which of them another run over the same recording tells as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dense_face_ros.attention.alarms import beginnings
from dense_face_ros.evaluation.frame_table import FrameColumns

#: Seconds by which two runs may tell an alarm apart. A tracker's filter and half-shut lids move one by some tenths; and
#: no preset tells the same alarm twice within it: what ended it must last half a second, and what raises it one more.
TOLERANCE = 1.0
_SAME = 1e-6  # seconds that are no difference


@dataclass(frozen=True)
class Alarm:
    """A change to a state that is worse than attentive: after how many recorded seconds, and why."""

    seconds: float
    state: str
    reason: str


@dataclass(frozen=True)
class AlarmPair:
    """An alarm of two runs; None for the one that does not tell it, which at most one is."""

    this: Alarm | None
    other: Alarm | None

    @property
    def told(self) -> Alarm:
        """As this run tells it, or else as the other does."""
        alarm = self.this or self.other
        assert alarm is not None
        return alarm

    @property
    def told_by(self) -> str:
        """``both``, ``this run only`` or ``the other only``."""
        if self.this and self.other:
            return "both"
        return "this run only" if self.this else "the other only"


def alarms(columns: FrameColumns) -> list[Alarm]:
    """All of a run, in order."""
    states, reasons = columns.texts["attention"], columns.texts["attention_reason"]
    seconds = columns.played.tolist()
    return [Alarm(seconds[i], states[i], reasons[i]) for i in beginnings(states)]


def paired_alarms(this: Sequence[Alarm], other: Sequence[Alarm]) -> list[AlarmPair]:
    """Every alarm once, in order of time: those of the same state within ``TOLERANCE`` of each other are one."""
    pairs = []
    for state in dict.fromkeys(alarm.state for alarm in (*this, *other)):
        pairs += _paired(*([alarm for alarm in run if alarm.state == state] for run in (this, other)))
    return sorted(pairs, key=lambda pair: pair.told.seconds)


def _paired(this: list[Alarm], other: list[Alarm]) -> list[AlarmPair]:
    """Of one state, in order: the earliest that fit belong together, so that as many do as can."""
    pairs, i, j = [], 0, 0
    while i < len(this) or j < len(other):
        a = this[i] if i < len(this) else None
        b = other[j] if j < len(other) else None
        if a and b and abs(a.seconds - b.seconds) > TOLERANCE + _SAME:
            a, b = (a, None) if a.seconds < b.seconds else (None, b)
        pairs.append(AlarmPair(a, b))
        i, j = i + (a is not None), j + (b is not None)
    return pairs


ALARM_HEADER = ("alarm", "this run, s", "the other, s", "told by", "reason")


def alarm_table(pairs: Sequence[AlarmPair]) -> list[tuple[str, float | None, float | None, str, str]]:
    """Rows: state, when it begins in this run and in the other (seconds; None: it does not), by which it is told, and
    why (in this run, where both tell it)."""
    rows = []
    for pair in pairs:
        this, other = (round(alarm.seconds, 6) if alarm else None for alarm in (pair.this, pair.other))
        rows.append((pair.told.state, this, other, pair.told_by, pair.told.reason))
    return rows


def counted(pairs: Sequence[AlarmPair]) -> str:
    """How many there are, as a sentence."""
    many = {who: sum(pair.told_by == who for pair in pairs) for who in ("both", "this run only", "the other only")}
    listed = ", ".join(f"{count} by {who}" for who, count in many.items())
    return f"Alarms: {listed}. They are the same where the same state begins within {TOLERANCE:g} s."
