from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.pairing import LATE, NO_POSE, SamplePairing

TURN, SPREAD = np.eye(3), 1e-4 * np.eye(3)
FRAME = 33_000_000  # ns


def told(samples: list[HeadSample]) -> list[tuple[int, bool, bool]]:
    """(stamp, with head, with eyes) of each."""
    return [(round(1e9 * s.stamp), s.rotation is not None, not np.isnan(s.eye_openness[0])) for s in samples]


def paired(*messages: tuple[str, int]) -> list[tuple[int, bool, bool]]:
    """``p``: pose, ``e``: expression with eyes, ``n``: empty expression; with the number of its frame."""
    pairing, out = SamplePairing(), []
    for kind, frame in messages:
        if kind == "p":
            out += pairing.pose(frame * FRAME, TURN, SPREAD)
        else:
            out += pairing.expression(frame * FRAME, (0.9, 0.8) if kind == "e" else (np.nan, np.nan), kind == "e")
    return [(stamp // FRAME, head, eyes) for stamp, head, eyes in told(out)]


def test_both_messages_make_one_sample_in_either_order() -> None:
    assert paired(("n", 0), ("p", 1), ("e", 1), ("e", 2), ("p", 2)) == [
        (0, False, False), (1, True, True), (2, True, True)
    ]  # fmt: skip


def test_poses_alone_are_passed_on_at_once() -> None:
    assert paired(("p", 1), ("p", 2)) == [(1, True, False), (2, True, False)]


def test_a_frame_without_a_head_is_an_empty_expression() -> None:
    assert paired(("n", 1), ("n", 2)) == [(1, False, False), (2, False, False)]


def test_topics_that_lag_behind_each_other() -> None:
    messages = [("n", 0), ("p", 1), ("p", 2), ("e", 1), ("p", 3), ("e", 2), ("e", 3)]
    assert paired(*messages) == [(0, False, False), (1, True, True), (2, True, True), (3, True, True)]


def test_a_lost_message_holds_nothing_up() -> None:
    assert paired(("n", 0), ("p", 1), ("p", 2), ("e", 2)) == [(0, False, False), (1, True, False), (2, True, True)]
    assert paired(("n", 0), ("p", 1), ("p", 2), ("p", 3)) == [(0, False, False), (1, True, False)]
    assert paired(("e", 1), ("e", 2), ("e", 3)) == [(1, False, True)], "a pose withheld is no pose"


def test_late_messages_are_dropped_and_a_restart_is_not_late() -> None:
    assert paired(("n", 100), ("e", 99), ("p", 99), ("n", 20)) == [(100, False, False), (20, False, False)]


def test_a_topic_that_lags_far_behind_the_other_begins_nothing_anew() -> None:
    assert paired(("n", 100), ("p", 20), ("p", 20), ("n", 101), ("p", 21), ("n", 102)) == [
        (100, False, False), (101, False, False), (102, False, False)
    ]  # fmt: skip


def test_messages_are_joined_again_after_a_restart() -> None:
    """What waited before it is left behind."""
    begin = [("n", 99), ("p", 100), ("e", 100), ("p", 101)]
    assert paired(*begin, ("p", 20), ("e", 20), ("e", 21), ("p", 21), ("e", 101)) == [
        (99, False, False), (100, True, True), (20, True, True), (21, True, True)
    ]  # fmt: skip


def test_a_head_without_a_pose_is_no_missing_head() -> None:
    """Nor is one whose pose comes too late, as long as it does."""
    pairing = SamplePairing()

    def lacking(frame: int, pose: int | None = None) -> str:
        """Of the sample that an expression, after which an earlier frame's pose comes, completes."""
        (sample,) = pairing.expression(frame * FRAME, (0.9, 0.8), True)
        if pose is not None:
            assert pairing.pose(pose * FRAME, TURN, SPREAD) == []
        return sample.lacking

    assert not pairing.expression(0, (0.9, 0.8), True) and not pairing.expression(FRAME, (0.9, 0.8), True)
    assert [lacking(frame) for frame in range(2, 6)] == [NO_POSE] * 4
    assert [lacking(frame, pose=frame - 3) for frame in range(6, 9)] == [NO_POSE, LATE, LATE]
    assert [lacking(frame) for frame in range(9, 30)][-1] == NO_POSE, "they come no longer"
    assert pairing.pose(29 * FRAME, TURN, SPREAD)[-1].lacking == ""
    (nobody,) = pairing.expression(30 * FRAME, (np.nan, np.nan), False)
    assert nobody.lacking == ""


#: What arrives of each frame: pose and expression in either order, or one of them.
frames = st.lists(st.sampled_from(["pe", "ep", "p", "e"]), min_size=3, max_size=12)


@given(frames)
def test_a_frame_is_answered_two_frames_later_at_most(arriving: list[str]) -> None:
    pairing, answered = SamplePairing(), -1
    for frame, messages in enumerate(arriving):
        for kind in messages:
            if kind == "p":
                samples = pairing.pose(frame * FRAME, TURN, SPREAD)
            else:
                samples = pairing.expression(frame * FRAME, (0.9, 0.8), True)
            answered = max([answered, *(round(sample.stamp / (1e-9 * FRAME)) for sample in samples)])
            assert answered >= frame - 2
        assert len(messages) == 1 or answered == frame, "a whole frame waits for nothing"
