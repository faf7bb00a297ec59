"""AFW (Zhu & Ramanan 2012): photographs with several faces, a box and coarse pose each, 68 points on some.

Layout: a folder of photographs and ``labels.json``, a list of ``{"image", "faces": [{"box_xyxy",
"pose_yaw_pitch_roll_rad"}], "points68": [(68, 2), ...]}``. The points belong to the face whose box holds their centre.

Protocol: every face is fitted in its labelled box. NME over 68 and the inner 51 points in % of ``sqrt(w h)`` of the
true points' box, for faces with points; their jaw points lie on the visible contour, not on the 3-D jaw line, so the
inner 51 are the fairer figure. Coarse yaw: the share of faces of more than 80 pixels (``sqrt(w h)`` of the box) whose
yaw is within 15 degrees of the label. A failed fit counts as the frontal mean face in the box.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import metrics, subject
from training.benchmarks.conventions import afw_yaw
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import Box, HeadTracker

SMALLEST_FACE = 80.0  # pixels
YAW_TOLERANCE = 15.0  # degrees


@dataclass(frozen=True)
class Face:
    """One labelled face: its photograph, box, yaw in degrees and, on some, 68 points (68, 2)."""

    image: Path
    box: Box
    yaw: float
    points: Array | None


def read_faces(folder: Path) -> list[Face]:
    """The labelled faces in file order.

    Raises:
        FileNotFoundError: the folder or its ``labels.json`` does not exist.
        ValueError: the labels are of another format, or of no face.
    """
    labels = subject.existing(folder, "afw") / "labels.json"
    if not labels.is_file():
        raise FileNotFoundError(f"afw: '{labels}' does not exist; give the folder that holds labels.json")
    try:
        entries = json.loads(labels.read_text(encoding="utf-8"))
        faces = [face for entry in entries for face in _faces(folder, entry)]
    except (json.JSONDecodeError, KeyError, TypeError, IndexError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"afw: '{labels}' is of another format ({reason}); see training/benchmarks/afw.py") from error
    if not faces:
        raise ValueError(f"afw: '{labels}' holds no face; see training/benchmarks/afw.py")
    return faces


def _faces(folder: Path, entry: dict[str, Any]) -> Iterator[Face]:
    boxes = [tuple(map(float, face["box_xyxy"])) for face in entry["faces"]]
    for box in boxes:
        if len(box) != 4 or not (np.isfinite(box).all() and box[0] < box[2] and box[1] < box[3]):
            raise ValueError(f"{entry['image']} has box {box}, expected finite x0, y0, x1 > x0, y1 > y0")
    owned: dict[int, Array] = {}
    for points in (np.asarray(p, dtype=np.float64) for p in entry["points68"]):
        if points.shape != (68, 2):
            raise ValueError(f"{entry['image']} has points of shape {points.shape}, expected (68, 2)")
        if not np.isfinite(points).all():
            raise ValueError(f"{entry['image']} has points that are not finite")
        u, v = points.mean(axis=0)
        holders = [i for i, (x0, y0, x1, y1) in enumerate(boxes) if x0 <= u <= x1 and y0 <= v <= y1 and i not in owned]
        if not holders:
            raise ValueError(f"{entry['image']} has points around ({u:.0f}, {v:.0f}), in the box of no face")
        owned[min(holders, key=lambda i: -metrics.box_overlap(boxes[i], metrics.box_of(points)))] = points
    for index, (box, face) in enumerate(zip(boxes, entry["faces"], strict=True)):
        yaw = float(np.degrees(face["pose_yaw_pitch_roll_rad"][0]))
        yield Face(folder / entry["image"], (box[0], box[1], box[2], box[3]), yaw, owned.get(index))


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol over the faces that have points or are large enough for the yaw figure."""
    faces = [f for f in read_faces(folder) if f.points is not None or metrics.box_size(f.box) > SMALLEST_FACE]
    rows = []
    for face in faces[:limit]:
        image = subject.read_image(face.image)
        state = tracker.fit(image, box=face.box)
        found = subject.scored(state, model, face.box)
        row = _score(face, found)
        rows.append(row)
        if sheet is not None and face.points is not None:
            sheet.add(image, state, face.points, f"{face.image.stem} {row['nme51']:.1f}%", row["nme51"])
    pointed = [row for row in rows if row["nme51"] is not None]
    large = [row for row in rows if row["size"] > SMALLEST_FACE]
    return {
        "benchmark": "afw",
        "n": len(rows),
        "failed": sum(row["failed"] for row in rows),
        "n_points": len(pointed),
        "nme68": metrics.mean_or_none([row["nme68"] for row in pointed]),
        "nme51": metrics.mean_or_none([row["nme51"] for row in pointed]),
        "nme51_median": float(np.median([row["nme51"] for row in pointed])) if pointed else None,
        "n_yaw": len(large),
        "yaw_within_15": metrics.mean_or_none([float(row["yaw_error"] <= YAW_TOLERANCE) for row in large]),
        "yaw_mae": metrics.mean_or_none([row["yaw_error"] for row in large]),
        "faces": rows,
    }


def _score(face: Face, found: subject.Prediction) -> dict[str, Any]:
    errors = None if face.points is None else metrics.point_errors(found.landmarks, face.points)
    yaw = afw_yaw(found.rotation)
    return {
        "name": face.image.stem,
        "box": list(face.box),
        "size": metrics.box_size(face.box),
        "failed": found.failed,
        "true_yaw": face.yaw,
        "yaw": yaw,
        "yaw_error": float(metrics.angle_difference(yaw, face.yaw)),
        "nme68": None if errors is None else float(errors.mean()),
        "nme51": None if errors is None else float(errors[metrics.INNER].mean()),
    }
