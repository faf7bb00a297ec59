"""AFLW2000-3D (Zhu et al. 2016): 68 landmarks and head pose of photographs up to profile (paper Tables 1 and 2).

Layout: ``<name>.jpg`` beside ``<name>.mat`` with ``pt3d_68`` (3, 68) in pixels (y down the image, z to the viewer) and
``Pose_Para`` (1, 7): pitch, yaw, roll in radians, translation, scale.

Protocol (3DDFA's): NME over 68 points as projected, visible or not, in % of ``sqrt(w h)`` of the true points' box; the
mean of each bin of |true yaw|, [0, 30], (30, 60], (60, 90], and the mean of the three. Pose: faces with a true angle of
99 degrees or more are left out (the rule since HopeNet), MAE over pitch, yaw and roll in AFLW2000-3D's own angles, and
the geodesic angle. Label coordinates are used as they are stored.

A fit that fails counts in every figure, as the frontal mean face in the box that was given (``subject.stand_in``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import metrics, subject
from training.benchmarks.conventions import aflw2000_angles, aflw2000_rotation
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import Box, HeadTracker
from training.benchmarks.visibility import visible_landmarks
from training.benchmarks.zero_pose import zero_pitch
from training.mat_files import read_mat

MAXIMUM_ANGLE = 99.0  # degrees; the pose protocol leaves out faces beyond
FOUND_OVERLAP = 0.4  # a face counts as found when the boxes of fitted and true landmarks overlap by more (IoU)
_SEED = 2000


@dataclass(frozen=True)
class Sample:
    """One labelled photograph: ``points`` (68, 3) as stored, ``angles`` (pitch, yaw, roll) in radians."""

    name: str
    image: Path
    points: Array
    angles: Array

    @property
    def box(self) -> Box:
        """The bounding box of the 68 true points."""
        return subject.box_around(self.points[:, :2])


def read_sample(label: Path) -> Sample:
    """Read one ``.mat`` label; ValueError naming the file and what it lacks."""
    data = read_mat(label, ["pt3d_68", "Pose_Para"])
    for name, shape in {"pt3d_68": (3, 68), "Pose_Para": (1, 7)}.items():
        found = data[name].shape if name in data else "nothing"
        if found != shape:
            raise ValueError(f"aflw2000: '{label}' has {found} for {name}, expected {shape}; is it AFLW2000-3D?")
        if data[name].dtype.kind not in "biuf" or not np.isfinite(data[name]).all():
            raise ValueError(f"aflw2000: '{label}' has {name} that is not all finite numbers; copy the file anew")
    points = data["pt3d_68"].T.astype(np.float64)
    return Sample(label.stem, label.with_suffix(".jpg"), points, data["Pose_Para"][0, :3].astype(np.float64))


def read_samples(folder: Path, limit: int | None = None) -> list[Sample]:
    """The labelled photographs of a folder, in name order."""
    labels = subject.limited(subject.files_in(folder, "*.mat", "aflw2000"), limit)
    return [read_sample(label) for label in labels]


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol with four kinds of boxes; the figures of the true boxes stand at the top of the result."""
    samples = read_samples(folder, limit)
    rng = np.random.default_rng(_SEED)
    shifts = rng.uniform(0.0, 2.0 * np.pi, size=len(samples))
    protocols: dict[str, Callable[[int, Sample], Box | None]] = {
        "true_box": lambda _, s: s.box,
        "grown_box": lambda _, s: grown(s.box, 1.3),
        "shifted_box": lambda i, s: shifted(s.box, 0.1, shifts[i]),
        "finder": lambda _, s: None,
    }
    nod = zero_pitch(model)
    rows = {name: _run(tracker, samples, box, model, nod, sheet if name == "true_box" else None)
            for name, box in protocols.items()}  # fmt: skip
    result: dict[str, Any] = {"benchmark": "aflw2000", "n": len(samples), "zero_pitch_degrees": nod}
    result |= summary(rows["true_box"])
    result["found_without_box"] = sum(r["overlap"] > FOUND_OVERLAP for r in rows["finder"] if not r["failed"])
    result["protocols"] = {name: summary(r) for name, r in rows.items()}
    result["images"] = rows["true_box"]
    result["images_finder"] = rows["finder"]
    return result


def grown(box: Box, factor: float) -> Box:
    """The box enlarged about its centre."""
    x0, y0, x1, y1 = box
    dx, dy = 0.5 * (factor - 1.0) * (x1 - x0), 0.5 * (factor - 1.0) * (y1 - y0)
    return x0 - dx, y0 - dy, x1 + dx, y1 + dy


def shifted(box: Box, share: float, direction: float) -> Box:
    """The box moved by ``share`` of its sides towards ``direction`` (radians)."""
    x0, y0, x1, y1 = box
    dx, dy = share * (x1 - x0) * float(np.cos(direction)), share * (y1 - y0) * float(np.sin(direction))
    return x0 + dx, y0 + dy, x1 + dx, y1 + dy


def _run(
    tracker: HeadTracker,
    samples: list[Sample],
    box_for: Callable[[int, Sample], Box | None],
    model: FaceModel,
    nod: float,
    sheet: Sheet | None,
) -> list[dict[str, Any]]:
    rows = []
    for index, sample in enumerate(samples):
        image = subject.read_image(sample.image)
        box = box_for(index, sample)
        state = tracker.fit(image, box=box)
        found = subject.scored(state, model, box or subject.middle_box(image))
        row = _score(sample, found, model, nod)
        rows.append(row)
        if sheet is not None:
            sheet.add(image, state, sample.points[:, :2], f"{sample.name} {row['nme68']:.1f}%", row["nme68"])
    return rows


def _score(sample: Sample, found: subject.Prediction, model: FaceModel, nod: float) -> dict[str, Any]:
    true = sample.points[:, :2]
    errors = metrics.point_errors(found.landmarks, true)
    seen = visible_landmarks(model, sample.points * (1.0, -1.0, 1.0))[metrics.INNER]
    true_angles, angles = np.degrees(sample.angles), np.degrees(aflw2000_angles(found.rotation, nod))
    differences = metrics.angle_difference(angles, true_angles)
    mean_offset = (found.landmarks - true)[metrics.INNER].mean(axis=0)
    return {
        "name": sample.name,
        "failed": found.failed,
        "true_pitch_yaw_roll": true_angles.tolist(),
        "pitch_yaw_roll": angles.tolist(),
        "pose_error": differences.tolist(),
        "geodesic": metrics.geodesic(found.rotation, aflw2000_rotation(sample.angles, nod)),
        "nme68": float(errors.mean()),
        "nme51": float(errors[metrics.INNER].mean()),
        "nme_visible_inner": float(errors[metrics.INNER][seen].mean()) if seen.any() else None,
        "visible_inner": int(seen.sum()),
        "overlap": metrics.box_overlap(metrics.box_of(found.landmarks), sample.box),
        "inner_offset_px": mean_offset.tolist(),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The benchmark's figures over per-image rows."""
    yaws = [row["true_pitch_yaw_roll"][1] for row in rows]
    result = metrics.over_yaw(rows, yaws, ("nme68", "nme51", "nme_visible_inner"))
    posed = [row for row in rows if max(map(abs, row["true_pitch_yaw_roll"])) < MAXIMUM_ANGLE]
    result["pose_n"] = len(posed)
    for index, name in enumerate(("pitch", "yaw", "roll")):
        result[f"{name}_mae"] = metrics.mean_or_none([row["pose_error"][index] for row in posed])
    result["pose_mae"] = metrics.mean_or_none([float(np.mean(row["pose_error"])) for row in posed])
    result["pose_geodesic"] = metrics.mean_or_none([row["geodesic"] for row in posed])
    return result
