from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.evaluation.alarms import TOLERANCE, Alarm, alarm_table, alarms, counted, paired_alarms
from dense_face_ros.evaluation.frame_table import FrameColumns

PAIR = ("attention", "attention_reason")


def run(*states: str) -> FrameColumns:
    """Frames half a second apart."""
    stamps = 7_000_000_000 + 500_000_000 * np.arange(len(states))
    return FrameColumns(stamps, {PAIR[0]: list(states), PAIR[1]: [f"as {state}" for state in states]}, {})


def told(*found: tuple[float, str]) -> list[Alarm]:
    return [Alarm(seconds, state, f"at {seconds}") for seconds, state in found]


def test_an_alarm_begins_where_the_state_becomes_worse_than_attentive() -> None:
    found = alarms(run("unknown", "attentive", "microsleep", "microsleep", "sleep", "attentive", "sleep"))
    assert [(alarm.seconds, alarm.state) for alarm in found] == [(1.0, "microsleep"), (2.0, "sleep"), (3.0, "sleep")]
    assert found[0].reason == "as microsleep"


def test_seconds_of_alarms_are_those_that_were_recorded() -> None:
    """Of two passes of two seconds each; by their stamps those of the second would be those of the first once more."""
    once = run("attentive", "sleep", "attentive", "attentive", "attentive")
    texts = {name: 2 * text for name, text in once.texts.items()}
    looped = FrameColumns(np.concatenate([once.stamps, once.stamps]), texts, {})
    found = alarms(looped)
    assert [alarm.seconds for alarm in found] == [0.5, 2.5]
    assert [pair.told_by for pair in paired_alarms(found, found[1:])] == ["this run only", "both"]


def test_an_alarm_that_was_in_doubt_is_the_same_and_one_that_stands_at_the_beginning_is_one() -> None:
    found = alarms(run("drowsy", "unknown", "drowsy", "unknown", "attentive", "drowsy"))
    assert [alarm.seconds for alarm in found] == [0.0, 2.5]


def test_an_alarm_that_another_had_hidden_is_the_same_but_the_other_comes_anew() -> None:
    found = alarms(
        run("drowsy", "microsleep", "unknown", "drowsy", "microsleep", "sleep", "drowsy", "attentive", "drowsy")
    )
    assert [(alarm.seconds, alarm.state) for alarm in found] == [
        (0.0, "drowsy"), (0.5, "microsleep"), (2.0, "microsleep"), (2.5, "sleep"), (4.0, "drowsy")
    ]  # fmt: skip


@pytest.mark.parametrize(("apart", "same"), [(0.0, True), (TOLERANCE, True), (TOLERANCE + 0.01, False)])
def test_alarms_are_the_same_within_the_tolerance(apart: float, same: bool) -> None:
    for sign in (1.0, -1.0):
        pairs = paired_alarms(told((9.0, "sleep")), told((9.0 + sign * apart, "sleep")))
        assert [pair.told_by for pair in pairs] == (
            ["both"] if same else ["this run only", "the other only"][:: int(sign)]
        )


def test_alarms_of_different_states_are_not_the_same() -> None:
    pairs = paired_alarms(told((9.0, "sleep")), told((9.0, "microsleep")))
    assert {pair.told.state: pair.told_by for pair in pairs} == {
        "sleep": "this run only", "microsleep": "the other only"
    }  # fmt: skip


def test_every_alarm_is_told_once_and_in_order() -> None:
    """The second sleep of the other run could be either of this run's; the first would then be without one."""
    this = told((1.0, "drowsy"), (10.0, "sleep"), (11.0, "sleep"), (30.2, "drowsy"))
    other = told((9.5, "sleep"), (10.4, "sleep"), (15.0, "microsleep"), (30.0, "drowsy"))
    rows = alarm_table(paired_alarms(this, other))
    assert rows == [
        ("drowsy", 1.0, None, "this run only", "at 1.0"),
        ("sleep", 10.0, 9.5, "both", "at 10.0"),
        ("sleep", 11.0, 10.4, "both", "at 11.0"),
        ("microsleep", None, 15.0, "the other only", "at 15.0"),
        ("drowsy", 30.2, 30.0, "both", "at 30.2"),
    ]
    assert "3 by both, 1 by this run only, 1 by the other only" in counted(paired_alarms(this, other))
