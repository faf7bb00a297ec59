"""Synthesis AI's human faces: photoreal renders with exact camera, head turn and landmarks in metres.

Layout: ``<name>.jpg`` beside ``<name>.json`` with ``camera`` (intrinsics, transform_world2cam), 68 ``landmarks``
(``screen_space_pos`` in shares of the image, ``camera_space_pos`` in metres, OpenGL axes), ``facial_attributes``
(``head_turn``, degrees) and ``accessories`` (mask and glasses styles).

Protocol: every face is fitted in the box of its 68 true points, with its true camera. NME over 68 and inner 51 points;
rotation against the labelled head turn; and, free of any definition of a head frame, the rotation and the offset that
lay the fitted inner landmarks on the true ones in the camera frame: orientation error in degrees, position error in
millimetres (depth apart, as % of the distance). The screen spans the outer edges of the image, so a share ``s`` of a
width ``w`` is the pixel ``s w - 0.5``. A failed fit counts as the frontal mean face in the box; it has no position.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera, yaw_pitch_roll_from_rotation
from dense_face_ros.head_state import HeadState
from training.benchmarks import metrics, subject
from training.benchmarks.conventions import OPTICAL_FROM_OPENGL, rotation_between, synthesis_ai_rotation
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import Box, HeadTracker


@dataclass(frozen=True)
class Render:
    """One labelled render: ``points`` (68, 2) pixels, ``points_3d`` (68, 3) metres and ``rotation`` in our camera."""

    name: str
    image: Path
    camera: PinholeCamera
    points: Array
    points_3d: Array
    rotation: Array
    mask: bool
    glasses: bool

    @property
    def box(self) -> Box:
        """The bounding box of the 68 true points."""
        return subject.box_around(self.points)


def read_render(label: Path, width: int, height: int) -> Render:
    """Read one label of an image of the given size; ValueError naming the file when it is of another format."""
    try:
        data = json.loads(label.read_text(encoding="utf-8"))
        k = np.asarray(data["camera"]["intrinsics"], dtype=np.float64)
        world = np.asarray(data["camera"]["transform_world2cam"]["mat_4x4"], dtype=np.float64)
        marks = sorted(data["landmarks"], key=lambda mark: mark["ptnum"])
        screen = np.array([mark["screen_space_pos"] for mark in marks], dtype=np.float64)
        space = np.array([mark["camera_space_pos"] for mark in marks], dtype=np.float64)
        turn = data["facial_attributes"]["head_turn"]
        angles = [float(turn[name]) for name in ("yaw", "pitch", "roll")]
        worn = {name: data["accessories"][name]["style"] != "none" for name in ("mask", "glasses")}
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(f"synthesis_ai: '{label}' is of another format ({reason}); see {__name__}") from error
    if screen.shape != (68, 2) or space.shape != (68, 3) or k.shape != (3, 3) or world.shape != (4, 4):
        raise ValueError(f"synthesis_ai: '{label}' has {len(marks)} landmarks or odd matrices; expected 68 landmarks")
    return Render(
        name=label.stem,
        image=label.with_suffix(".jpg"),
        camera=PinholeCamera(k[0, 0], k[1, 1], k[0, 2] - 0.5, k[1, 2] - 0.5, width, height),
        points=screen * (width, height) - 0.5,
        points_3d=space @ OPTICAL_FROM_OPENGL,
        rotation=synthesis_ai_rotation(angles, world[:3, :3]),
        mask=worn["mask"],
        glasses=worn["glasses"],
    )


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol; figures over all faces and over those with a mask, with glasses and with neither."""
    rows = []
    for label in subject.limited(subject.files_in(folder, "*.json", "synthesis_ai"), limit):
        image = subject.read_image(label.with_suffix(".jpg"))
        render = read_render(label, image.shape[1], image.shape[0])
        state = tracker.fit(image, box=render.box, camera=render.camera)
        row = _score(render, state, model)
        rows.append(row)
        if sheet is not None:
            sheet.add(image, state, render.points, f"{render.name} {row['nme51']:.1f}%", row["nme51"])
    subsets = {
        "mask": [row for row in rows if row["mask"]],
        "glasses": [row for row in rows if row["glasses"]],
        "bare": [row for row in rows if not row["mask"] and not row["glasses"]],
    }
    result: dict[str, Any] = {"benchmark": "synthesis_ai", **summary(rows)}
    result["subsets"] = {name: summary(subset) for name, subset in subsets.items()}
    result["images"] = rows
    return result


def _score(render: Render, state: HeadState, model: FaceModel) -> dict[str, Any]:
    found = subject.scored(state, model, render.box)
    errors = metrics.point_errors(found.landmarks, render.points)
    rotation = found.rotation if found.failed else state.pose[:3, :3]
    true = render.rotation
    angles, true_angles = (np.degrees(yaw_pitch_roll_from_rotation(r)) for r in (rotation, true))
    row: dict[str, Any] = {
        "name": render.name,
        "mask": render.mask,
        "glasses": render.glasses,
        "failed": found.failed,
        "true_yaw_pitch_roll": true_angles.tolist(),
        "yaw_pitch_roll": angles.tolist(),
        "pose_error": metrics.angle_difference(angles, true_angles).tolist(),
        "geodesic": metrics.geodesic(rotation, true),
        "nme68": float(errors.mean()),
        "nme51": float(errors[metrics.INNER].mean()),
        "orientation_error": None,
        "position_error_mm": None,
        "depth_error_percent": None,
    }
    if not found.failed:
        inner, true_inner = state.landmarks_3d[metrics.INNER], render.points_3d[metrics.INNER]
        offset = inner.mean(axis=0) - true_inner.mean(axis=0)
        row["orientation_error"] = metrics.geodesic(rotation_between(inner, true_inner), np.eye(3))
        row["position_error_mm"] = 1e3 * float(np.linalg.norm(offset))
        row["depth_error_percent"] = 100.0 * float(offset[2] / true_inner[:, 2].mean())
    return row


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The benchmark's figures over per-image rows; depth error as its mean (bias) and mean absolute value."""

    def over(name: str) -> list[float]:
        return [row[name] for row in rows if row[name] is not None]

    errors = [row["pose_error"] for row in rows]
    return {
        "n": len(rows),
        "failed": sum(row["failed"] for row in rows),
        "nme68": metrics.mean_or_none(over("nme68")),
        "nme51": metrics.mean_or_none(over("nme51")),
        "yaw_mae": metrics.mean_or_none([e[0] for e in errors]),
        "pitch_mae": metrics.mean_or_none([e[1] for e in errors]),
        "roll_mae": metrics.mean_or_none([e[2] for e in errors]),
        "pose_mae": metrics.mean_or_none([float(np.mean(e)) for e in errors]),
        "pose_geodesic": metrics.mean_or_none(over("geodesic")),
        "orientation_error": metrics.mean_or_none(over("orientation_error")),
        "position_error_mm": metrics.mean_or_none(over("position_error_mm")),
        "depth_bias_percent": metrics.mean_or_none(over("depth_error_percent")),
        "depth_error_percent": metrics.mean_or_none([abs(v) for v in over("depth_error_percent")]),
    }
