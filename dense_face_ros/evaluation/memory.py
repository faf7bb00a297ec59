"""Memory of a process, as Linux accounts for it in ``/proc``; None elsewhere."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def resident_mb(pid: int | str = "self") -> float | None:
    """Memory that a process has in use now, in MiB."""
    return _status(pid, "VmRSS:")


def peak_mb(pid: int | str = "self") -> float | None:
    """The most memory that a process has had in use so far, or since :func:`forget_peak`, in MiB."""
    return _status(pid, "VmHWM:")


def forget_peak() -> None:
    """Let this process's :func:`peak_mb` begin with what is in use now, where the system allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(pid: int | str, field: str) -> float | None:
    path = Path(f"/proc/{pid}/status")
    if not path.is_file():
        return None
    return int(path.read_text(encoding="ascii", errors="replace").partition(field)[2].split()[0]) / 1024.0
