"""Numbers on the command line."""

from __future__ import annotations


def check_least(option: str, value: int | None, least: int = 1) -> None:
    """ValueError naming an option that was given and is less than it may be."""
    if value is not None and value < least:
        raise ValueError(f"{option} is {value}; it must be at least {least}")
