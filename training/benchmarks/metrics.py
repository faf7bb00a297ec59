"""Error measures of face alignment and head pose, as the benchmarks define them.

Landmark sets follow the 68-point mark-up: 0..16 the jaw line, 17..67 the inner points. Errors are in % of
``sqrt(w h)`` of the true landmarks' bounding box (the AFLW2000-3D protocol of 3DDFA, paper Sec. 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros import angles
from dense_face_ros.geometry import Array

#: The landmarks that do not lie on the jaw line.
INNER = slice(17, 68)
#: Upper ends of the bins of |true yaw| in degrees: [0, 30], (30, 60] and everything beyond, which is (60, 90].
YAW_BINS = (30.0, 60.0)


def usual_and_worst(rows: Sequence[Mapping[str, float]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Of each of the figures that all rows have: ``median``, ``p90``, below which nine of ten lie, and ``worst``, which
    is the largest and grows with the number of rows."""
    values = {name: np.array([row[name] for row in rows]) for name in names}
    return {
        name: {"median": float(np.median(found)), "p90": float(np.quantile(found, 0.9)), "worst": float(found.max())}
        for name, found in values.items()
    }


def box_of(points: Array) -> Array:
    """The bounding box (x0, y0, x1, y1) of points (N, 2)."""
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def box_size(box: npt.ArrayLike) -> float:
    """``sqrt(w h)`` of a box (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = np.asarray(box, dtype=np.float64)
    return float(np.sqrt((x1 - x0) * (y1 - y0)))


def box_overlap(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Intersection over union of two boxes (x0, y0, x1, y1)."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0.0, None)
    shared = float(np.prod(sides))
    total = float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - shared
    return shared / total if total > 0 else 0.0


def point_errors(found: Array, true: Array) -> Array:
    """Distance of each found landmark (68, 2) from the true one, in % of ``sqrt(w h)`` of the true box: (68,)."""
    return np.asarray(100.0 * np.linalg.norm(found - true, axis=1) / box_size(box_of(true)))


def yaw_bin(yaw_degrees: float) -> int:
    """Index of the yaw bin: 0 for |yaw| <= 30, 1 for |yaw| <= 60, 2 beyond."""
    return int(np.searchsorted(YAW_BINS, abs(yaw_degrees), side="left"))


def mean_or_none(values: Sequence[float]) -> float | None:
    """The mean of the values that are numbers, None when there are none (JSON has no NaN)."""
    numbers = np.asarray(values, dtype=np.float64)
    numbers = numbers[np.isfinite(numbers)]
    return float(numbers.mean()) if len(numbers) else None


def by_yaw_bin(values: Sequence[float], yaws_degrees: Sequence[float]) -> list[float | None]:
    """Mean of ``values`` in each of the three bins of |yaw|; None for an empty bin."""
    bins = [yaw_bin(yaw) for yaw in yaws_degrees]
    return [mean_or_none([v for v, b in zip(values, bins, strict=True) if b == index]) for index in range(3)]


def mean_of_bins(bins: Sequence[float | None]) -> float | None:
    """Mean of the bins' means (every bin counts the same); bins without a face are left out."""
    return mean_or_none([value for value in bins if value is not None])


def over_yaw(rows: Sequence[Mapping[str, Any]], yaws_degrees: Sequence[float], names: Sequence[str]) -> dict[str, Any]:
    """``failed``, ``n_bins`` and, of each named figure: its mean in each yaw bin, the mean of those, and over all rows.

    Args:
        rows: a benchmark's rows per face; a figure that is not known is None.
    """
    bins = [yaw_bin(yaw) for yaw in yaws_degrees]
    result: dict[str, Any] = {"failed": sum(row["failed"] for row in rows)}
    result["n_bins"] = [bins.count(index) for index in range(len(YAW_BINS) + 1)]
    for name in names:
        values = [np.nan if row[name] is None else row[name] for row in rows]
        means = by_yaw_bin(values, yaws_degrees)
        result |= {f"{name}_bins": means, f"{name}_mean_of_bins": mean_of_bins(means)}
        result[f"{name}_mean"] = mean_or_none(values)
    return result


def angle_difference(a_degrees: npt.ArrayLike, b_degrees: npt.ArrayLike) -> Array:
    """|a - b| on the circle, degrees in [0, 180]."""
    difference = np.asarray(a_degrees, dtype=np.float64) - np.asarray(b_degrees, dtype=np.float64)
    return np.asarray(np.abs(angles.wrap_degrees(difference)))


def geodesic(a: Array, b: Array) -> float:
    """Angle in degrees of the rotation that takes one rotation matrix (3, 3) to another."""
    return float(angles.geodesic(a, b))
