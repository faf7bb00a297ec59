from __future__ import annotations

import math

import numpy as np
import pytest

from dense_face_ros.ros.frame_statistics import FrameStatistics


def receive(statistics: FrameStatistics, stamps: np.ndarray) -> None:
    for stamp in stamps:
        statistics.receive(float(stamp))


def test_gaps_in_the_stamps_are_lost_frames() -> None:
    statistics, jitter = FrameStatistics(), np.random.default_rng(1).uniform(-0.004, 0.004, 90)
    stamps = 100.0 + np.arange(90) / 30.0 + jitter
    receive(statistics, np.delete(stamps, [20, 40, 41, 42]))
    figures = statistics.figures()
    assert figures.dropped["lost_before_arrival"] == 4
    assert figures.received == 86
    assert figures.source_rate == pytest.approx(30.0, rel=0.05)


@pytest.mark.parametrize(("rate", "sigma"), [(60.0, 0.003), (60.0, 0.004), (30.0, 0.006), (10.0, 0.018)])
def test_uneven_stamps_are_no_lost_frames(rate: float, sigma: float) -> None:
    statistics, jitter = FrameStatistics(), np.random.default_rng(4).normal(0.0, sigma, 2000)
    receive(statistics, 100.0 + np.arange(2000) / rate + jitter)
    figures = statistics.figures()
    assert figures.dropped["lost_before_arrival"] == 0
    assert figures.source_rate == pytest.approx(rate, rel=0.1)


def test_stamps_of_arrival_over_a_network_are_no_lost_frames() -> None:
    statistics, delays = FrameStatistics(), np.random.default_rng(5).exponential(0.010, 2000)
    receive(statistics, np.maximum.accumulate(100.0 + np.arange(2000) / 60.0 + delays) + 1e-6 * np.arange(2000))
    figures = statistics.figures()
    assert figures.dropped["lost_before_arrival"] == 0
    assert figures.source_rate == pytest.approx(60.0, rel=0.1)


def test_most_frames_lost() -> None:
    statistics, kept = FrameStatistics(), np.random.default_rng(2).random(300) < 0.3
    kept[-1] = True
    receive(statistics, (100.0 + np.arange(300) / 30.0)[kept])
    figures = statistics.figures()
    assert figures.source_rate == pytest.approx(30.0)
    lost = int((~kept).sum())
    assert 0.9 * lost < figures.dropped["lost_before_arrival"] <= lost


def test_a_late_frame_is_not_a_lost_one() -> None:
    statistics, stamps = FrameStatistics(), 100.0 + np.arange(60) / 30.0
    stamps[[20, 35]] += 0.6 / 30.0
    receive(statistics, stamps)
    assert statistics.figures().dropped["lost_before_arrival"] == 0


@pytest.mark.parametrize("frames", [[0, 1, 4, 5], [*range(12), 14, 200, 201, 202]], ids=["first", "before a pause"])
def test_a_gap_that_cannot_be_judged_loses_nothing(frames: list[int]) -> None:
    statistics = FrameStatistics()
    receive(statistics, 100.0 + np.array(frames) / 30.0)
    assert statistics.figures().dropped["lost_before_arrival"] == 0


@pytest.mark.parametrize(("before", "after"), [(60, 30), (30, 10), (60, 10), (30, 20), (30, 25), (10, 30), (30, 60)])
@pytest.mark.parametrize("jitter", [0.0, 0.001])
def test_a_camera_that_changes_its_rate_loses_nothing(before: float, after: float, jitter: float) -> None:
    statistics, noise = FrameStatistics(), np.random.default_rng(3).uniform(-jitter, jitter, 120)
    receive(statistics, 100.0 + np.cumsum(np.repeat([1.0 / before, 1.0 / after], 60)) + noise)
    figures = statistics.figures()
    assert figures.dropped["lost_before_arrival"] == 0
    assert figures.source_rate == pytest.approx(after, rel=0.05)


def test_frames_lost_after_a_change_of_the_rate_are_counted() -> None:
    statistics, stamps = FrameStatistics(), 100.0 + np.cumsum(np.repeat([1.0 / 60.0, 1.0 / 30.0], 60))
    receive(statistics, np.delete(stamps, [20, 80, 81, 100]))
    assert statistics.figures().dropped["lost_before_arrival"] == 4


def test_a_pause_and_a_restart_lose_nothing() -> None:
    statistics = FrameStatistics()
    receive(statistics, 100.0 + np.arange(30) / 30.0)
    receive(statistics, 200.0 + np.arange(30) / 30.0)
    receive(statistics, 50.0 + np.arange(30) / 30.0)
    assert statistics.figures().dropped["lost_before_arrival"] == 0


def test_counts_and_percentiles() -> None:
    statistics = FrameStatistics()
    for milliseconds in range(1, 101):
        statistics.process(1e-3 * milliseconds, 2e-3 * milliseconds, with_head=milliseconds % 2 == 0)
    statistics.drop("bad_image")
    figures = statistics.figures()
    assert (figures.processed, figures.with_head, figures.dropped["bad_image"]) == (100, 50, 1)
    assert figures.latency_ms == pytest.approx((101.0, 198.02))
    assert figures.processing_ms == pytest.approx((50.5, 99.01))
    statistics.process(0.05, None, with_head=False)
    assert all(map(math.isnan, statistics.figures().latency_ms)), "the clocks are others now"


def test_two_frames_tell_a_rate() -> None:
    statistics = FrameStatistics()
    receive(statistics, np.array([100.0, 100.4]))
    assert statistics.figures().source_rate == pytest.approx(2.5)


def test_nothing_measured_is_not_a_number() -> None:
    figures = FrameStatistics().figures()
    measured = (*figures.latency_ms, *figures.processing_ms, *figures.pictures_ms, figures.source_rate)
    assert all(map(math.isnan, measured))


def test_unknown_reasons_are_refused() -> None:
    with pytest.raises(KeyError):
        FrameStatistics().drop("bad luck")
