"""Where to look for a head, and what of it to believe."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dense_face_ros.calibration import Calibration
from dense_face_ros.face_finder import FaceCandidate
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_fitting import NoHead
from dense_face_ros.searching import centre_of, crop_of, heads, looks

CAMERA = PinholeCamera(600.0, 600.0, 319.5, 239.5, 640, 480)


def proposal(score: float, side: float, x: float = 100.0, roll: float = 0.0) -> FaceCandidate:
    return FaceCandidate((x - side / 2, 80.0 - side / 2, x + side / 2, 80.0 + side / 2), score, roll)


def test_sure_proposals_come_first_and_the_prominent_among_them() -> None:
    sure, unsure = [(0.5, 40, 200), (0.9, 60, 300)], [(0.3, 90, 100), (0.35, 20, 400)]
    proposals = [proposal(score, side, x) for score, side, x in [unsure[0], *sure, unsure[1]]]
    assert [[look.crop.centre[0] for look in part] for part in looks(proposals, 8)] == [[300, 200], [100, 400]]
    assert [[look.crop.centre[0] for look in part] for part in looks(proposals, 3)] == [[300, 200], [100]]
    assert [len(part) for part in looks(proposals, 1)] == [1]
    assert [len(part) for part in looks(proposals[:1], 3)] == [1], "where none is sure the others are all there is"
    assert looks([], 3) == []


def test_the_window_is_around_the_proposal_and_turned_as_it_is() -> None:
    candidate = proposal(0.9, 50.0, roll=0.3)
    crop = crop_of(candidate)
    assert crop.centre == pytest.approx(centre_of(candidate)) and crop.angle == 0.3 and crop.side > 50.0
    assert crop_of(proposal(0.9, 50.0, roll=np.nan)).angle == 0.0


class Fitter:
    """Finds the same head wherever it looks, but none left of the middle."""

    def __init__(self, vagueness: float) -> None:
        self.fit_there: Any = SimpleNamespace(vagueness=vagueness, next_view=lambda camera: "closer")
        self.starts: list[Any] = []

    def fit(self, image: Any, view: Any, start: Any = None, identity: Any = None) -> Any:
        if view != "closer" and view.rotation[0, 2] < 0.0:
            raise NoHead("nothing there")
        self.starts.append(start)
        return self.fit_there


def found(fitter: Any, *proposals: FaceCandidate, believed: Calibration | None, **options: Any) -> tuple[int, str]:
    views = [(look, CAMERA) for part in looks(proposals, 8) for look in part]
    fits, reason = heads(fitter, np.zeros((480, 640, 3), np.uint8), views, believed, **options)
    return len(fits), reason


def test_a_head_may_be_the_vaguer_the_surer_the_finder_is() -> None:
    believed, fitter = Calibration(max_new_vagueness=0.1, vagueness_per_score=1.5), Fitter(0.2)
    sure, unsure = proposal(0.8, 60, x=400.0), proposal(0.2, 60, x=400.0)
    assert 0.1 * np.exp(1.5 * 0.2) < 0.2 < 0.1 * np.exp(1.5 * 0.8)
    assert found(fitter, sure, believed=believed) == (1, "")
    assert found(fitter, unsure, believed=believed) == (
        0, "what may be a face is doubtful: vagueness 0.200, 0.135 allowed"
    )  # fmt: skip
    assert found(fitter, unsure, believed=None) == (1, ""), "where one is expected"


def test_every_window_is_looked_at_and_why_one_shows_no_head_is_told() -> None:
    fitter = Fitter(0.0)
    left, right = proposal(0.9, 60, x=100.0), proposal(0.9, 60, x=500.0)
    assert found(fitter, left, right, believed=None) == (1, "nothing there")
    assert fitter.starts == [None, None], "looked at twice, anew"
    assert found(fitter, right, believed=None, warm=True) == (1, "")
    assert fitter.starts[2:] == [None, fitter.fit_there], "the second time from the first"
    assert found(fitter, right, believed=None, times=3) == (1, "")
    assert fitter.starts[4:] == [None] * 3
