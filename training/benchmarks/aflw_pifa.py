"""AFLW-PIFA (Jourabloo & Liu 2015): AFLW's photographs with further points and visibilities (paper Table 4).

Layout, as its authors distribute it: ``TestImages/<n>.jpg``, n from 1; ``BoundingBox.mat`` with ``bboxesT`` (N, 4): x,
y, width, height; ``Landmark.mat`` with ``phisT`` (N, 102): x of 34 points, y of them, 1 where a point can be seen. The
training images beside them are not used.

Protocol: every face is fitted in its labelled box. NME: mean distance of the points that can be seen, in % of
``sqrt(w h)`` of the box, over AFLW's own 21 of the 34 points: where the others lie on a face was never defined, and the
paper measures the same 21. They are taken to come first, in AFLW's order; that they do is checked. The mark-up is in
``training.benchmarks.markup21``. A failed fit counts as the frontal mean face in the box.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import markup21, metrics, subject
from training.benchmarks.markup21 import Face
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import HeadTracker
from training.mat_files import read_mat

_POINTS = 34
_OWN = 21
#: Box sizes by which points may be off those of the frontal mean face in the box, median over all faces: heads turned
#: up to profile are off by 0.15, points in another order by 0.5.
_MISPLACED = 0.3


def read_faces(folder: Path, model: FaceModel) -> list[Face]:
    """The labelled test faces, in the order of their numbers.

    Raises:
        FileNotFoundError: the folder or one of its label files does not exist.
        ValueError: a label file is of another format, or the points are not AFLW's in AFLW's order.
    """
    subject.existing(folder, "aflw_pifa", "TestImages")
    boxes = _array(folder / "BoundingBox.mat", "bboxesT", 4)
    labels = _array(folder / "Landmark.mat", "phisT", 3 * _POINTS)
    if len(boxes) != len(labels):
        raise ValueError(f"aflw_pifa: '{folder}' has {len(boxes)} boxes and {len(labels)} faces with points")
    u, v, visible = (labels[:, i * _POINTS : i * _POINTS + _OWN] for i in range(3))
    points = np.where(visible[..., np.newaxis] == 1.0, np.stack([u, v], axis=2), np.nan)
    faces = []
    for index, (x, y, w, h) in enumerate(boxes.tolist()):
        name, box = str(index + 1), (x, y, x + w, y + h)
        image = folder / "TestImages" / f"{name}.jpg"
        faces.append(Face(name, image, box, metrics.box_size(box), points[index], None))
    misplaced = _misplacement(faces, model)
    if not misplaced < _MISPLACED:
        raise ValueError(
            f"aflw_pifa: the first {_OWN} points of '{folder / 'Landmark.mat'}' are not AFLW's in AFLW's order: "
            f"they lie {misplaced:.2f} box sizes beside a face's (median)"
        )
    return faces


def _array(path: Path, name: str, columns: int) -> Array:
    if not path.is_file():
        raise FileNotFoundError(f"aflw_pifa: '{path}' does not exist; give the folder that holds it")
    data = read_mat(path, [name])
    found = data[name].shape if name in data else "nothing"
    if name not in data or data[name].ndim != 2 or data[name].shape[1] != columns or not len(data[name]):
        raise ValueError(f"aflw_pifa: '{path}' has {found} for {name}, expected (N, {columns})")
    return data[name].astype(np.float64)


def _misplacement(faces: list[Face], model: FaceModel) -> float:
    """How far the labelled points are from those of the frontal mean face in the labelled boxes; NaN without any."""
    distances = [
        np.linalg.norm(face.points - markup21.from_68(subject.stand_in(model, face.box).landmarks), axis=1) / face.size
        for face in faces
    ]
    known = np.concatenate(distances)
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else float("nan")


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol; there is no labelled yaw."""
    rows = markup21.rows_of(tracker, read_faces(folder, model)[:limit], model, sheet)
    return {
        "benchmark": "aflw_pifa",
        "n": len(rows),
        "failed": sum(row["failed"] for row in rows),
        "nme21": metrics.mean_or_none([np.nan if row["nme21"] is None else row["nme21"] for row in rows]),
        "images": rows,
    }
