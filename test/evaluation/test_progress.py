from __future__ import annotations

import io
from types import SimpleNamespace

import pytest

from dense_face_ros.evaluation import progress
from dense_face_ros.evaluation.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The bar's clock: ``now`` in seconds."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def drawn(stream: io.StringIO, clock: SimpleNamespace, total: int | None, steps: int, seconds: float) -> list[str]:
    """What was drawn over each other on one line, for frames that take so long each."""
    bar = ProgressBar(total, stream)
    for _ in range(steps):
        clock.now += seconds
        bar.step()
    bar.close()
    nothing, *texts = stream.getvalue().split("\r")
    assert nothing == ""
    assert {len(text.rstrip("\n")) for text in texts} <= {79}, "a shorter text covers a longer one"
    assert [text.endswith("\n") for text in texts] == [False] * (len(texts) - 1) + [True] * bool(texts)
    return [text.rstrip() for text in texts]


def test_a_terminal_shows_the_share_that_is_done(clock: SimpleNamespace) -> None:
    half = f"[{'#' * 15}{' ' * 15}] 2/4 frames, 2/s, 1 s left"
    first = f"[{'#' * 8}{' ' * 22}] 1/4 frames, 2/s, 2 s left"
    assert drawn(Terminal(), clock, 4, 2, 0.5) == [first, half, half]


def test_more_frames_than_announced_fill_the_bar(clock: SimpleNamespace) -> None:
    assert drawn(Terminal(), clock, 2, 3, 0.5)[-1] == f"[{'#' * 30}] 3/2 frames, 2/s, 0 s left"


def test_without_a_total_there_is_no_bar(clock: SimpleNamespace) -> None:
    assert drawn(Terminal(), clock, None, 2, 0.25)[-1] == "2 frames, 4/s"


def test_of_frames_in_quick_succession_not_every_one_is_drawn(clock: SimpleNamespace) -> None:
    assert len(drawn(Terminal(), clock, 100, 100, 0.01)) <= 12


def test_off_a_terminal_it_is_silent(clock: SimpleNamespace) -> None:
    assert drawn(io.StringIO(), clock, 4, 2, 0.5) == []
