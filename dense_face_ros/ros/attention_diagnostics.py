"""The attention node's entry on /diagnostics: how the node is, not how the driver is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dense_face_ros.attention.policy import AttentionPolicy

_FLAWED = 0.05  # share of a period's frames whose poses may say nothing before it is worth a warning
#: Messages of one topic that may come in a period without any of the other: of a frame whose second is on its way.
_UNDERWAY = 1


@dataclass
class Received:
    """What came since the last report.

    Attributes:
        poses, expressions: messages.
        heads: those of the expressions that tell of a head.
        frames: judged.
        flaws: why a pose of theirs was no evidence -> of how many.
    """

    poses: int = 0
    expressions: int = 0
    heads: int = 0
    frames: int = 0
    flaws: Counter[str] = field(default_factory=Counter)

    def judged(self, flaw: str) -> None:
        """A frame was; ``flaw``: of its pose, or empty."""
        self.frames += 1
        if flaw:
            self.flaws[flaw] += 1


@dataclass
class AttentionReport:
    """What the node knows about itself.

    Attributes:
        lifecycle: the life-cycle state's name.
        source, expressions: topics of the head poses and of the expressions.
        failure: why a transition failed last, or empty.
        received: since the last report; ``period`` seconds.
        speed_source: topic of the vehicle's speed, as the parameter; empty: it is not to be known.
        speed: of the vehicle, m/s; None where it is unknown.
        clock_stands: whether the node's clock stands still, as a simulated one may.
        policy: what judges; None while unconfigured.
    """

    lifecycle: str
    source: str
    expressions: str
    failure: str = ""
    received: Received = field(default_factory=Received)
    period: float = 1.0
    speed_source: str = ""
    speed: float | None = None
    clock_stands: bool = False
    policy: AttentionPolicy | None = None


def attention_diagnostics(report: AttentionReport, name: str) -> DiagnosticStatus:
    """The status for a report."""
    policy = report.policy
    values = {
        "state": report.lifecycle,
        "received_rate_hz": f"{report.received.frames / report.period:.3f}",
        "head_pose_rate_hz": f"{report.received.poses / report.period:.3f}",
        "expression_rate_hz": f"{report.received.expressions / report.period:.3f}",
        "speed_mps": "unknown" if report.speed is None else f"{report.speed:.2f}",
        "preset": "" if policy is None else policy.settings.preset,
        "mounting": "" if policy is None else _mounting(policy),
    }
    level, text = _verdict(report)
    status = DiagnosticStatus(level=level, name=name, message=text, hardware_id=report.source)
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return status


def _verdict(report: AttentionReport) -> tuple[bytes, str]:
    if report.failure:
        return DiagnosticStatus.ERROR, report.failure
    warnings = _warnings(report) if report.lifecycle == "active" else []
    return (DiagnosticStatus.WARN, "; ".join(warnings)) if warnings else (DiagnosticStatus.OK, report.lifecycle)


def _warnings(report: AttentionReport) -> list[str]:
    policy, frames = report.policy, report.received.frames
    warnings = _of_what_came(report)
    if report.clock_stands:
        warnings.append("the clock stands still: with use_sim_time it is that of /clock")
    if frames and report.speed_source and report.speed is None:
        warnings.append(f"no speed on {report.speed_source}: the strictest thresholds hold")
    if frames and policy is not None and policy.heading.car_from_camera is None:
        warnings.append(f"the camera's mounting is {_mounting(policy)}")
    return warnings


def _of_what_came(report: AttentionReport) -> list[str]:
    came, poses, expressions = report.received, report.source, report.expressions
    if not (came.poses or came.expressions):
        return [f"nothing received on {poses} and {expressions}"]
    if not came.frames and came.poses + came.expressions > _UNDERWAY:
        return [f"the stamps on {poses} and {expressions} do not advance"]
    if not came.poses and came.heads > _UNDERWAY:
        return [f"nothing received on {poses}, though {expressions} tells of a head"]
    warnings = []
    if not came.expressions and came.poses > _UNDERWAY:
        warnings.append(f"nothing received on {expressions}: eyes are not seen")
    if came.poses and came.flaws.total() > _FLAWED * came.frames:
        ((flaw, _),) = came.flaws.most_common(1)
        warnings.append(f"poses of {came.flaws.total()} of {came.frames} frames cannot be used: {flaw}")
    return warnings


def _mounting(policy: AttentionPolicy) -> str:
    if policy.heading.car_from_camera is not None:
        return "known"
    if policy.heading.neutral is None or policy.heading.mounting is None:
        return "not known"
    return f"being learned: {policy.heading.neutral.seconds:.0f} of {policy.heading.neutral.needed:.0f} s seen"
