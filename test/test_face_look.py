"""One person's looks are alike, two people's are not."""

from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.face_look import ALIKE, FaceLook, RememberedLooks

RNG = np.random.default_rng(0)
OURS, THEIRS = RNG.normal(size=(2, 200))
ALL = np.ones(200, np.bool_)
AHEAD = np.zeros(2)


def look(values: np.ndarray, direction: np.ndarray = AHEAD, seen: np.ndarray = ALL) -> FaceLook:
    return FaceLook(values, seen, direction)


def remembering(*looks: FaceLook) -> RememberedLooks:
    out = RememberedLooks()
    for each in looks:
        out.keep(each, 0.0)
    return out


def test_likeness_is_correlation_where_both_are_seen() -> None:
    half = np.arange(200) < 100
    mixed = np.where(half, OURS, THEIRS)
    assert look(OURS).likeness(look(3.0 * mixed + 20.0, seen=half)) == pytest.approx(1.0)
    both = np.corrcoef(OURS, mixed)[0, 1]
    assert look(OURS).likeness(look(mixed)) == pytest.approx(both)
    assert look(OURS, seen=half).likeness(look(OURS, seen=~half)) is None
    assert look(np.ones(200)).likeness(look(OURS)) == pytest.approx(0.0), "a covered lens is like nobody"


def test_a_look_is_compared_with_those_in_its_direction() -> None:
    memory = remembering(look(OURS))
    assert memory.likeness(look(OURS, np.array([5.0, 0.0]))) == pytest.approx(1.0)
    assert memory.likeness(look(THEIRS, np.array([40.0, 0.0]))) is None, "nobody knows how the person looks from there"


def test_looks_of_earlier_are_compared_in_their_direction() -> None:
    memory = remembering(look(OURS), look(THEIRS, np.array([40.0, 0.0])))  # turned aside, it looks otherwise
    assert memory.likeness(look(OURS, np.array([3.0, 5.0]))) == pytest.approx(1.0)
    assert memory.likeness(look(OURS, np.array([30.0, 0.0]))) < ALIKE


def test_nothing_to_compare_tells_nothing() -> None:
    assert RememberedLooks().likeness(look(OURS)) is None
    half = np.arange(200) < 100
    assert remembering(look(OURS, seen=half)).likeness(look(THEIRS, seen=~half)) is None
    memory = remembering(look(OURS))
    memory.forget()
    assert memory.likeness(look(THEIRS)) is None


def test_a_lasting_look_gives_way_only_after_its_time() -> None:
    latest, lasting = RememberedLooks(), RememberedLooks(1.0)
    for memory in (latest, lasting):
        memory.keep(look(OURS), 0.0)
        memory.keep(look(THEIRS), 0.9)
    assert latest.likeness(look(THEIRS)) == pytest.approx(1.0)
    assert lasting.likeness(look(OURS)) == pytest.approx(1.0)
    lasting.keep(look(THEIRS), 1.0)
    assert lasting.likeness(look(THEIRS)) == pytest.approx(1.0)
    assert lasting.likeness(look(OURS, np.array([40.0, 0.0]))) is None
