"""What errors of other libraries say, short enough for a message of our own."""

from __future__ import annotations


def first_line(error: BaseException) -> str:
    """The first line of what an exception says; its kind where it says nothing, as a bare assertion does."""
    return (str(error).splitlines() or [type(error).__name__])[0]
