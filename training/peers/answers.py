"""What another system says about a set of images: one interface for programs that run here and for recorded tables.

A program prints a line of JSON per image, ``{"name", "milliseconds", "points"}``; ``points`` is None where it found no
face, else 68 landmarks ``[u, v]`` or the 468 (or 478) points ``[u, v, z]`` of the face-mesh convention, in pixels.

A table (CSV) has a row per image: ``name`` (of the file, without its ending), ``milliseconds`` (may be empty),
``u0, v0, ..., u67, v67`` (empty: no face found) and, optionally, ``pitch, yaw, roll``: degrees in AFLW2000-3D's own
convention. Pixel centres are whole numbers from 0.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks.conventions import aflw2000_rotation, rotation_between
from training.benchmarks.metrics import INNER, box_of, box_size
from training.benchmarks.zero_pose import zero_pitch
from training.photographs.mesh478 import AT_LANDMARKS, POINTS, load_surface

_FOCAL = 8.0  # of the camera assumed for a photograph, in sizes of the face, as the tracker assumes it


@dataclass(frozen=True)
class Answer:
    """One image: ``landmarks`` (68, 2) pixels and ``rotation`` (3, 3) camera <- head along the line of sight.

    Both are None where no face was found. ``milliseconds`` is NaN where it is not known.
    """

    name: str
    milliseconds: float
    landmarks: Array | None
    rotation: Array | None


def from_points(name: str, milliseconds: float, points: Array | None, model: FaceModel) -> Answer:
    """The answer of a program; ValueError for points of another number."""
    if points is None:
        return Answer(name, milliseconds, None, None)
    if points.shape == (68, 2):
        return Answer(name, milliseconds, points, rotation_of_landmarks(points, model))
    if points.ndim == 2 and len(points) in (POINTS, POINTS + 10) and points.shape[1] == 3:
        surface, _ = load_surface()
        head = np.asarray(model.at(surface, model.mean), dtype=np.float64)
        # Its z runs away from the viewer, in the same pixels: the mesh stands in optical axes already.
        return Answer(name, milliseconds, points[AT_LANDMARKS, :2], rotation_between(head, points[:POINTS]))
    raise ValueError(f"'{name}' has points of shape {points.shape}; known are (68, 2), ({POINTS}, 3), (478, 3)")


def rotation_of_landmarks(points: Array, model: FaceModel) -> Array:
    """Rotation (3, 3) along the line of sight of the mean face whose inner landmarks fit points (68, 2) best."""
    face = np.asarray(model.at(model.landmarks, model.mean), dtype=np.float64)[INNER]
    size = box_size(box_of(points))
    # The camera looks straight at the face: its rotation is that along the line of sight.
    flat = points[INNER] - points[INNER].mean(axis=0)
    camera = np.diag([_FOCAL * size, _FOCAL * size, 1.0])
    solved, vector, _ = cv2.solvePnP(face - face.mean(axis=0), flat, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    if not solved:
        raise ValueError("no pose fits the landmarks")
    return np.asarray(cv2.Rodrigues(vector)[0], dtype=np.float64)


def parse_line(line: str, model: FaceModel) -> Answer:
    """One line that a program printed; ValueError when it is another."""
    try:
        entry = json.loads(line)
        points = None if entry["points"] is None else np.array(entry["points"], dtype=np.float64)
        return from_points(str(entry["name"]), float(entry["milliseconds"]), points, model)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not the answer of a peer program ({error}): {line[:80]}") from error


def read_table(path: Path, model: FaceModel) -> list[Answer]:
    """The rows of a CSV table.

    Raises:
        OSError: it cannot be read.
        ValueError: naming the table, the row and what is wrong.
    """
    columns = [f"{axis}{i}" for i in range(68) for axis in "uv"]
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            names, rows = reader.fieldnames or [], list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"'{path}' is no CSV table: {error}") from error
    missing = [name for name in ("name", *columns) if name not in names]
    if missing:
        raise ValueError(f"'{path}' lacks the column {missing[0]}; see training/peers/answers.py")
    out = []
    for number, row in enumerate(rows, start=2):
        try:
            out.append(_from_row(row, columns, model))
        except (TypeError, ValueError) as error:
            raise ValueError(f"'{path}', line {number}: {error}") from error
    return out


def _from_row(row: dict[str, str], columns: list[str], model: FaceModel) -> Answer:
    milliseconds = float(row.get("milliseconds") or "nan")
    if not row[columns[0]]:
        return Answer(row["name"], milliseconds, None, None)
    points = np.array([float(row[name]) for name in columns]).reshape(68, 2)
    answer = from_points(row["name"], milliseconds, points, model)
    if row.get("yaw"):
        angles = np.radians([float(row[name]) for name in ("pitch", "yaw", "roll")])
        return Answer(answer.name, milliseconds, points, aflw2000_rotation(angles, zero_pitch(model)))
    return answer
