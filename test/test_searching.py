"""Where to look for a head, and what of it to believe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.head_fitting import FitLimits, NoHead
from dense_face_ros.searching import believed, centre_of, crop_of, looks


def proposal(score: float, side: float, x: float = 100.0, roll: float = 0.0) -> FaceCandidate:
    return FaceCandidate((x - side / 2, 80.0 - side / 2, x + side / 2, 80.0 + side / 2), score, roll)


def test_sure_proposals_come_first_and_the_prominent_among_them() -> None:
    proposals = [proposal(0.3, 90, x=1), proposal(0.5, 40, x=2), proposal(0.9, 60, x=3), proposal(0.35, 20, x=4)]
    assert [[look.crop.centre[0] for look in part] for part in looks(proposals, 8, None)] == [[3, 2], [1, 4]]
    assert [[look.crop.centre[0] for look in part] for part in looks(proposals, 3, None)] == [[3, 2], [1]]
    assert [len(part) for part in looks(proposals, 1, None)] == [1]
    assert [len(part) for part in looks(proposals[:1], 3, None)] == [1], (
        "where none is sure the others are all there is"
    )
    assert looks([], 3, None) == []


def test_the_window_is_around_the_proposal_and_turned_as_it_is() -> None:
    candidate = proposal(0.9, 50.0, roll=0.3)
    crop = crop_of(candidate)
    assert crop.centre == pytest.approx(centre_of(candidate)) and crop.angle == 0.3 and crop.side > 50.0
    assert crop_of(proposal(0.9, 50.0, roll=np.nan)).angle == 0.0


def test_a_head_may_be_the_vaguer_the_surer_the_finder_is() -> None:
    limits = FitLimits(max_new_vagueness=0.1, vagueness_per_score=1.5)
    (sure,), (unsure,) = looks([proposal(0.8, 60), proposal(0.2, 60)], 8, limits)
    assert (sure.max_vagueness, unsure.max_vagueness) == pytest.approx((0.1 * np.exp(1.2), 0.1 * np.exp(0.3)))
    ((expected,),) = looks([proposal(0.8, 60)], 8, None)
    fit: Any = SimpleNamespace(vagueness=0.2)
    assert believed(fit, sure) is fit and believed(fit, expected) is fit
    with pytest.raises(NoHead, match=r"vagueness 0\.200, 0\.135 allowed"):
        believed(fit, unsure)
