"""Whether an error only says that the process is to end: Ctrl-C and SIGTERM strike in the midst of anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import rclpy
from rclpy.executors import ExternalShutdownException


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
def plain_interrupts() -> Iterator[None]:
    """What Ctrl-C interrupts within is a KeyboardInterrupt, also where rclpy has made a TypeError of it."""
    try:
        yield
    except TypeError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise error.__cause__ from None
        raise
