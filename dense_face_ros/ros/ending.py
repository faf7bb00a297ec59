"""Ctrl-C and SIGTERM strike in the midst of anything: whether an error only says so, and how to end in order."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.signals import uninstall_signal_handlers

_SAME = 2.0  # seconds within which a second Ctrl-C counts as the same one
_INTERRUPTED = 130  # exit code of what Ctrl-C has ended


def asked_to_end(error: BaseException) -> bool:
    """Whether ``error`` is Ctrl-C or SIGTERM, or what these make of what is at work.

    Either shuts the context down, whereupon nothing can be published or created. A message that Ctrl-C interrupts while
    rclpy converts it is a TypeError whose cause is the KeyboardInterrupt; others may have wrapped that again.
    """
    if not rclpy.ok():
        return True
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (KeyboardInterrupt, ExternalShutdownException)):
            return True
        cause = cause.__cause__
    return False


@contextmanager
def one_interrupt() -> Iterator[Callable[[], None]]:
    """Around all that a process does: Ctrl-C is a KeyboardInterrupt once. After it, or after a call of what this
    yields, by which the process says that it ends, another does not disturb the ending: a launch file passes on what
    the terminal has told already. A later one ends the process at once.
    """
    first, interrupted = math.inf, False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted, begins = True, first == math.inf
        end()
        if begins:
            raise KeyboardInterrupt
        if time.monotonic() - first > _SAME:
            os._exit(_INTERRUPTED)

    def end() -> None:
        nonlocal first
        first = min(first, time.monotonic())

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield end
    finally:
        end()  # nothing is left that a late one could interrupt
        # Python takes its own handlers away while it leaves.
        signal.signal(signal.SIGINT, signal.SIG_IGN if interrupted else before)


def hear_no_more() -> None:
    """Take rclpy's handlers of signals away, before any executor is destroyed.

    A signal wakes a thread of rclpy's that then wakes the executors. On a busy machine it gets its turn while the node
    ends already, and would end it with a segmentation fault: the list of what it wakes has no lock. This waits for it.
    """
    uninstall_signal_handlers()


@contextmanager
def plain_interrupts() -> Iterator[None]:
    """What Ctrl-C interrupts within is a KeyboardInterrupt, also where rclpy has made a TypeError of it."""
    try:
        yield
    except TypeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
