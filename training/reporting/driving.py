"""The section on what the nodes told of drivers in scripted drives."""

from __future__ import annotations

from training.reporting.tables import Named, made_by, table


def node_drives(results: Named) -> list[str]:
    """The alarms that drives must raise, and those that the attention node raised."""
    header = ("drive", "frames", "answered", "alarms of the script", "alarms told", "as scripted")
    parts = [
        "## Scripted drives through the real nodes",
        "Seconds from the first frame. An alarm may come 0.3 s early or late; what is told beside it must not be told.",
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


def _alarms(states: list[list[object]]) -> str:
    """What is worse than attentive."""
    alarms = [f"{state} {time:.2f}" for state, time in states if state not in ("unknown", "attentive")]
    return ", ".join(alarms) or "none"
