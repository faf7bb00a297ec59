from __future__ import annotations

import pytest

from dense_face_ros.ros.silence import Silence


def test_it_lasts_by_the_clock_however_slowly_that_goes() -> None:
    silence = Silence(100.0, 7.0)
    for tenth in range(1, 21):
        assert silence.by_clock(100.0 + 0.01 * tenth, 7.0 + 0.1 * tenth) == pytest.approx(0.01 * tenth)
        assert silence.without_clock(100.0 + 0.01 * tenth, 7.0 + 0.1 * tenth) == 0.0
    silence.end(100.2, 9.1)
    assert silence.by_clock(100.3, 10.1) == pytest.approx(0.1)


@pytest.mark.parametrize("clock", [0.0, 100.0], ids=["one that never began", "one that is paused"])
def test_a_clock_that_stands_still_does_not_hide_it(clock: float) -> None:
    silence = Silence(clock, 7.0)
    silence.end(clock, 9.0)
    assert silence.by_clock(clock, 9.5) == 0.0
    assert (silence.without_clock(clock, 9.5), silence.clock_stands(clock, 9.5)) == (0.5, 2.5)
    silence.end(clock, 9.6)
    assert silence.without_clock(clock, 9.7) == pytest.approx(0.1), "what comes ends it, whatever the clock does"
    assert silence.by_clock(clock + 0.3, 9.8) == pytest.approx(0.3 if clock else 0.0)
    assert silence.without_clock(clock + 0.3, 9.8) == 0.0


def test_simulated_time_that_begins_or_begins_anew_tells_of_no_silence_before_it() -> None:
    silence = Silence(0.0, 7.0)
    assert silence.by_clock(500.0, 8.0) == 0.0
    assert silence.by_clock(501.0, 9.0) == 1.0
    assert silence.by_clock(3.0, 9.1) == 0.0 and silence.by_clock(3.5, 9.6) == 0.5
