from __future__ import annotations

import numpy as np

from dense_face_ros.evaluation.summary import _eyes


def test_eyes_are_shut_when_none_that_is_seen_is_open() -> None:
    left, right = np.array([(0.1, 0.1), (0.1, 0.9), (0.9, 0.1), (0.1, np.nan), (np.nan, np.nan)]).T
    assert _eyes({"eye_left": left, "eye_right": right}) == {"frames": 4, "share_shut": 0.5}
