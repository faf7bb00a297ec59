"""A picture of a driver's attention over time: states, zones, glances, budget and eyes, each with its limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.attention.settings import AttentionSettings
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.attention.zones import ELSEWHERE, ROAD, UNDECIDED, UNKNOWN, ZoneMap
from dense_face_ros.evaluation.frame_table import recorded

_COLOURS = {
    State.UNKNOWN: "0.75",
    State.ATTENTIVE: "tab:green",
    State.DROWSY: "gold",
    State.REPEATED_DISTRACTION: "orange",
    State.LONG_DISTRACTION: "darkorange",
    State.MICROSLEEP: "tomato",
    State.SLEEP: "red",
    State.UNRESPONSIVE: "darkred",
}
_ZONE_COLOURS = {ROAD: "tab:green", UNKNOWN: "0.75", UNDECIDED: "0.55"}
_LIMIT = {"color": "tab:red", "linewidth": 0.8, "linestyle": "--"}


def played(states: Sequence[Attention]) -> np.ndarray:
    """(N,) seconds recorded up to each state, as :func:`dense_face_ros.evaluation.frame_table.recorded`."""
    return recorded(np.array([state.stamp for state in states]))


def draw_timeline(states: Sequence[Attention], settings: AttentionSettings, zones: ZoneMap, path: Path) -> None:
    """PNG: states, zones, glance with its limits, budget left where there is one, closed eyes with PERCLOS over time.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: there are no states.
    """
    from matplotlib.figure import Figure

    if not states:
        raise ValueError("there is nothing to draw: no head pose and no expression was given")
    time = played(states)
    end = time[-1] + (float(np.median(np.diff(time))) if len(time) > 1 else 0.1)
    shown = [name for name in _order(zones) if any(state.zone == name for state in states)]
    heights = [0.5, 0.25 * len(shown) + 0.3, 1.0, *([] if settings.glance_budget is None else [1.0]), 1.0]
    figure = Figure(figsize=(14, 2.0 + 1.6 * sum(heights)), layout="constrained")
    axes = iter(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights))
    _draw_states(next(axes), states, time, end)
    _draw_zones(next(axes), states, time, end, shown)
    _draw_glance(next(axes), states, time, settings)
    if settings.glance_budget is not None:
        axis = next(axes)
        axis.plot(time, [state.budget_left for state in states], color="tab:blue")
        axis.set(ylim=(0, 1.05 * settings.glance_budget), ylabel="budget left\n(s)")
    axis = next(axes)
    _draw_eyes(axis, states, time, end, settings)
    axis.set(xlabel="seconds", xlim=(0, end))
    figure.suptitle(f"driver attention, preset {settings.preset}")
    figure.savefig(path, dpi=110)


def _draw_states(axis: Any, states: Sequence[Attention], time: np.ndarray, end: float) -> None:
    for state, start, stop in _runs(states, time, end, lambda s: s.state):
        axis.axvspan(start, stop, color=_COLOURS[state], linewidth=0)
        if state.severity > State.ATTENTIVE.severity:
            at, offset = (start, 0.5), (3, 0)
            axis.annotate(
                f"{start:.1f}", at, offset, ("data", "axes fraction"), "offset points", va="center", fontsize=8
            )
    for kind in sorted({state.state for state in states}, key=lambda s: s.severity):
        axis.plot([], [], color=_COLOURS[kind], linewidth=8, label=kind.value)
    axis.legend(ncols=8, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    axis.set(yticks=[], ylabel="state")


def _draw_zones(axis: Any, states: Sequence[Attention], time: np.ndarray, end: float, shown: list[str]) -> None:
    for zone, start, stop in _runs(states, time, end, lambda s: s.zone):
        colour = _ZONE_COLOURS.get(zone, "tab:blue")
        axis.barh(shown.index(zone), stop - start, left=start, height=0.7, color=colour, linewidth=0)
    axis.set_yticks(range(len(shown)), shown)
    axis.set(ylabel="zone", ylim=(len(shown) - 0.5, -0.5))
    axis.grid(axis="y", alpha=0.4)


def _draw_glance(axis: Any, states: Sequence[Attention], time: np.ndarray, settings: AttentionSettings) -> None:
    glance = [state.glance for state in states]
    axis.plot(time, glance, color="tab:blue")
    for from_speed, limit in settings.glance_limits:
        label = f"limit {limit:g} s" + (f" (from {from_speed:g} km/h)" if len(settings.glance_limits) > 1 else "")
        _draw_limit(axis, limit, label)
    longest = max(limit for _, limit in settings.glance_limits)
    axis.set(ylabel="glance away\n(s)", ylim=(0, 1.15 * float(np.nanmax([longest, *glance]))))


def _draw_eyes(
    axis: Any, states: Sequence[Attention], time: np.ndarray, end: float, settings: AttentionSettings
) -> None:
    closure, perclos = (np.array([getattr(state, name) for state in states]) for name in ("closure", "perclos"))
    for hidden, start, stop in _runs(states, time, end, lambda s: bool(np.isnan(s.closure))):
        if hidden:
            axis.axvspan(start, stop, color="0.85", linewidth=0)
    axis.plot([], [], color="0.85", linewidth=8, label="eyes not seen")
    axis.plot(time, closure, color="tab:blue", label="eyes closed")
    top = 1.15 * float(np.nanmax([settings.microsleep, *closure]))
    for name in ("microsleep", "sleep"):
        if getattr(settings, name) < top:
            _draw_limit(axis, getattr(settings, name), name)
    axis.set(ylim=(0, top), ylabel="eyes closed\n(s)")
    axis.legend(loc="upper left", ncols=2, frameon=False, fontsize=8)
    if np.isnan(perclos).all():
        return
    share = axis.twinx()
    share.plot(time, 100 * perclos, color="tab:orange")
    share.axhline(100 * settings.perclos_drowsy, color="tab:orange", linewidth=0.8, linestyle=":")
    share.set_ylim(0, 100 * float(np.nanmax([2 * settings.perclos_drowsy, *(1.1 * perclos)])))
    share.set_ylabel("PERCLOS (%)\ndotted: drowsy", color="tab:orange")


def _draw_limit(axis: Any, value: float, label: str) -> None:
    axis.axhline(value, **_LIMIT)
    axis.annotate(
        label, (1, value), xycoords=("axes fraction", "data"), xytext=(-4, 1), textcoords="offset points",
        ha="right", va="bottom", fontsize=8, color=_LIMIT["color"],
    )  # fmt: skip


def _runs(
    states: Sequence[Attention], time: np.ndarray, end: float, of: Callable[[Attention], Any]
) -> list[tuple[Any, float, float]]:
    """(value, begin, end) of the times for which something stays the same."""
    runs = [(value, next(group)[1]) for value, group in groupby(zip(states, time, strict=True), lambda p: of(p[0]))]
    begins = [float(begin) for _, begin in runs]
    return [(value, begin, stop) for (value, _), begin, stop in zip(runs, begins, [*begins[1:], end], strict=True)]


def _order(zones: ZoneMap) -> list[str]:
    return [UNKNOWN, *(zone.name for zone in zones.zones), ELSEWHERE, UNDECIDED]
