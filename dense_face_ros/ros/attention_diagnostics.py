"""The attention node's entry on /diagnostics: how the node is, not how the driver is."""

from __future__ import annotations

from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from dense_face_ros.attention.policy import AttentionPolicy


@dataclass
class AttentionReport:
    """What the node knows about itself.

    Attributes:
        lifecycle: the life-cycle state's name.
        source: topic of the head poses.
        failure: why a transition failed last, or empty.
        received: frames judged since the last report; ``period`` seconds.
        speed_source: topic of the vehicle's speed, as the parameter; empty: it is not to be known.
        speed: of the vehicle, m/s; None where it is unknown.
        policy: what judges; None while unconfigured.
    """

    lifecycle: str
    source: str
    failure: str = ""
    received: int = 0
    period: float = 1.0
    speed_source: str = ""
    speed: float | None = None
    policy: AttentionPolicy | None = None


def attention_diagnostics(report: AttentionReport, name: str) -> DiagnosticStatus:
    """The status for a report."""
    policy = report.policy
    values = {
        "state": report.lifecycle,
        "received_rate_hz": f"{report.received / report.period:.3f}",
        "speed_mps": "unknown" if report.speed is None else f"{report.speed:.2f}",
        "preset": "" if policy is None else policy.settings.preset,
        "mounting": "" if policy is None else _mounting(policy),
    }
    level, text = DiagnosticStatus.OK, report.lifecycle
    if report.failure:
        level, text = DiagnosticStatus.ERROR, report.failure
    elif report.lifecycle == "active" and not report.received:
        level, text = DiagnosticStatus.WARN, f"nothing received on {report.source}"
    elif report.lifecycle == "active" and report.speed_source and report.speed is None:
        level, text = DiagnosticStatus.WARN, f"no speed on {report.speed_source}: the strictest thresholds hold"
    elif report.lifecycle == "active" and policy is not None and policy.car_from_camera is None:
        level, text = DiagnosticStatus.WARN, f"the camera's mounting is {_mounting(policy)}"
    status = DiagnosticStatus(level=level, name=name, message=text, hardware_id=report.source)
    status.values = [KeyValue(key=key, value=value) for key, value in values.items()]
    return status


def _mounting(policy: AttentionPolicy) -> str:
    if policy.car_from_camera is not None:
        return "known"
    if policy.neutral is None or policy.mounting is None:
        return "not known"
    return f"being learned: {policy.neutral.seconds:.0f} of {policy.neutral.needed:.0f} s seen"
