"""A progress bar on standard error: one line that overwrites itself on a terminal, silent elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_EVERY = 0.1  # seconds between two drawings
_WIDTH = 30


class ProgressBar:
    """Counts frames; ``total`` None: only the count and the pace are shown."""

    def __init__(self, total: int | None, stream: TextIO | None = None) -> None:
        self._total, self._stream = total, stream or sys.stderr
        self._count, self._start, self._drawn = 0, time.monotonic(), 0.0
        self._shown = self._stream.isatty()

    def step(self) -> None:
        """One more frame is done."""
        self._count += 1
        now = time.monotonic()
        if self._shown and now - self._drawn >= _EVERY:
            self._drawn = now
            self._draw(now)

    def close(self) -> None:
        """Draw the last state and leave the line."""
        if self._shown:
            self._draw(time.monotonic())
            self._stream.write("\n")

    def _draw(self, now: float) -> None:
        pace = self._count / max(now - self._start, 1e-6)
        if self._total:
            done = min(self._count / self._total, 1.0)
            bar = "#" * round(_WIDTH * done)
            left = max(self._total - self._count, 0) / max(pace, 1e-6)
            text = f"[{bar:<{_WIDTH}}] {self._count}/{self._total} frames, {pace:.0f}/s, {left:.0f} s left"
        else:
            text = f"{self._count} frames, {pace:.0f}/s"
        self._stream.write(f"\r{text:<79}")
        self._stream.flush()
