"""What was aimed at beside what was reached, by both shipped networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dense_face_ros.evaluation.provenance import model_hashes
from training.reporting.tables import Named, table
from training.result_files import Result

_NETWORKS = ("correspondence.onnx", "correspondence_free.onnx")


@dataclass(frozen=True)
class Aim:
    """A figure of a kind of result, and the bound it should keep: ``most``, or where that is None ``least``."""

    figure: str
    kind: str
    of: Callable[[Result], float]
    most: float | None = None
    least: float | None = None

    @property
    def asked(self) -> str:
        """The bound in words."""
        return f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"

    def shown(self, result: Result | None) -> str:
        """The figure, in bold where it misses the bound; empty without a result, or one that does not tell it."""
        try:
            value = math.nan if result is None else float(self.of(result))
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            value = math.nan
        if math.isnan(value):
            return ""
        missed = (self.most is not None and value > self.most) or (self.least is not None and value < self.least)
        return f"**{value:.2f}**" if missed else f"{value:.2f}"


def _false_heads(result: Result) -> float:
    shown = result["faceless"].values()
    return 100.0 * sum(part["heads"] for part in shown) / sum(part["pictures"] for part in shown)


AIMS = (
    Aim("68 points, % of the box, mean of yaw bins (best published 3.27)", "aflw2000",
        lambda r: r["nme68_mean_of_bins"], most=3.27),
    Aim("visible inner points, %, in the worst yaw bin", "aflw2000",
        lambda r: max(bin for bin in r["nme_visible_inner_bins"] if bin is not None), most=3.0),
    Aim("yaw, pitch and roll, mean error, °", "aflw2000", lambda r: r["pose_mae"], most=2.5),
    Aim("rotation, mean error, °", "aflw2000", lambda r: r["pose_geodesic"], most=4.5),
    Aim("rotation of rendered people about the worst axis, ° rms", "consistency",
        lambda r: max(r["filtered"]["rms_deg"]), most=1.0),
    Aim("true poses within the 90 % ellipsoid, %", "consistency",
        lambda r: 100.0 * r["filtered"]["all"]["inside90"], least=85.0),
    Aim("a still head trembles, worst of 32 people, ° rms", "steadiness", lambda r: r["jitter_deg"]["worst"], most=0.3),
    Aim("the same across, mm rms", "steadiness", lambda r: r["jitter_lateral_mm"]["worst"], most=1.0),
    Aim("depth in speech, worst, %", "steadiness", lambda r: r["speech_filtered_percent"]["worst"], most=1.0),
    Aim("depth in a blink, worst, %", "steadiness", lambda r: r["blink_filtered_percent"]["worst"], most=1.0),
    Aim("yaw in the car when the camera turns by 25°, worst, °", "steadiness",
        lambda r: r["turned_camera_deg"]["worst"], most=1.0),
    Aim("rendered faces found in their first frame, %", "finding", lambda r: 100.0 * r["all"]["tracked"], least=99.0),
    Aim("photographs without people that show a head, %", "finding", _false_heads, most=0.1),
)  # fmt: skip


def aims(found: Mapping[str, Named]) -> list[str]:
    """The section; nothing where no figure of it was measured with a network of this checkout.

    Of several results of a kind the first counts, in the order of their names.
    """
    rows, shipped = [], model_hashes()
    for aim in AIMS:
        results = [result for _, result in found.get(aim.kind, [])]
        default, free = (
            next((r for r in results if r["provenance"]["models"].get(_NETWORKS[0]) == shipped[name]), None)
            for name in _NETWORKS
        )
        reached = [aim.shown(default), aim.shown(free)]
        if any(reached):
            rows.append([aim.figure, aim.asked, *reached])
    if not rows:
        return []
    header = ("figure", "aimed at", "default network", "licence-clean network")
    return ["## Aimed at and reached", "What is in bold misses its aim.", table(header, rows)]
