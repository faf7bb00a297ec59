from __future__ import annotations

import pytest

from dense_face_ros.attention.evidence import EvidenceTimeline, Interval, SlidingTotal


def told(stamps: list[float], seen: str, hold: float = 0.5, confirm: float = 0.2) -> list[tuple[str | None, float]]:
    """(kind, seconds) of the intervals for one letter per stamp, ``.`` for no evidence; equal neighbours joined."""
    timeline: EvidenceTimeline[str] = EvidenceTimeline(hold, confirm)
    out: list[tuple[str | None, float]] = []
    for stamp, letter in zip(stamps, seen, strict=True):
        for interval in timeline.observe(stamp, None if letter == "." else letter):
            if out and out[-1][0] == interval.kind:
                out[-1] = (interval.kind, out[-1][1] + interval.seconds)
            else:
                out.append((interval.kind, interval.seconds))
    return [(kind, pytest.approx(seconds)) for kind, seconds in out]


def steps(count: int) -> list[float]:
    return [10.0 + 0.1 * i for i in range(count)]


def test_a_change_lies_midway_between_frames() -> None:
    assert told(steps(10), "aaaaabbbbb") == [("a", 0.45), ("b", 0.45)]


def test_one_wrong_frame_changes_nothing() -> None:
    assert told(steps(10), "aaaabaaaaa") == [("a", 0.9)]
    assert told(steps(10), "aaaabbaaaa") == [("a", 0.9)]
    assert told(steps(10), "aaabaaabaa") == [("a", 0.9)], "nor do two that are apart"


def test_contradictions_that_do_not_agree_leave_their_time_untold() -> None:
    assert told(steps(10), "aaaabcbcaa") == [("a", 0.35), (None, 0.3), ("a", 0.25)]
    assert told(steps(12), "aaaabcbcbcbc")[-1] == (None, pytest.approx(0.75))
    # A change that passes another one on its way is that change.
    assert told(steps(10), "aaaabccccc") == [("a", 0.35), (None, 0.1), ("c", 0.45)]


def test_what_is_contradicted_for_long_is_not_the_case() -> None:
    timeline: EvidenceTimeline[str] = EvidenceTimeline(0.5, 0.2)
    kinds = []
    for stamp, letter in zip(steps(13), "aaaabcbcbcaaa", strict=True):
        timeline.observe(stamp, letter)
        kinds.append(timeline.kind)
    assert kinds == [*[None] * 2, *["a"] * 6, *[None] * 4, "a"]


def test_evidence_holds_for_a_while() -> None:
    assert told(steps(8), "aaa....a") == [("a", 0.7)]
    assert told(steps(12), "aaa......aaa") == [("a", 0.7), (None, 0.2), ("a", 0.2)]
    assert told([0.0, 0.1, 0.2, 5.0, 5.1, 5.2], "aaaaaa") == [("a", 0.7), (None, 4.3), ("a", 0.2)]


def test_that_nobody_knows_is_told_while_it_lasts() -> None:
    timeline: EvidenceTimeline[str] = EvidenceTimeline(0.5, 0.2)
    for stamp in (0.0, 0.1, 0.2):
        timeline.observe(stamp, "a")
    assert timeline.observe(0.75, None) == [Interval("a", 0.2, 0.7), Interval(None, 0.7, 0.75)]
    assert timeline.observe(1.0, None) == [Interval(None, 0.75, 1.0)] and timeline.kind is None


def test_a_change_that_is_never_confirmed_leaves_its_time_untold() -> None:
    assert told(steps(12), "aaaab......a") == [("a", 0.35), (None, 0.75)]


def test_frames_as_far_apart_as_evidence_holds_leave_no_gap() -> None:
    assert told(steps(30), "a" * 30, hold=0.1) == [("a", 2.9)]


def test_nothing_is_believed_before_it_is_confirmed() -> None:
    timeline: EvidenceTimeline[str] = EvidenceTimeline(0.5, 0.2)
    assert timeline.observe(0.0, "a") == [] and timeline.kind is None
    assert timeline.observe(0.1, "b") == [Interval(None, 0.0, 0.1)] and timeline.kind is None
    timeline.observe(0.2, "b")
    assert timeline.observe(0.3, "b") == [Interval("b", 0.1, 0.3)] and timeline.kind == "b"


def test_a_change_may_be_dated_back() -> None:
    timeline: EvidenceTimeline[str] = EvidenceTimeline(0.5, 0.2)
    for i in range(10):
        timeline.observe(0.1 * i, "a")
    out = [interval for i in range(10, 13) for interval in timeline.observe(0.1 * i, "b", lambda: 0.6)]
    assert out[-1].begin == 0.6 and out[-1].end == pytest.approx(1.2)


def test_what_holds_at_the_next_observation_depends_on_when_it_comes() -> None:
    timeline: EvidenceTimeline[str] = EvidenceTimeline(0.5, 0.2)
    for i in range(5):
        timeline.observe(0.1 * i, "a")
    assert [timeline.holding(stamp) for stamp in (0.45, 0.9, 0.91)] == ["a", "a", None]
    assert timeline.kind == "a", "asking forgets nothing"


def test_sliding_total() -> None:
    total = SlidingTotal(10.0)
    total.add(0.0, 2.0)
    total.add(5.0, 6.0)
    assert total.at(6.0) == pytest.approx(3.0)
    assert total.at(11.0) == pytest.approx(2.0), "half of the first is too old"
    assert total.at(12.0) == pytest.approx(1.0)
    assert total.at(16.5) == 0.0
    assert total.at(11.0) == pytest.approx(2.0), "asking about later forgets nothing"
    total.add(17.0, 18.0)
    total.clear()
    assert total.at(18.0) == 0.0


def test_intervals_that_follow_one_another_are_one() -> None:
    total = SlidingTotal(1.0)
    for i in range(300):
        total.add(0.01 * i, 0.01 * (i + 1))
    assert total.at(3.0) == pytest.approx(1.0)
    assert len(total._intervals) == 1


def test_an_interval_that_holds_the_one_before_counts_in_whole() -> None:
    total = SlidingTotal(10.0)
    total.add(2.0, 3.0)
    total.add(1.0, 4.0)
    assert total.at(4.0) == pytest.approx(3.0)
