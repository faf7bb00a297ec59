"""One thread that works on the newest item only, so that the thread which brings items never waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class NewestFrameWorker(Generic[T]):
    """Calls ``handle`` with submitted items in a thread of its own; an item nobody began with gives way to a newer.

    ``handle`` must deal with its own errors: an exception in it ends the thread.
    """

    def __init__(self, handle: Callable[[T], None]) -> None:
        self._handle = handle
        self._pending: T | None = None
        self._stopping = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="newest_frame", daemon=True)
        self._thread.start()

    def submit(self, item: T) -> bool:
        """Hand over an item; True when it took the place of one that was still waiting."""
        with self._wake:
            superseded = self._pending is not None
            self._pending = item
            self._wake.notify()
        return superseded

    def stop(self) -> None:
        """Drop what is waiting, and return when the item at work is done."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._stopping or self._pending is not None)
                if self._stopping:
                    return
                item, self._pending = self._pending, None
            assert item is not None
            self._handle(item)
