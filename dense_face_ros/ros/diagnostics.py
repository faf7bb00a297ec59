"""The tracker's entry on /diagnostics."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dense_face_ros.ros.frame_statistics import DROP_REASONS, FrameFigures

#: Share of a period's frames that may be dropped before it is worth a warning.
_TOLERATED_DROPS = 0.05
_STALE = 2.0  # seconds without an image, or without an answer to one, after which nothing is known of the present


@dataclass
class Report:
    """What the node knows about itself when it reports. Plain values, filled in by the node.

    Attributes:
        lifecycle: the life-cycle state's name.
        failure: why a transition failed last, or empty.
        image_topic: where images are expected.
        publishers: who publishes them, as the rest of a sentence; empty: not known.
        engine: facts about the loaded network and models: name -> value.
        tracking: status of the last processed frame, ``reason`` where it has no head, and ``track`` of its head.
        quality: figures of the last fit.
        metric: whether the camera of the last frame was calibrated; None before the first.
        pose_told: whether poses are published with such a camera (parameter ``require_camera_info``).
        camera_note: what is wrong with camera_info, or empty.
        last_drop: reason and text of the frame that was dropped last, both empty before the first.
        other_clock: whether image stamps lie ahead of this node's clock, or so far behind it, that no latency can be
            told.
    """

    lifecycle: str
    failure: str = ""
    image_topic: str = ""
    publishers: str = ""
    engine: dict[str, str] = field(default_factory=dict)
    tracking: str = ""
    reason: str = ""
    track: int = 0
    quality: dict[str, float] = field(default_factory=dict)
    metric: bool | None = None
    pose_told: bool = True
    camera_note: str = ""
    last_drop: tuple[str, str] = ("", "")
    other_clock: bool = False


class DiagnosticsWriter:
    """Turns reports into messages; remembers the counts of the last one to speak of the time between."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last: FrameFigures | None = None
        self._silence = self._unanswered = 0.0
        self._drops: Counter[str] = Counter()  # since the last answer, by their reason

    def write(self, report: Report, figures: FrameFigures, period: float) -> DiagnosticStatus:
        """The status for a report; ``period`` is the time in seconds since the one before."""
        last, self._last = self._last, figures
        if last is None or figures.received < last.received or figures.processed < last.processed:
            last = FrameFigures(0, 0, 0, dict.fromkeys(DROP_REASONS, 0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0), 0.0)
            self._unanswered, self._drops = 0.0, Counter()
        processed = figures.processed - last.processed
        dropped = Counter(figures.dropped) - Counter(last.dropped)
        received = figures.received - last.received
        self._silence = 0.0 if received else self._silence + period
        if processed or report.lifecycle != "active" or self._silence >= _STALE:
            self._unanswered, self._drops = 0.0, Counter()
        elif received:
            self._unanswered, self._drops = self._unanswered + period, self._drops + dropped
        silent, refusal = not figures.received or self._silence >= _STALE, ""
        if report.lifecycle != "active" or self._silence >= _STALE:
            report, figures = _without_answers(report), replace(figures, source_rate=math.nan)
        elif self._unanswered >= _STALE:
            report = _without_answers(report)
            if self._drops:
                # Times of frames long past would be taken for those of the frames that come.
                unknown = math.nan, math.nan
                figures = replace(figures, latency_ms=unknown, processing_ms=unknown, pictures_ms=unknown)
                count, seconds = self._drops.total(), self._unanswered
                refusal = f"all {count} frames of {seconds:.0f} s dropped ({_reasons(self._drops)})"
                reason, text = report.last_drop
                refusal += f": {text}" if reason in self._drops else ""
        level, text = _verdict(report, silent, refusal, processed, dropped)
        status = DiagnosticStatus(level=level, name=self._name, message=text, hardware_id=report.image_topic)
        values: dict[str, str] = {
            "state": report.lifecycle,
            **report.engine,
            "tracking": report.tracking or "unknown",
            "tracking_reason": report.reason,
            "track": str(report.track or "unknown"),
            "camera_metric": _metric(report),
            "camera_note": report.camera_note,
            "source_rate_hz": _number(figures.source_rate),
            "received_rate_hz": _number(received / period),
            "processed_rate_hz": _number(processed / period),
            "frames_received": str(figures.received),
            "frames_processed": str(figures.processed),
            "frames_with_head": str(figures.with_head),
            "frames_dropped": str(sum(figures.dropped.values())),
            "drop_note": ": ".join(filter(None, report.last_drop)),
            **{f"dropped_{reason}": str(count) for reason, count in figures.dropped.items()},
            "latency_p50_ms": _number(figures.latency_ms[0]),
            "latency_p99_ms": _number(figures.latency_ms[1]),
            "processing_p50_ms": _number(figures.processing_ms[0]),
            "processing_p99_ms": _number(figures.processing_ms[1]),
            "pictures_p50_ms": _number(figures.pictures_ms[0]),
            "pictures_p99_ms": _number(figures.pictures_ms[1]),
            **{f"quality_{name}": _number(value) for name, value in report.quality.items()},
        }
        status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
        return status


def _without_answers(report: Report) -> Report:
    """What is known when no image is answered any more: nothing that the last one showed."""
    quality = dict.fromkeys(report.quality, math.nan)
    return replace(
        report, tracking="", reason="", track=0, quality=quality, metric=None, camera_note="", other_clock=False
    )


def _metric(report: Report) -> str:
    if report.metric is None:
        return "unknown"
    if report.metric:
        return "yes"
    return "no, field of view assumed" if report.pose_told else "no, pose withheld"


def _reasons(drops: Counter[str]) -> str:
    """Why frames were dropped, the most frequent reason first."""
    return ", ".join(f"{reason} {count}" for reason, count in drops.most_common())


def _verdict(report: Report, silent: bool, refusal: str, processed: int, dropped: Counter[str]) -> tuple[bytes, str]:
    if report.failure:
        return DiagnosticStatus.ERROR, report.failure
    warnings = []
    if report.engine.get("network_backend_state", "running") != "running":
        warnings.append(f"backend: {report.engine['backend']}")
    if report.lifecycle != "active":
        return DiagnosticStatus.WARN if warnings else DiagnosticStatus.OK, "; ".join([report.lifecycle, *warnings])
    if silent:
        return DiagnosticStatus.WARN, ", ".join(filter(None, [f"no images on {report.image_topic}", report.publishers]))
    if refusal:
        return DiagnosticStatus.ERROR, "; ".join([refusal, *warnings])
    frames = processed + dropped.total()
    if dropped.total() > _TOLERATED_DROPS * frames:
        warnings.append(f"{dropped.total()} of {frames} frames dropped ({_reasons(dropped)})")
    if report.camera_note:
        warnings.append(report.camera_note)
    if report.metric is False:
        assumed = "pose is not metric: field of view assumed"
        warnings.append(assumed if report.pose_told else "no pose is published: require_camera_info is set")
    if report.other_clock:
        warnings.append("image stamps are of another clock: latency unknown")
    if warnings:
        return DiagnosticStatus.WARN, "; ".join(warnings)
    return DiagnosticStatus.OK, report.tracking or "waiting for a result"


def _number(value: float) -> str:
    return "unknown" if not math.isfinite(value) else f"{value:.3f}"
