"""Where to look for a head, and what of it to believe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.head_fitting import FitLimits
from dense_face_ros.searching import centre_of, certain, crop_of, looks


def proposal(score: float, side: float, x: float = 100.0, roll: float = 0.0) -> FaceCandidate:
    return FaceCandidate((x - side / 2, 80.0 - side / 2, x + side / 2, 80.0 + side / 2), score, roll)


def test_sure_proposals_come_first_and_the_prominent_among_them() -> None:
    proposals = [proposal(0.3, 90, x=1), proposal(0.5, 40, x=2), proposal(0.9, 60, x=3), proposal(0.35, 20, x=4)]
    assert [[crop.centre[0] for crop in part] for part in looks(proposals, 8)] == [[3, 2], [1, 4]]
    assert [[crop.centre[0] for crop in part] for part in looks(proposals, 3)] == [[3, 2], [1]]
    assert [len(part) for part in looks(proposals, 1)] == [1]
    assert [len(part) for part in looks(proposals[:1], 3)] == [1], "where none is sure the others are all there is"
    assert looks([], 3) == []


def test_the_window_is_around_the_proposal_and_turned_as_it_is() -> None:
    candidate = proposal(0.9, 50.0, roll=0.3)
    crop = crop_of(candidate)
    assert crop.centre == pytest.approx(centre_of(candidate)) and crop.angle == 0.3 and crop.side > 50.0
    assert crop_of(proposal(0.9, 50.0, roll=np.nan)).angle == 0.0


def test_doubtful_heads_are_left_out_with_a_reason() -> None:
    limits = FitLimits(max_new_sigma=3.0, doubtful_sigma=2.0, min_doubtful_coverage=0.75)
    fits: Any = [SimpleNamespace(quality={"sigma": sigma, "coverage": 0.9}) for sigma in (1.2, 5.5, 4.25)]
    assert certain(fits, "before", limits) == (fits[:1], "before")
    believed, reason = certain(fits[1:], "before", limits)
    assert believed == [] and "sigma 4.2 crop pixels, 3.0 allowed where 90% of the face is matched" in reason
    assert certain([], "no face found", limits) == ([], "no face found")


def test_a_head_matched_in_part_may_be_doubted_less_than_a_whole_one() -> None:
    limits = FitLimits(max_new_sigma=3.0, doubtful_sigma=2.0, min_doubtful_coverage=0.75)
    kinds = [(1.9, 0.4), (2.5, 0.8), (2.5, 0.7)]  # behind a hand; small, but seen whole; a llama
    fits: Any = [SimpleNamespace(quality={"sigma": sigma, "coverage": coverage}) for sigma, coverage in kinds]
    assert certain(fits, "", limits)[0] == fits[:2]
    assert "2.0 allowed where 70% of the face is matched" in certain(fits[2:], "", limits)[1]
