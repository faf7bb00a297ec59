import sys

import numpy as np
import pytest

from dense_face_ros.evaluation.memory import forget_peak, peak_mb, resident_mb

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux accounts for memory in /proc")


def test_memory_in_use_is_told_and_the_peak_stays() -> None:
    before = resident_mb()
    block = np.ones((64, 1024, 1024), np.uint8)
    during = resident_mb()
    assert before is not None and during is not None and block[0, 0, 0] == 1
    assert 55.0 < during - before < 100.0
    del block
    peak = peak_mb()
    assert peak is not None and peak >= during - 1.0


def test_a_peak_that_is_forgotten_is_that_of_what_follows() -> None:
    block = np.ones((64, 1024, 1024), np.uint8)
    before = peak_mb()
    del block
    forget_peak()
    after, used = peak_mb(), resident_mb()
    assert before is not None and after is not None and used is not None
    if after == before:
        pytest.skip("the system does not let a process forget it")
    assert used - 1.0 <= after < before - 50.0


def test_a_process_that_is_not_there() -> None:
    assert resident_mb(2**30) is None
