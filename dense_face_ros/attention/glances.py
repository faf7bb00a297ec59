"""How long the driver has looked away, at once and in sum."""

from __future__ import annotations

from dense_face_ros.attention.evidence import Interval, SlidingTotal
from dense_face_ros.attention.gaze import Gaze
from dense_face_ros.attention.settings import TOLERANCE, AttentionSettings


class GlanceTimer:
    """The present glance away from the road, the time on the road since the last, and the budget of glances.

    ``judged`` is what of the glance, without a break up to now, went where the preset judges it. Nothing else uses the
    budget.

    Unknown time counts neither as away nor as on the road: it interrupts a stay on the road, and ends a glance when
    it lasts for a ``gap``. So does time with shut eyes towards the road; a blink interrupts nothing.
    """

    def __init__(self, settings: AttentionSettings) -> None:
        self._settings = settings
        self._used = SlidingTotal(settings.budget_window)
        self._unknown = 0.0
        self.glance = self.judged = self.on_road = self.since_warning = 0.0
        self.warned = False

    def take(self, interval: Interval[Gaze], grace: float, closure: float = 0.0) -> None:
        """Count an interval.

        ``grace``: seconds at the start of this glance that leave the budget alone. ``closure``: seconds for which the
        eyes have been shut.
        """
        blind = interval.kind is Gaze.ROAD and closure > 0.0
        if blind and closure <= self._settings.blink + TOLERANCE:
            return
        if interval.kind is None or blind:
            self._unknown += interval.seconds
            self.on_road = 0.0
            if self._unknown >= self._settings.gap - TOLERANCE:
                self._end_glance()
            return
        self._unknown = 0.0
        if interval.kind is Gaze.ROAD:
            self._end_glance()
            self.on_road += interval.seconds
            if self.budget_restored:
                self._used.clear()
            return
        self.on_road = 0.0
        free = max(0.0, grace - self.glance)
        self.glance += interval.seconds
        if interval.kind is Gaze.ASIDE:
            self.judged = 0.0
            return
        self.judged += interval.seconds
        self._used.add(min(interval.begin + free, interval.end), interval.end)
        if self.warned:
            self.since_warning += interval.seconds

    def warn(self) -> None:
        """The driver is warned now."""
        self.warned = True

    def used(self, stamp: float) -> float:
        """What the window that ends at ``stamp`` has used of the budget, seconds."""
        return self._used.at(stamp)

    @property
    def budget_restored(self) -> bool:
        """Whether the present stay on the road has given the whole budget back."""
        return self.on_road >= self._settings.budget_reset - TOLERANCE

    def _end_glance(self) -> None:
        self.glance = self.judged = self.since_warning = 0.0
        self.warned = False
