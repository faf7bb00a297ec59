from functools import partial

import numpy as np
import pytest

from dense_face_ros.evaluation.even_selection import EvenSelection


@pytest.mark.parametrize("room", [7, 8])
@pytest.mark.parametrize("count", [1, 5, 8, 9, 100, 1000])
def test_what_is_kept_is_spread_evenly(count: int, room: int) -> None:
    selection: EvenSelection[int] = EvenSelection(room)
    for index in range(count):
        selection.add(partial(int, index))
    kept = selection.kept
    assert min(count, 4) <= len(kept) <= room
    assert kept[0] == 0
    assert len(set(np.diff(kept))) <= 1
    assert count - kept[-1] <= (kept[1] if len(kept) > 1 else 1)


def test_what_is_not_kept_is_not_made() -> None:
    selection: EvenSelection[int] = EvenSelection(4)
    made: list[int] = []

    def make(index: int) -> int:
        made.append(index)
        return index

    for index in range(9):
        selection.add(partial(make, index))
    assert made == [0, 1, 2, 3, 4, 6, 8] and selection.kept == [0, 4, 8]
