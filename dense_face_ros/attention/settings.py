"""The thresholds of the attention policy, each with its unit and where it comes from.

The presets are inspired by the sources named, from public and mostly secondary texts. They are not compliant with any
rule, and using one makes no product so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

#: Thresholds are met a tenth of a millisecond early: sums of stamps are not exact.
TOLERANCE = 1e-4

#: Of the car, where the driver may sit; the shipped zones are for the first.
SIDES = ("left", "right")


@dataclass(frozen=True)
class AttentionSettings:
    """Settings of the policy. Times are seconds, angles degrees, speeds km/h, the rest shares.

    Attributes:
        preset: name of the preset.
        source: what the figures of the glances come from.
        glance_limits: (speed from which it holds, longest glance away from the road), ascending speeds; slower than
            the first, glances are not judged. Without a known speed the strictest holds.
        reversing: speed backwards from which glances are not judged, as who drives backwards looks there; our choice,
            more than the noise of a speed of 0.
        judged_area: (yaw to either side, pitch downwards from which) that enclose the directions of the *head* which
            count as looking away; None: all but the road.
        glance_budget: sum of glances away within ``budget_window`` that is one too many; None: not judged.
        budget_window: see ``glance_budget``.
        budget_reset: time on the road that gives the whole budget back (Euro NCAP).
        gap: time without evidence that ends a glance, or a closure of the eyes: the driver may have looked at the road
            for as long as gives the budget back.
        unresponsive_glance: glance after which the driver does not respond (Euro NCAP: 6 s); None: not judged.
        unresponsive_after_warning: time of looking away after a warning that means the same (Euro NCAP: 3 s).
        blink: closure of the eyes that interrupts no look at the road (blinks last 0.1 to 0.4 s).
        microsleep: closure of the eyes that is more than a blink (Euro NCAP: less than 3 s, from 2026 on 1 to 2 s).
        sleep: closure that is sleep (Euro NCAP: 3 s).
        unresponsive_closure: closure after which the driver does not respond (Euro NCAP: 6 s).
        perclos_window: time over which PERCLOS is taken (Wierwille 1994: one minute).
        perclos_known: share of the window in which the eyes must have been seen for it to be told; our choice.
        perclos_drowsy, perclos_awake: PERCLOS that begins and ends drowsiness. Published thresholds are 10 to 15 %.
            An indication: it is neither KSS nor a medical measure.
        closed: openness, relative to this driver's open eye, up to which lids count as closed (P80: 80 % closed).
        reopened: openness from which closed lids count as open again; our choice.
        recovery: time of attention that ends an alarm, except for the budget's; our choice.
        readaptation: time for which evidence must agree before a change is believed; it is then dated back.
            AttenD takes 0.1 s for the eyes to settle on the road again.
        evidence_hold: time for which the last evidence stands when nothing new comes.
        border_sigmas: standard deviations of the head's direction that must not reach over a zone's border.
        max_sigma: standard deviation from which on a direction says nothing (openpilot judges up to 17 degrees).
        transition: longest time a turn of the head is followed back from the road's border to its start, as a glance
            begins with the transition toward its target (ISO 15007); our choice.
        unseen: time without seeing the driver, or his eyes, after which the result says so (Euro NCAP: within 10 s).
    """

    preset: str
    source: str
    glance_limits: tuple[tuple[float, float], ...]
    glance_budget: float | None
    judged_area: tuple[float, float] | None = None
    reversing: float = 1.0
    budget_window: float = 30.0
    budget_reset: float = 2.0
    gap: float = 2.0
    unresponsive_glance: float | None = None
    unresponsive_after_warning: float = 3.0
    blink: float = 0.4
    microsleep: float = 1.0
    sleep: float = 3.0
    unresponsive_closure: float = 6.0
    perclos_window: float = 60.0
    perclos_known: float = 0.5
    perclos_drowsy: float = 0.15
    perclos_awake: float = 0.10
    closed: float = 0.2
    reopened: float = 0.3
    recovery: float = 0.5
    readaptation: float = 0.1
    evidence_hold: float = 0.2
    border_sigmas: float = 1.0
    max_sigma: float = 10.0
    transition: float = 0.7
    unseen: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot work.

        Raises:
            ValueError: naming the setting.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, float) and not value > 0.0:
                raise ValueError(f"{field.name} is {value}; it must be more than 0")
        speeds = [speed for speed, _ in self.glance_limits]
        if not speeds or speeds != sorted(set(speeds)) or any(limit <= 0.0 for _, limit in self.glance_limits):
            raise ValueError(f"glance_limits is {self.glance_limits}; it must be ascending speeds with positive times")
        for smaller, larger in (
            ("microsleep", "sleep"),
            ("sleep", "unresponsive_closure"),
            ("closed", "reopened"),
            ("perclos_awake", "perclos_drowsy"),
            ("glance_budget", "budget_window"),
        ):
            low, high = getattr(self, smaller), getattr(self, larger)
            if low is not None and low >= high:
                raise ValueError(f"{smaller} is {low}; it must be less than {larger}, which is {high}")

    @property
    def strictest_glance(self) -> float:
        """The shortest of the glance limits."""
        return min(limit for _, limit in self.glance_limits)

    def backwards(self, speed: float | None) -> bool:
        """Whether a car of this speed in m/s drives backwards."""
        return speed is not None and 3.6 * speed <= -self.reversing

    def glance_limit(self, speed: float | None) -> float | None:
        """The longest permitted glance at a speed in m/s; None where glances are not judged."""
        if speed is None or math.isnan(speed):
            return self.strictest_glance
        if self.backwards(speed):
            return None
        kmh = max(3.6 * speed, 0.0) + TOLERANCE
        return next((limit for start, limit in reversed(self.glance_limits) if kmh >= start), None)


_EURO_NCAP = AttentionSettings(
    preset="euro_ncap",
    source="Euro NCAP Safe Driving, driver state monitoring (protocol 10.x, from 2023), read in secondary sources",
    glance_limits=((0.0, 3.0),),
    glance_budget=10.0,
    unresponsive_glance=6.0,
)

PRESETS: dict[str, AttentionSettings] = {
    settings.preset: settings
    for settings in (
        _EURO_NCAP,
        # The regulation times only looks into its area 3: below a plane that falls by 30 degrees from the driver's
        # eyes, and neither in area 1 (the roof, and beyond 55 degrees to either side) nor in area 2 (windscreen and
        # windows). These are directions of the gaze; the head turns two thirds of the way, as the zones assume.
        AttentionSettings(
            preset="eu_addw",
            source="EU 2023/2590 (ADDW), read in secondary sources: 6 s from 20 km/h on, 3.5 s from 50 km/h on, area 3",
            glance_limits=((20.0, 6.0), (50.0, 3.5)),
            glance_budget=None,
            judged_area=(37.0, 20.0),
        ),
        # The guideline's 12 s are for one task; here a task is what has no 2 s on the road in it, a minute at most.
        AttentionSettings(
            preset="nhtsa",
            source="NHTSA visual-manual driver distraction guidelines (2013): glances of 2 s, 12 s in all",
            glance_limits=((0.0, 2.0),),
            glance_budget=12.0,
            budget_window=60.0,
        ),
        replace(_EURO_NCAP, preset="custom", source="the user"),
    )
}
