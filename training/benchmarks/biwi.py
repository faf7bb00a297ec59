"""BIWI Kinect Head Pose Database (Fanelli et al. 2013): head rotations from a depth camera, people seated before it.

Layout: the folders ``01`` to ``24``, each with ``frame_<n>_rgb.png``, ``frame_<n>_pose.txt`` (a rotation matrix of
three rows, then the head's position in millimetres) and ``rgb.cal``, which begins with the intrinsic matrix of three
rows.

Protocol: every frame by itself, found without a box, with the camera of ``rgb.cal``. MAE over pitch, yaw and roll as
HopeNet and its successors read them from the matrix, and the geodesic angle. The small turn between the depth camera,
in which labels are given, and the colour camera is not taken out, as nobody does; nor is the zero pose of the
database's own face: it shows in ``bias``. A face that is not found counts as one that faces the camera.

The label's head axes in zero pose are the camera's: x to the image's right, y down, z into the head. So
camera <- our head is ``R FACING_CAMERA``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import FACING_CAMERA, Array, PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from training.benchmarks import metrics, subject
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import HeadTracker

_LABEL, _IMAGE = "_pose.txt", "_rgb.png"


@dataclass(frozen=True)
class Frame:
    """One labelled frame: ``rotation`` (3, 3) camera <- our head."""

    name: str
    image: Path
    rotation: Array
    matrix: Array  # intrinsic (3, 3) of its colour camera


def rotation_from_label(label: Array) -> Array:
    """The label's matrix (3, 3) -> our camera <- head rotation."""
    return np.asarray(label @ FACING_CAMERA)


def angles_of(rotation: Array) -> Array:
    """Our camera <- head rotation -> (pitch, yaw, roll) in radians, as HopeNet reads them from the label's matrix.

    Pitch > 0 looks up, yaw > 0 turns the face to the image's left, roll > 0 tilts it clockwise on the screen.
    """
    r = (rotation @ FACING_CAMERA.T).T
    pitch = np.arctan2(r[2, 1], r[2, 2])
    yaw = -np.arctan2(-r[2, 0], np.hypot(r[2, 1], r[2, 2]))
    roll = -np.arctan2(r[1, 0], r[0, 0])
    return np.array([pitch, yaw, roll])


def read_frames(folder: Path, limit: int | None = None) -> list[Frame]:
    """The labelled frames in the order of people and frames.

    Raises:
        FileNotFoundError: the folder or a file beside a label does not exist.
        ValueError: there is no label, or one is of another format.
    """
    labels = sorted(subject.existing(folder, "biwi", "01 to 24").glob(f"[0-9][0-9]/*{_LABEL}"))[:limit]
    if not labels:
        raise ValueError(f"biwi: folder '{folder}' holds no NN/frame_*{_LABEL}; give the folder that holds 01 to 24")
    matrices: dict[Path, Array] = {}
    frames = []
    for label in labels:
        calibration = label.parent / "rgb.cal"
        if calibration not in matrices:
            matrices[calibration] = _numbers(calibration, 9)[:9].reshape(3, 3)
        rotation = _numbers(label, 12)[:9].reshape(3, 3)
        if np.abs(rotation @ rotation.T - np.eye(3)).max() > 0.01:
            raise ValueError(f"biwi: '{label}' does not begin with a rotation matrix")
        name = f"{label.parent.name}/{label.name.removesuffix(_LABEL)}"
        image = label.with_name(label.name.removesuffix(_LABEL) + _IMAGE)
        frames.append(Frame(name, image, rotation_from_label(rotation), matrices[calibration]))
    return frames


def _numbers(path: Path, least: int) -> Array:
    if not path.is_file():
        raise FileNotFoundError(f"biwi: '{path}' does not exist; copy the data set again")
    try:
        numbers = np.array([float(word) for word in path.read_text(encoding="ascii").split()])
    except ValueError as error:
        raise ValueError(f"biwi: '{path}' is of another format: {error}") from error
    if len(numbers) < least or not np.isfinite(numbers).all():
        raise ValueError(f"biwi: '{path}' is of another format: {len(numbers)} numbers, expected {least} or more")
    return numbers


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol. There are no true landmarks: the sheet marks the face that was found."""
    rows = []
    for frame in read_frames(folder, limit):
        image = subject.read_image(frame.image)
        m = frame.matrix
        lens = PinholeCamera(m[0, 0], m[1, 1], m[0, 2], m[1, 2], image.shape[1], image.shape[0])
        state = tracker.fit(image, camera=lens)
        row = _score(frame, state)
        rows.append(row)
        if sheet is not None and not row["failed"]:
            sheet.add(image, state, state.landmarks_2d, f"{frame.name} {row['geodesic']:.1f} deg", row["geodesic"])
    found = [row for row in rows if not row["failed"]]
    return {"benchmark": "biwi", **summary(rows), "over_found": summary(found), "images": rows}


def _score(frame: Frame, state: HeadState) -> dict[str, Any]:
    failed = state.status is not Status.TRACKING
    rotation = FACING_CAMERA if failed else state.pose[:3, :3]
    true, angles = np.degrees(angles_of(frame.rotation)), np.degrees(angles_of(rotation))
    return {
        "name": frame.name,
        "failed": failed,
        "true_pitch_yaw_roll": true.tolist(),
        "pitch_yaw_roll": angles.tolist(),
        "pose_error": metrics.angle_difference(angles, true).tolist(),
        "geodesic": metrics.geodesic(rotation, frame.rotation),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over rows; ``bias``: mean difference of pitch, yaw, roll, degrees."""
    result: dict[str, Any] = {"n": len(rows), "failed": sum(row["failed"] for row in rows)}
    for index, name in enumerate(("pitch", "yaw", "roll")):
        result[f"{name}_mae"] = metrics.mean_or_none([row["pose_error"][index] for row in rows])
    result["pose_mae"] = metrics.mean_or_none([float(np.mean(row["pose_error"])) for row in rows])
    result["pose_geodesic"] = metrics.mean_or_none([row["geodesic"] for row in rows])
    pairs = [(row["pitch_yaw_roll"], row["true_pitch_yaw_roll"]) for row in rows]
    result["bias"] = np.mean([np.subtract(a, b) for a, b in pairs], axis=0).tolist() if pairs else None
    return result
