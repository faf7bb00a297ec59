"""The attention policy: head samples in, the driver's state out. Driven by stamps alone, so it can be replayed.

Alarms are raised by the first sample that crosses a threshold. Without evidence the state is UNKNOWN; it is never
ATTENTIVE by default.
"""

from __future__ import annotations

import math
from dataclasses import replace

from dense_face_ros.attention.car_heading import CarHeading
from dense_face_ros.attention.directions import HeadDirection, mounting_angles
from dense_face_ros.attention.evidence import Interval
from dense_face_ros.attention.eyelids import EyelidTracker, Lids
from dense_face_ros.attention.gaze import Gaze, GazeTracker
from dense_face_ros.attention.glances import GlanceTimer
from dense_face_ros.attention.head_sample import EYES_UNKNOWN, HeadSample
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.settings import TOLERANCE, AttentionSettings
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.attention.zones import ELSEWHERE, UNDECIDED, UNKNOWN, ZoneMap
from dense_face_ros.geometry import Array
from dense_face_ros.stamp_order import RESTART

_DRIVING_SPEED = 5.0  # m/s; slower, drivers look around, or get out, and backwards they look behind
_ABSENCE = 60.0  # seconds without a head after which no alarm is the present driver's
_LOOKING = {ELSEWHERE: "the head points at no zone", UNDECIDED: "the head points at the border of zones"}


class AttentionPolicy:
    """See the module.

    Args:
        settings: thresholds.
        zones: of the car.
        mounting, neutral: see :class:`CarHeading`.

    Attributes:
        heading: where heads point in the car; its mounting may be set later.
        flaw: why the pose of a head that was there is no evidence, in words; empty where it is, or nobody was there.
    """

    def __init__(
        self,
        settings: AttentionSettings,
        zones: ZoneMap,
        mounting: Array | None,
        neutral: NeutralPose | None = None,
    ) -> None:
        self.settings, self.zones = settings, zones
        self.heading = CarHeading(mounting, neutral, settings.max_sigma)
        self.reset()

    def reset(self) -> None:
        """Forget the driver's doings, not the neutral pose."""
        self._gaze = GazeTracker(self.zones, self.settings)
        self._glances = GlanceTimer(self.settings)
        self._eyelids = EyelidTracker(self.settings)
        self._stamp: float | None = None
        self._elapsed = 0.0  # seconds between the last two samples
        self._absent = 0.0  # seconds since there was a head, in which somebody else may have sat down
        self._watched_at: float | None = None  # stamp up to which there was something to judge, or to learn from
        self._head, self.flaw = False, ""
        self._seen_lately = False  # a frame that is lost now and then changes nothing about what can be told
        self._pointing: HeadDirection | None = None
        self._never_seen = False  # the eyes, for long before an alarm
        self._hidden_for = 0.0  # seconds for which the eyes of a head that is seen are not
        self._long = self._repeated = self._drowsy = False
        self._unresponsive = self._unconscious = False  # as the head shows, and as the eyes do
        self._asleep = State.ATTENTIVE  # or MICROSLEEP, SLEEP
        self._present: Attention | None = None

    def update(self, sample: HeadSample) -> Attention:
        """Take a sample. One that is out of order or seen already changes nothing."""
        if sample.speed is not None and not math.isfinite(sample.speed):
            sample = replace(sample, speed=None)
        back = 0.0
        if self._stamp is not None and sample.stamp <= self._stamp and self._present is not None:
            back = self._stamp - sample.stamp
            if back < RESTART:
                return self._present
            self.reset()
        elapsed = 0.0 if self._stamp is None else sample.stamp - self._stamp
        driven = sample.speed is not None and abs(sample.speed) >= _DRIVING_SPEED
        absent = self._absent + (0.0 if driven and elapsed <= self.settings.evidence_hold else elapsed)
        there = sample.rotation is not None or bool(sample.lacking)  # whoever it is, with a pose or without
        head = sample.rotation is not None and not sample.flaw
        if there and absent > _ABSENCE:
            self.reset()
        elif there and absent >= self.settings.unseen - TOLERANCE:
            self._eyelids.forget_driver()
        first = self._stamp is None
        if first:  # before it, stamps were only estimated, maybe by another clock
            self._present = None
        self._stamp, self._elapsed, self._head, self.flaw = sample.stamp, elapsed, head, sample.flaw
        self._absent = 0.0 if there else absent
        self._seen_lately = head or 0.0 < self._absent <= self.settings.evidence_hold
        direction = self.heading.direction(sample, self._learned_for(sample)) if head else None
        self._pointing = direction
        certain = self._gaze.observe(sample.stamp, direction)
        if first or (head and (direction is None or self._gaze.gaze is not None)):
            self._watched_at = sample.stamp
        # A pose that is not there takes the eyes with it.
        openness = sample.eye_openness if head else EYES_UNKNOWN
        self._eyelids.observe(sample.stamp, openness, self._gaze.gaze is Gaze.ROAD and not self._drowsy)
        for interval in certain:
            self._count(interval, sample)
        if self._eyelids.lids is not None:
            self._hidden_for = 0.0
        elif head:
            self._hidden_for += min(elapsed, self.settings.evidence_hold)
        self._judge_eyes(sample.stamp)
        self._recover()
        state, reason = self._conclude(sample)
        if back:  # one sample proves nothing: it is UNKNOWN
            reason = f"the stamps went back by {back:.1f} s: judged anew"
        return self._enter(sample.stamp, state, reason)

    def lapse(self, stamp: float, reason: str) -> Attention:
        """Nothing arrives any more: what was seen last is no evidence from now on. ``stamp`` is an estimate.

        It hides what is known and counts nothing: how long what was seen last stood is told by the stamps of the
        samples around the silence, as in every gap, so that a recording gives the states that were given live.
        """
        self._head, self._seen_lately, self.flaw, self._pointing = False, False, "", None
        self._watched_at = stamp if self._watched_at is None else self._watched_at
        told = self._enter(stamp, State.UNKNOWN, reason)
        self._present = replace(told, zone=UNKNOWN, glance=math.nan, closure=math.nan)
        return self._present

    def _learned_for(self, sample: HeadSample) -> float:
        """Seconds of driving, forwards, that a sample's head stands for in the neutral pose."""
        driven = sample.speed is None or sample.speed >= _DRIVING_SPEED
        return min(self._elapsed, self.settings.evidence_hold) if driven and self._seems_to_drive() else 0.0

    def _seems_to_drive(self) -> bool:
        """Whether how the head is held may be learned from. Who does not respond must not become attentive by it; but
        where the road was learned wrongly the alarms are wrong, too, and the eyes of a driver are open then."""
        lids, asleep = self._eyelids.lids, self._asleep is not State.ATTENTIVE
        alarmed = self._long or self._repeated or self._unresponsive or self._unconscious or asleep
        if not alarmed:
            self._never_seen = self._hidden_for >= self.settings.unseen - TOLERANCE
            return lids is not Lids.CLOSED
        # Of a driver whose eyes were hidden long before, as by dark glasses, nothing more can be asked.
        return lids is Lids.OPEN or (lids is None and self._never_seen)

    def _count(self, interval: Interval[Gaze], sample: HeadSample) -> None:
        """Count what became certain about the gaze, and raise the alarms that it crosses."""
        glances, settings, eyes = self._glances, self.settings, self._eyelids
        if interval.kind is Gaze.AWAY and settings.backwards(sample.speed):
            interval = replace(interval, kind=Gaze.ASIDE)  # nor later, when the car drives forwards again
        if self._long or self._repeated:
            glances.warn()
        # Of eyes that were hidden in the midst of a blink, nobody knows that they are shut.
        hidden = eyes.lids is None and eyes.closure <= settings.blink + TOLERANCE
        glances.take(interval, self.zones.grace(self._gaze.last_zone), 0.0 if hidden else eyes.closure)
        limit = settings.glance_limit(sample.speed)
        # What was seen last may have stood for a while after: that counts, but what is seen now raises the alarms.
        if interval.kind is None or interval.kind is Gaze.ROAD or limit is None or self._gaze.gaze is None:
            return
        self._long |= glances.judged >= limit - TOLERANCE
        budget = settings.glance_budget
        self._repeated |= budget is not None and glances.used(interval.end) >= budget - TOLERANCE
        if self._long or self._repeated:
            glances.warn()
        limit = settings.unresponsive_glance
        self._unresponsive |= limit is not None and glances.judged >= limit - TOLERANCE
        self._unresponsive |= glances.since_warning >= settings.unresponsive_after_warning - TOLERANCE

    def _judge_eyes(self, stamp: float) -> None:
        settings, eyes, perclos = self.settings, self._eyelids, self._eyelids.perclos(stamp)
        closure = 0.0 if eyes.lids is None else eyes.closure
        if closure >= settings.sleep - TOLERANCE:
            self._asleep = State.SLEEP
        elif closure >= settings.microsleep - TOLERANCE and self._asleep is State.ATTENTIVE:
            self._asleep = State.MICROSLEEP
        self._unconscious |= closure >= settings.unresponsive_closure - TOLERANCE
        # Where too little was seen it is no number, and drowsiness is not told.
        if perclos >= settings.perclos_drowsy:
            self._drowsy = True
        elif not perclos > settings.perclos_awake:
            self._drowsy = False

    def _recover(self) -> None:
        """End alarms. Only seen attention does that, and of a microsleep whose eyes are hidden since, time."""
        settings, eyes, glances = self.settings, self._eyelids, self._glances
        opened = eyes.open_for >= settings.recovery - TOLERANCE
        hidden = eyes.unseen_for >= settings.unseen - TOLERANCE
        if opened or (hidden and self._asleep is State.MICROSLEEP and not self._unconscious):
            self._asleep = State.ATTENTIVE
        on_road, awake = glances.on_road >= settings.recovery - TOLERANCE, self._asleep is State.ATTENTIVE
        if on_road:
            self._long = False
            self._unresponsive &= not awake
        # Where nobody knows what the head points at, open eyes must do.
        if (on_road and awake) or (opened and self._gaze.gaze is None):
            self._unconscious = False
        if glances.budget_restored:
            self._repeated = False

    def _conclude(self, sample: HeadSample) -> tuple[State, str]:
        """The state, and the reason for it; the most severe first."""
        glances, eyes, settings = self._glances, self._eyelids, self.settings
        gaze, asleep = self._gaze.gaze, self._asleep is not State.ATTENTIVE
        unresponsive = self._unresponsive or self._unconscious
        if asleep and eyes.lids is not None:  # closed eyes see nothing, wherever the head points
            closed = f"eyes closed for {eyes.closure:.1f} s" if eyes.closure else "eyes just opened"
            return (State.UNRESPONSIVE, f"no response: {closed}") if unresponsive else (self._asleep, closed)
        drowsy = f"eyes closed for {100 * eyes.perclos(sample.stamp):.0f} % of the last minute" if self._drowsy else ""
        if gaze is None:
            worse = self._long or self._repeated or unresponsive  # nothing has ended it
            told = drowsy and eyes.lids is not None and not worse
            return (State.DROWSY, drowsy) if told else (State.UNKNOWN, self._doubt())
        looking = _LOOKING.get(self._gaze.zone, f"the head points at {self._gaze.zone}")
        away = f"{looking}, away from the road for {glances.glance:.1f} s" if glances.glance else looking
        if unresponsive:
            return State.UNRESPONSIVE, f"no response: {away}"
        if self._long:
            return State.LONG_DISTRACTION, away
        if self._repeated:
            return State.REPEATED_DISTRACTION, f"away for {glances.used(sample.stamp):.1f} s of the last " + (
                f"{settings.budget_window:g} s; {looking}"
            )
        if asleep:
            return State.UNKNOWN, "the eyes are not seen since they closed"
        if drowsy:
            return State.DROWSY, drowsy
        limit = settings.glance_limit(sample.speed)
        not_judged = glances.glance if limit is None else glances.glance - glances.judged
        if not_judged >= settings.strictest_glance - TOLERANCE:
            if limit is None or gaze is Gaze.ASIDE:
                return State.UNKNOWN, f"{away}; not judged {'at this speed' if limit is None else 'there'}"
            return State.UNKNOWN, f"{away}, of which the last {glances.judged:.1f} s are judged"
        return State.ATTENTIVE, away

    def _doubt(self) -> str:
        if not self._head:
            return self.flaw or "no head pose"
        if self.heading.doubt:
            return self.heading.doubt
        hold = self.settings.evidence_hold
        if self._elapsed > hold:
            return f"frames come {self._elapsed:.2f} s apart; what one shows stands for {hold:g} s"
        return "it is not certain yet whether the head points at the road"

    def _degraded(self, stamp: float) -> str:
        unseen = self.settings.unseen - TOLERANCE
        hidden = self._seen_lately and self._hidden_for >= unseen
        if self._watched_at is not None and stamp - self._watched_at >= unseen:
            if not self._seen_lately:
                return f"{self.flaw or 'driver not seen'}: nothing can be told"
            what = "nothing can be told, for eyes are not seen either" if hidden else "glances cannot be told"
            return f"where the head points is not certain: {what}"
        return "eyes not seen: sleep and drowsiness cannot be told" if hidden else ""

    def _enter(self, stamp: float, state: State, reason: str) -> Attention:
        before, eyes, budget = self._present, self._eyelids, self.settings.glance_budget
        mounting = self.heading.car_from_camera
        known = before.last_known if before is not None else None
        seen = known is not None or state is not State.UNKNOWN
        self._present = Attention(
            stamp=stamp,
            state=state,
            reason=reason,
            since=min(before.since, stamp) if before is not None and before.state is state else stamp,
            zone=self._gaze.zone,
            glance=math.nan if self._gaze.gaze is None else self._glances.glance,
            budget_left=None if budget is None else max(0.0, budget - self._glances.used(stamp)) if seen else math.nan,
            closure=eyes.closure if eyes.lids is not None else math.nan,
            perclos=eyes.perclos(stamp),
            degraded=self._degraded(stamp),
            last_known=known if state is State.UNKNOWN else state,
            direction=self._pointing,
            mounting=None if mounting is None else mounting_angles(mounting),
        )
        return self._present
