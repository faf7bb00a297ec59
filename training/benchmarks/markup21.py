"""AFLW's 21-point mark-up on our 68 landmarks, and the error over those of a face's 21 points that can be seen.

Left and right in AFLW's names are the image's, of a face that looks into it: ``LeftEye...`` is the person's right eye.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import subject
from training.benchmarks.metrics import mean_or_none
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import Box, HeadTracker

#: AFLW's name of each point, in the order of its feature ids 1 to 21 -> our landmarks whose mean stands for it. This is
#: the table with which 3DDFA's release measures itself on AFLW (its benchmark_aflw.py, counted from 0 here). The ears
#: are not among 68 landmarks: the jaw line beside them stands in, for every system measured this way.
POINTS: dict[str, tuple[int, ...]] = {
    "LeftBrowLeftCorner": (17,),
    "LeftBrowCenter": (19,),
    "LeftBrowRightCorner": (21,),
    "RightBrowLeftCorner": (22,),
    "RightBrowCenter": (24,),
    "RightBrowRightCorner": (26,),
    "LeftEyeLeftCorner": (36,),
    "LeftEyeCenter": (36, 37, 38, 39, 40, 41),
    "LeftEyeRightCorner": (39,),
    "RightEyeLeftCorner": (42,),
    "RightEyeCenter": (42, 43, 44, 45, 46, 47),
    "RightEyeRightCorner": (45,),
    "LeftEar": (2,),
    "NoseLeft": (31,),
    "NoseCenter": (30,),
    "NoseRight": (35,),
    "RightEar": (14,),
    "MouthLeftCorner": (48,),
    "MouthCenter": (60, 61, 62, 63, 64, 65, 66, 67),
    "MouthRightCorner": (54,),
    "ChinCenter": (8,),
}


@dataclass(frozen=True)
class Face:
    """One labelled face.

    Attributes:
        name: of the face, unique in its set.
        image: its picture.
        box: what the tracker is given.
        size: pixels, of which errors are shares.
        points: (21, 2) pixels, NaN where a point cannot be seen.
        yaw: degrees in the set's own sign; None where there is no label.
    """

    name: str
    image: Path
    box: Box
    size: float
    points: Array
    yaw: float | None


def from_68(landmarks: Array) -> Array:
    """The 21 points (21, 2) of 68 landmarks (68, 2)."""
    return np.stack([landmarks[list(indices)].mean(axis=0) for indices in POINTS.values()])


def rows_of(tracker: HeadTracker, faces: Sequence[Face], model: FaceModel, sheet: Sheet | None) -> list[dict[str, Any]]:
    """Fit every face in its box; ``nme21``: mean distance of the points that can be seen, in % of the size.

    A failed fit counts as the frontal mean face in the box (``subject.stand_in``).
    """
    rows = []
    for face in faces:
        image = subject.read_image(face.image)
        state = tracker.fit(image, box=face.box)
        found = subject.scored(state, model, face.box)
        distances = np.linalg.norm(from_68(found.landmarks) - face.points, axis=1)
        nme = mean_or_none((100.0 * distances / face.size).tolist())
        row = {"name": face.name, "failed": found.failed, "visible": int(np.isfinite(distances).sum()), "nme21": nme}
        rows.append(row if face.yaw is None else {**row, "true_yaw": face.yaw})
        if sheet is not None and nme is not None:
            seen = face.points[np.isfinite(distances)]
            sheet.add(image, state, seen, f"{face.name} {nme:.1f}%", nme)
    return rows
