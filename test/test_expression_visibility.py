from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dense_face_ros.expression_visibility import ExpressionVisibility
from dense_face_ros.face_model import FaceModel

MODEL = FaceModel.load()
TOLD = ExpressionVisibility(MODEL)
JAW, MOUTH = range(17), range(48, 68)
RIGHT = [*range(9), *range(17, 22), *range(31, 34), *range(36, 42), 48, 49, 50, 51, 57, 58, 59, 60, 61, 62, 66, 67]


def told(hidden: Iterable[int]) -> set[str]:
    visible = np.ones(68, dtype=bool)
    visible[list(hidden)] = False
    return {name for name, known in zip(MODEL.expression_names, TOLD(visible), strict=True) if known}


def test_all_of_a_face_in_view_is_told_and_nothing_of_one_that_is_hidden() -> None:
    assert told(()) == set(MODEL.expression_names)
    assert not told(range(68))


def test_nothing_is_told_of_a_mouth_behind_a_mask() -> None:
    seen = told([*JAW, *MOUTH, *range(31, 36)])
    assert not {name for name in seen if name.startswith(("mouth", "jaw"))}
    assert {"browDown_L", "browInnerUp", "eyeBlink_L", "eyeBlink_R", "eyeWide_R"} <= seen


def test_from_the_side_the_near_half_and_what_both_halves_share_is_told() -> None:
    seen = told(RIGHT)
    assert {"jawOpen", "mouthPucker", "mouthSmile_L", "browDown_L", "eyeBlink_L"} <= seen
    assert not seen & {"mouthSmile_R", "mouthFrown_R", "browDown_R", "eyeBlink_R"}
