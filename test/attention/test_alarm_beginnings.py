from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from dense_face_ros.attention.alarms import beginnings
from dense_face_ros.attention.states import State

DROWSY, NAP, SLEEP, CALM, UNKNOWN = State.DROWSY, State.MICROSLEEP, State.SLEEP, State.ATTENTIVE, State.UNKNOWN


def test_doubt_and_what_is_worse_do_not_end_an_alarm() -> None:
    assert list(beginnings([UNKNOWN, CALM, DROWSY, DROWSY, UNKNOWN, DROWSY, CALM, DROWSY])) == [2, 7]
    assert list(beginnings([DROWSY, NAP, SLEEP, DROWSY, NAP])) == [0, 1, 2, 4]
    assert not list(beginnings([]))


def test_an_alarm_that_comes_again_under_a_milder_one_is_another() -> None:
    assert list(beginnings([NAP, CALM, NAP, DROWSY, NAP, DROWSY, UNKNOWN, NAP])) == [0, 2, 3, 4, 7]
    look, often = State.LONG_DISTRACTION, State.REPEATED_DISTRACTION
    assert list(beginnings([often, look, often, look])) == [0, 1, 3]
    assert list(beginnings([SLEEP, look, SLEEP])) == [0, 1], "eyes that were hidden meanwhile may have been shut"


def test_a_state_that_only_another_version_knows_is_an_alarm() -> None:
    assert list(beginnings([CALM, "dizzy", UNKNOWN, "dizzy", DROWSY, "dizzy"])) == [1, 4, 5]


@given(some.lists(some.sampled_from(State)))
def test_alarms_begin_at_what_is_worse_than_attentive_and_doubt_makes_no_difference(states: list[State]) -> None:
    begun = [states[i] for i in beginnings(states)]
    assert all(state.severity > CALM.severity for state in begun)
    sure = [state for state in states if state is not UNKNOWN]
    assert begun == [sure[i] for i in beginnings(sure)]
    assert begun[:1] == [state for state in sure if state is not CALM][:1]
