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
        clock_stands: whether the node's clock stands still, as a simulated one may.
        policy: what judges; None while unconfigured.
    """

    lifecycle: str
    source: str
    failure: str = ""
    received: int = 0
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
        "received_rate_hz": f"{report.received / report.period:.3f}",
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
    policy, warnings = report.policy, []
    if not report.received:
        warnings.append(f"nothing received on {report.source}")
    if report.clock_stands:
        warnings.append("the clock stands still: with use_sim_time it is that of /clock")
    if report.received and report.speed_source and report.speed is None:
        warnings.append(f"no speed on {report.speed_source}: the strictest thresholds hold")
    if report.received and policy is not None and policy.car_from_camera is None:
        warnings.append(f"the camera's mounting is {_mounting(policy)}")
    return warnings


def _mounting(policy: AttentionPolicy) -> str:
    if policy.car_from_camera is not None:
        return "known"
    if policy.neutral is None or policy.mounting is None:
        return "not known"
    return f"being learned: {policy.neutral.seconds:.0f} of {policy.neutral.needed:.0f} s seen"
