"""AFLW (Köstinger et al. 2011): photographs up to profile, those of 21 points that can be seen (paper Table 3).

Two layouts are read, by what the folder holds:

- 3DDFA's release, with which the table's other row was measured (21,080 faces): ``test.data/AFLW_GT_crop.list``, the
  names of the crops in ``test.data/AFLW_GT_crop/``; in ``test.configs/`` a row per name in ``AFLW_GT_crop_yaws.npy``
  (N,), degrees, ``AFLW_GT_crop_roi_box.npy`` (N, 4), the region (x0, y0, x1, y1) of the photograph that became the
  crop, ``AFLW_GT_pts21.npy`` (N, 2, 21), -1 where a point is hidden, and ``AFLW_GT_pts68.npy`` (N, 2, 68), fitted
  points that only serve for the box; both in pixels of the photograph.
- AFLW's own: ``aflw.sqlite`` (in the folder or its ``data/``) with the photographs below ``flickr/`` beside it; faces
  that have points, a rectangle and a pose.

Protocol: every face is fitted in its box. NME: mean distance of the points that can be seen, in % of ``sqrt(w h)`` of
the box; the mean of each bin of |yaw|, as for AFLW2000-3D. The box is that of the 68 points in 3DDFA's release and the
labelled rectangle in AFLW's own, which is the larger: figures of the two layouts cannot be compared. The mark-up and
what stands for it is in ``training.benchmarks.markup21``. A failed fit counts as the frontal mean face in the box.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import markup21, metrics, subject
from training.benchmarks.ddfa_arrays import read_array, read_point_array
from training.benchmarks.markup21 import POINTS, Face
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import HeadTracker

_LIST = Path("test.data", "AFLW_GT_crop.list")
_DATABASES = (Path("aflw.sqlite"), Path("data", "aflw.sqlite"))
_HIDDEN = -1.0
_FACES = """
    SELECT Faces.face_id, FaceImages.filepath, FaceRect.x, FaceRect.y, FaceRect.w, FaceRect.h, FacePose.yaw
    FROM Faces
    JOIN FaceImages ON FaceImages.file_id = Faces.file_id AND FaceImages.db_id = Faces.db_id
    JOIN FaceRect ON FaceRect.face_id = Faces.face_id
    JOIN FacePose ON FacePose.face_id = Faces.face_id
    WHERE FaceRect.w > 0 AND FaceRect.h > 0 AND FacePose.yaw IS NOT NULL
    GROUP BY Faces.face_id ORDER BY Faces.face_id
"""
_POINTS = """
    SELECT FeatureCoords.face_id, FeatureCoordTypes.descr, FeatureCoords.x, FeatureCoords.y
    FROM FeatureCoords JOIN FeatureCoordTypes ON FeatureCoordTypes.feature_id = FeatureCoords.feature_id
"""


def read_faces(folder: Path, limit: int | None = None) -> tuple[str, list[Face]]:
    """The layout, ``3ddfa`` or ``original``, and the first ``limit`` labelled faces in file order.

    Raises:
        FileNotFoundError: the folder or a label file does not exist.
        ValueError: neither layout is in it, a label file is of another format, or a crop cannot be decoded.
    """
    subject.existing(folder, "aflw")
    if (folder / _LIST).is_file():
        return "3ddfa", read_3ddfa(folder, limit)
    for database in _DATABASES:
        if (folder / database).is_file():
            return "original", read_database(folder / database)[:limit]
    raise ValueError(f"aflw: folder '{folder}' holds neither {_LIST} (3DDFA's release) nor aflw.sqlite (AFLW's own)")


def read_3ddfa(folder: Path, limit: int | None = None) -> list[Face]:
    """The faces of 3DDFA's release, labels brought into the pixels of the crops; raises as :func:`read_faces`."""
    names = (folder / _LIST).read_text(encoding="utf-8").splitlines()
    if not names:
        raise ValueError(f"aflw: '{folder / _LIST}' names no image")
    labels = folder / "test.configs"
    yaws, regions = (read_array(labels / f"AFLW_GT_crop_{name}.npy", "aflw") for name in ("yaws", "roi_box"))
    if yaws.shape != (len(names),) or regions.shape != (len(names), 4):
        raise ValueError(
            f"aflw: '{labels}' has yaws of shape {yaws.shape} and regions of {regions.shape}; expected a row for each "
            f"of the {len(names)} names in '{folder / _LIST}'"
        )
    points = read_point_array(labels / "AFLW_GT_pts21.npy", len(names), 21, "aflw")
    points[(points == _HIDDEN).any(axis=2)] = np.nan
    fitted = read_point_array(labels / "AFLW_GT_pts68.npy", len(names), 68, "aflw")
    faces = []
    for index, name in enumerate(names[:limit]):
        image = folder / _LIST.with_suffix("") / name
        height, width = subject.read_image(image).shape[:2]
        seen, all68 = (_into_crop(p[index], regions[index], width, height) for p in (points, fitted))
        box = subject.box_around(all68)
        faces.append(Face(Path(name).stem, image, box, metrics.box_size(box), seen, float(yaws[index])))
    return faces


def _into_crop(points: Array, region: Array, width: int, height: int) -> Array:
    """Pixels of a photograph -> pixels of the crop of this size that its region (x0, y0, x1, y1) became."""
    # The region's pixels from x0 on are resampled: outer edges of pixels fall on each other, not their centres.
    scale = np.array([width, height]) / (region[2:] - region[:2])
    return np.asarray((points - region[:2] + 0.5) * scale - 0.5)


def read_database(database: Path) -> list[Face]:
    """The faces of AFLW's own database that have points, a rectangle and a pose; raises as :func:`read_faces`."""
    order = {name: index for index, name in enumerate(POINTS)}
    points: dict[int, Array] = {}
    try:
        connection = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
        try:
            for face, name, x, y in connection.execute(_POINTS):
                if name in order:
                    points.setdefault(face, np.full((len(POINTS), 2), np.nan))[order[name]] = (float(x), float(y))
            found = connection.execute(_FACES).fetchall()
        finally:
            connection.close()
    except (sqlite3.DatabaseError, TypeError) as error:
        raise ValueError(f"aflw: '{database}' is not AFLW's database: {error}") from error
    faces = []
    for face, file, x, y, w, h, yaw in found:
        if face in points:
            box = (float(x), float(y), float(x + w), float(y + h))
            image, size = database.parent / "flickr" / file, metrics.box_size(box)
            faces.append(Face(str(face), image, box, size, points[face], float(np.degrees(yaw))))
    if not faces:
        raise ValueError(f"aflw: '{database}' has no face with points, rectangle and pose")
    return faces


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol."""
    layout, faces = read_faces(folder, limit)
    rows = markup21.rows_of(tracker, faces, model, sheet)
    yaws = [row["true_yaw"] for row in rows]
    figures = metrics.over_yaw(rows, yaws, ("nme21",))
    return {"benchmark": "aflw", "layout": layout, "n": len(rows), **figures, "images": rows}
