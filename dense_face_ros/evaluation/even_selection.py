"""A few of many things, evenly spread, however many come: their number shows only at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Kept = TypeVar("Kept")


class EvenSelection(Generic[Kept]):
    """Keeps every n-th, and n doubles when room runs out.

    Attributes:
        kept: at most ``room``, and half as many at least once there were enough.
    """

    def __init__(self, room: int) -> None:
        self._room, self._every, self._seen = room, 1, 0
        self.kept: list[Kept] = []

    def add(self, make: Callable[[], Kept]) -> None:
        """The next one, made only where it is to be kept."""
        if self._seen % self._every == 0:
            self.kept.append(make())
            if len(self.kept) > self._room:
                self.kept = self.kept[::2]
                self._every *= 2
        self._seen += 1
