"""The driver is known by the look, and sought where he was left behind; on looks and places that are made up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dense_face_ros.face_look import FaceLook
from dense_face_ros.recognition import Recognition

RNG = np.random.default_rng(0)
DRIVER, OTHER, THIRD = RNG.normal(size=(3, 200))
#: Compared with what is kept of a direction; only with what was seen just before; and not at all.
AHEAD, TURNED, ASIDE = np.zeros(2), np.array([20.0, 0.0]), np.array([40.0, 0.0])


def look(values: np.ndarray, direction: np.ndarray = AHEAD) -> FaceLook:
    return FaceLook(values, np.ones(200, np.bool_), direction)


def alike(likeness: float) -> np.ndarray:
    """Shades that correlate with the driver's so."""
    his = (DRIVER - DRIVER.mean()) / DRIVER.std()
    others = OTHER - OTHER.mean()
    others -= his * (his @ others) / len(his)
    return likeness * his + np.sqrt(1.0 - likeness**2) * others / others.std()


def head(x: float, z: float = 0.65) -> Any:
    """A fit of a head ``x`` metres beside the axis."""
    pose = np.eye(4)
    pose[:3, 3] = x, 0.0, z
    return SimpleNamespace(alignment=SimpleNamespace(pose=pose))


def knowing_the_driver() -> tuple[Recognition, Any]:
    out, there = Recognition(), head(0.0)
    out.see(there, look(DRIVER), 0.0, True)
    return out, there


def test_nobody_is_sought_while_the_driver_looks_as_ever() -> None:
    known, there = knowing_the_driver()
    known.see(there, look(DRIVER + 0.3 * OTHER), 0.1, True)
    assert not known.doubted
    assert known.left_behind(head(-0.1), look(DRIVER), 0.2) is None


def test_the_driver_is_sought_where_he_last_was_now_and_then() -> None:
    known, there = knowing_the_driver()
    assert known.left_behind(head(-0.1), look(OTHER), 0.1) is there
    known.see(head(0.05), look(OTHER), 0.1, True)
    assert known.doubted
    assert known.left_behind(head(-0.1), look(OTHER), 0.15) is None
    assert known.left_behind(head(-0.1), look(OTHER), 0.25) is there


def test_nobody_is_sought_where_the_head_that_is_followed_is() -> None:
    """A driver in a shadow would be found again, a face that covers his hides him."""
    known, there = knowing_the_driver()
    for z in (0.5, 0.65):
        assert known.left_behind(head(0.015, z), look(OTHER), 0.1) is None
    assert known.left_behind(head(0.03), look(OTHER), 0.1) is there


def test_another_head_is_the_driver_if_it_is_apart_and_more_alike() -> None:
    known, there = knowing_the_driver()
    passer = head(-0.15), look(OTHER)
    known.see(*passer, 0.1, True)
    assert known.is_rather((there, look(DRIVER)), passer)
    assert known.is_rather((there, look(DRIVER, TURNED)), passer)
    assert not known.is_rather((there, look(DRIVER, ASIDE)), passer), "it cannot be told who this is"
    assert not known.is_rather((head(0.0, 0.85), look(DRIVER)), passer), "somebody behind the driver's seat"
    assert not known.is_rather((there, look(OTHER)), passer), "a third person is no more alike"
    assert not known.is_rather((head(-0.1), look(DRIVER)), passer), "the same head, fitted otherwise"
    assert not known.is_rather((there, look(DRIVER)), (head(-0.15), look(DRIVER))), "who is followed is like him"


@pytest.mark.parametrize(
    ("followed", "other", "rather"), [(0.0, 0.65, True), (0.0, 0.55, False), (0.6, 0.65, False), (0.6, 0.72, True)]
)
def test_another_head_must_be_likely_the_driver_s_and_clearly_more_so(
    followed: float, other: float, rather: bool
) -> None:
    known, there = knowing_the_driver()
    assert known.is_rather((there, look(alike(other))), (head(-0.15), look(alike(followed)))) is rather


def test_doubt_lasts_where_it_cannot_be_told() -> None:
    known, _ = knowing_the_driver()
    known.see(head(0.0), look(OTHER), 0.1, True)
    known.see(head(0.0), look(OTHER, ASIDE), 0.2, True)
    assert known.doubted
    known.see(head(0.0), look(DRIVER), 0.3, True)
    assert not known.doubted


def test_a_face_that_is_turned_further_must_look_as_just_before() -> None:
    known, _ = knowing_the_driver()
    known.see(head(0.0), look(DRIVER + 0.5 * OTHER, TURNED), 0.1, True)
    assert not known.doubted
    known.see(head(0.0), look(RNG.normal(size=200), 2.0 * TURNED), 0.2, True)
    assert known.doubted


def test_who_looks_hardly_like_the_driver_is_followed_and_not_got_used_to() -> None:
    known, there = knowing_the_driver()
    known.see(there, look(alike(0.6), TURNED), 0.1, True)
    assert not known.doubted
    assert not known.knows(look(alike(0.0), TURNED)), "who is as much like that one, and not like the driver"


def test_who_turns_where_nothing_can_be_compared_is_believed() -> None:
    known, _ = knowing_the_driver()
    known.see(head(0.0), look(OTHER, ASIDE), 0.1, True)
    assert not known.doubted


def test_who_turns_up_from_elsewhere_is_doubtful_until_it_can_be_told() -> None:
    known, _ = knowing_the_driver()
    known.see(head(0.0), look(DRIVER, ASIDE), 0.1, False)
    assert known.doubted
    known.see(head(0.0), look(DRIVER), 0.2, True)
    assert not known.doubted


def test_slow_change_is_not_got_used_to_within_a_second() -> None:
    """A face that slowly covers the driver's is alike from frame to frame, and another in the end."""
    known, _ = knowing_the_driver()
    for step in range(1, 11):
        share = step / 10
        known.see(head(0.0), look((1.0 - share) * DRIVER + share * OTHER), 0.09 * step, True)
    assert known.doubted


def test_a_driver_who_stays_otherwise_is_got_used_to() -> None:
    known, _ = knowing_the_driver()
    stamps = np.arange(0.1, 5.3, 0.1)
    doubted = []
    for stamp in stamps:
        known.see(head(0.0), look(OTHER), float(stamp), True)
        doubted.append(known.doubted)
    assert doubted[0] and doubted[-5] and not doubted[-1]
    assert known.knows(look(OTHER)) and not known.knows(look(DRIVER))


def taken_for_the_driver(until: float = 6.0) -> tuple[Recognition, Any]:
    """Somebody who covers the driver for so long that he is taken for him; and where the driver is."""
    known, there = knowing_the_driver()
    for stamp in np.arange(0.1, until, 0.1):
        assert not known.see(head(0.0, 0.5), look(OTHER), float(stamp), True)
    assert not known.doubted and known.knows(look(OTHER))
    return known, there


def test_who_was_covered_for_long_is_still_sought_now_and_then() -> None:
    known, there = taken_for_the_driver()
    assert known.elsewhere is there
    assert known.left_behind(head(-0.1), look(OTHER), 6.0) is there
    assert known.left_behind(head(-0.1), look(OTHER), 6.4) is None
    assert known.left_behind(head(-0.1), look(OTHER), 6.6) is there


def test_who_was_covered_for_long_is_the_driver_when_he_comes_out_beside_the_other() -> None:
    known, there = taken_for_the_driver()
    other = head(-0.15, 0.5), look(OTHER)
    assert known.is_rather((there, look(DRIVER)), other)
    assert known.is_rather((there, look(DRIVER, TURNED)), other)
    assert not known.is_rather((there, look(DRIVER, ASIDE)), other), "nothing to compare with from there"
    assert not known.is_rather((there, look(alike(0.7))), other), "he is hardly like the driver"
    assert not known.is_rather((head(-0.1), look(DRIVER)), other), "the same head, fitted otherwise"
    assert not known.is_rather((head(0.0, 0.85), look(DRIVER)), other), "somebody behind the driver's seat"
    assert known.see(there, look(DRIVER), 6.1, False), "somebody else had been taken for him"
    assert not known.doubted and known.knows(look(DRIVER)) and not known.knows(look(OTHER))
    assert not known.see(there, look(DRIVER), 6.2, True), "that is told once"
    assert known.elsewhere is None


def test_a_driver_who_looks_as_before_again_is_nobody_else() -> None:
    """Glasses that were put on, and are taken off again."""
    known, there = taken_for_the_driver()
    assert not known.see(there, look(DRIVER), 6.0, True)
    assert known.elsewhere is None and known.knows(look(DRIVER))


def test_who_was_covered_is_sought_where_he_was_before_the_other_came() -> None:
    """The last head that was sure may be half the other's: where that one was, and as near."""
    known, there = Recognition(), head(0.0)
    for stamp in np.arange(0.0, 2.5, 0.1):
        known.see(there, look(DRIVER), float(stamp), True)
    for stamp in (2.5, 2.6):
        known.see(head(0.02, 0.5), look(alike(0.8)), stamp, True)
    for stamp in np.arange(2.7, 8.0, 0.1):
        known.see(head(0.0, 0.5), look(OTHER), float(stamp), True)
    assert known.elsewhere is there


def test_who_was_covered_is_given_up_after_a_minute() -> None:
    known, there = taken_for_the_driver(70.0)
    assert known.elsewhere is None
    assert known.left_behind(head(-0.1), look(OTHER), 71.0) is None
    assert not known.is_rather((there, look(DRIVER)), (head(-0.15, 0.5), look(OTHER)))


def test_a_third_face_does_not_replace_the_one_that_was_first() -> None:
    known, there = taken_for_the_driver()
    for stamp in np.arange(6.0, 12.0, 0.1):
        known.see(head(0.0, 0.5), look(THIRD), float(stamp), True)
    assert not known.doubted and known.elsewhere is there


def test_the_driver_who_was_out_of_view_for_long_is_nobody_else() -> None:
    known, there = knowing_the_driver()
    assert not known.see(there, look(DRIVER), 20.0, True)
    assert not known.see(there, look(DRIVER), 20.1, True)
    assert known.elsewhere is None and not known.doubted


def test_who_was_not_seen_is_not_got_used_to() -> None:
    """Somebody else turns up where the driver was lost twenty seconds ago: he is followed for as long as any other."""
    known, there = knowing_the_driver()
    doubted = []
    for stamp in np.arange(20.0, 25.6, 0.1):
        known.see(there, look(OTHER), float(stamp), stamp > 20.0)
        doubted.append(known.doubted)
    assert doubted[0] and doubted[48] and not doubted[-1]


@pytest.mark.parametrize(("likeness", "ends"), [(0.8, False), (0.9, True)])
@pytest.mark.parametrize("direction", [AHEAD, TURNED / 2.0])
def test_a_doubt_ends_only_where_it_is_surely_the_driver(likeness: float, ends: bool, direction: np.ndarray) -> None:
    known, there = knowing_the_driver()
    known.see(there, look(OTHER), 0.1, True)
    known.see(there, look(alike(likeness), direction), 0.2, True)
    assert known.doubted is not ends


def test_looks_from_elsewhere_on_the_way_to_another_face_do_not_count() -> None:
    """The other's head is turned: nothing is known from there, and half covered faces are alike one after another."""
    known, there = Recognition(), head(0.0)
    for stamp in np.arange(0.0, 2.0, 0.1):
        known.see(there, look(DRIVER), float(stamp), True)
    for i, likeness in enumerate((0.9, 0.8, 0.6, 0.4)):
        known.see(there, look(alike(likeness), TURNED), 2.0 + 0.1 * i, True)
    known.see(there, look(OTHER), 2.4, True)
    assert known.doubted
    known.see(there, look(alike(0.8), TURNED), 2.5, True)
    assert known.doubted and not known.knows(look(alike(0.8), TURNED))


def test_who_comes_out_turned_is_still_known_from_where_he_was_known_before() -> None:
    known, there = taken_for_the_driver()
    driver = look(DRIVER, TURNED)
    assert known.is_rather((there, driver), (head(-0.15, 0.5), look(OTHER)))
    assert known.see(there, driver, 6.1, False), "somebody else had been taken for him"
    assert not known.knows(look(alike(0.6))), "which would do for a turned face of whom no more is known"


def test_who_is_lost_just_after_the_other_was_taken_for_the_driver_is_doubted_no_longer_than_others() -> None:
    known, there = knowing_the_driver()
    stamp, begun = 1000.0, 1000.0
    known.see(there, look(DRIVER), stamp, False)
    while known.doubted or stamp == begun or known.elsewhere is None:  # until the other is taken for him
        stamp += 0.1
        known.see(there, look(OTHER), stamp, True)
    lost = stamp
    known.see(there, look(THIRD), stamp + 0.1, False)
    while known.doubted and stamp < lost + 10.0:
        stamp += 0.1
        known.see(there, look(THIRD), stamp, True)
    assert 5.0 <= stamp - lost <= 5.5


def test_what_was_seen_just_before_the_driver_was_lost_does_not_count() -> None:
    """It may have been half another's."""
    known, there = knowing_the_driver()
    known.see(there, look(alike(0.9), ASIDE), 0.1, True)
    known.see(there, look(DRIVER), 3.0, False)
    known.see(there, look(DRIVER), 4.1, True)
    known.see(there, look(OTHER, ASIDE), 4.2, True)
    assert not known.doubted, "nothing is known from there"
