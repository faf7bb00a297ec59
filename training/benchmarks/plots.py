"""Pictures of a benchmark's result, beside its JSON file: error curves, error against yaw, worst and best fits.

``write_plots`` needs nothing but the result's rows. ``WorstAndBest`` is filled while the benchmark runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros.evaluation.charts import Series, chart
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from dense_face_ros.head_state import HeadState
from training.benchmarks.sheet import Sheet

_CURVES = {
    "nme68": "68 points",
    "nme51": "51 inner points",
    "nme_visible_inner": "visible inner points",
    "nme21": "those of 21 points that can be seen",
}
_ANGLES = {"geodesic": "", "pan_error": "pan", "tilt_error": "tilt"}
_CURVE_END = 12.0  # % of the face; errors beyond are as good as failures
_SIZE = (640, 360)


def rows_of(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows per image or face of a result; ValueError when the benchmark has none."""
    rows = result.get("images", result.get("faces"))
    if not rows:
        raise ValueError(f"benchmark {result.get('benchmark')} has no rows per image or face")
    return list(rows)


def true_yaw(row: dict[str, Any]) -> float:
    """The labelled yaw of a row in degrees, in the benchmark's own sign; NaN where it has none."""
    if "true_yaw" in row:
        return float(row["true_yaw"])
    if "true_pitch_yaw_roll" in row:
        return float(row["true_pitch_yaw_roll"][1])
    return float(row.get("true_yaw_pitch_roll", [np.nan])[0])


def column(rows: list[dict[str, Any]], name: str) -> Array:
    """One figure of all rows, NaN where it is not known."""
    return np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=np.float64)


def error_curves(rows: list[dict[str, Any]], title: str) -> str:
    """Cumulative error distributions: the share of faces whose mean landmark error is no larger."""
    series = []
    for name, label in _CURVES.items():
        errors = np.sort(column(rows, name))
        errors = errors[np.isfinite(errors)]
        if not len(errors):
            continue
        share = np.arange(1, len(errors) + 1) / len(errors)
        # Steps: the share jumps at each error and stays until the next.
        x = np.repeat(np.concatenate([errors, [max(_CURVE_END, errors[-1])]]), 2)[:-1]
        y = np.concatenate([[0.0], np.repeat(share, 2)])
        inside = x <= _CURVE_END
        last = float(y[inside][-1]) if inside.any() else 0.0
        x, y = np.append(np.append(0.0, x[inside]), _CURVE_END), np.append(np.append(0.0, y[inside]), last)
        series.append(Series(label, x, y))
    return chart(title, series, "error, % of the face", "share of faces", y_range=(0.0, 1.0), size=_SIZE)


def error_against_yaw(rows: list[dict[str, Any]], names: dict[str, str], title: str, unit: str) -> str:
    """A dot per face and figure over the true yaw."""
    yaw = np.array([true_yaw(row) for row in rows])
    series = [Series(label, yaw, column(rows, name), dots=True) for name, label in names.items()]
    return chart(title, series, "yaw as the benchmark labels it, deg", unit, size=_SIZE)


def write_plots(result: dict[str, Any], stem: Path) -> list[Path]:
    """Write ``STEM_ced.svg``, ``STEM_yaw.svg`` and ``STEM_pose_yaw.svg``: those that the benchmark has labels for."""
    rows, name = rows_of(result), result["benchmark"]
    marked = {curve: label for curve, label in _CURVES.items() if np.isfinite(column(rows, curve)).any()}
    pictures = {"ced": error_curves(rows, f"{name}: {len(rows)} faces")} if marked else {}
    posed = bool(np.isfinite([true_yaw(row) for row in rows]).any())
    if marked and posed:
        pictures["yaw"] = error_against_yaw(rows, marked, f"{name}: landmarks", "error, % of the face")
    angles = {error: label for error, label in _ANGLES.items() if error in rows[0]}
    if posed and angles:
        pictures["pose_yaw"] = error_against_yaw(rows, angles, f"{name}: rotation", "error, deg")
    written = []
    for kind, text in pictures.items():
        path = stem.with_name(f"{stem.name}_{kind}.svg")
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


class WorstAndBest(Sheet):
    """A sheet of the worst fits, as ``Sheet``, and a second one of the best."""

    def __init__(self, model: FaceModel, most: int = 12, columns: int = 4) -> None:
        super().__init__(model, most, columns)
        self._best = Sheet(model, most, columns)

    def add(self, image: npt.NDArray[np.uint8], state: HeadState, true: Array, caption: str, error: float) -> None:
        """Draw one face for both."""
        super().add(image, state, true, caption, error)
        self._best.add(image, state, true, caption, -error)

    def write_both(self, stem: Path) -> None:
        """Write ``STEM_worst.png`` and ``STEM_best.png``."""
        self.write(stem.with_name(f"{stem.name}_worst.png"))
        self._best.write(stem.with_name(f"{stem.name}_best.png"))
