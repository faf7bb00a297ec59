"""The section on what the nodes told of drivers in scripted drives."""

from __future__ import annotations

from typing import Any

from dense_face_ros.attention.alarms import beginnings
from training.reporting.tables import Named, made_by, table


def node_drives(results: Named) -> list[str]:
    """The alarms that drives must raise, and those that the attention node raised."""
    header = ("drive", "frames", "answered", "alarms of the script", "alarms told", "as scripted")
    parts = [
        "## Scripted drives through the real nodes",
        "Seconds from the first frame. An alarm may come 0.3 s early or late; any other is an error.",
    ]
    for name, result in results:
        rate = f" --rate {result['rate']:g}" if result["rate"] else ""
        rows = [
            [drive, went["frames"], went["answers"], _alarms(went["alarms"]), _alarms(went["told"]),
             "no" if went["objections"] else "yes"]
            for drive, went in result["shown"].items()
        ]  # fmt: skip
        command = f"python -m demo.drive {' '.join(result['shown'])}{rate} --json"
        parts += [made_by(name, result, command), table(header, rows)]
    return parts


def _alarms(told: list[list[Any]]) -> str:
    """Those that begin in a row of [state, seconds]."""
    begun = (told[i] for i in beginnings(state for state, _ in told))
    return ", ".join(f"{state} {time:.2f}" for state, time in begun) or "none"
