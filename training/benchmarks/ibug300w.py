"""300-W (Sagonas et al. 2013): 68 points placed by hand on frontal to half-turned faces.

Layout: the folders of the distribution below one another, those that are there: ``helen/testset``, ``lfpw/testset``
(together the common subset), ``ibug`` (the challenging one), ``01_Indoor`` and ``02_Outdoor`` (the 2014 test set).
``<name>.pts`` (``version: 1``, ``n_points: 68``, a pair of numbers a line between braces; the first pixel is 1) stands
beside ``<name>.jpg`` or ``.png``.

Protocol: every face is fitted in the box of its true points. Error: mean point distance in % of the distance of the
outer eye corners, over 68 and the inner 51 points; failure: more than 8 %; AUC: of the error curve up to 8 %, in %.
The jaw points lie on the visible contour, not on the 3-D jaw line, so the inner 51 are the fairer figure. A failed fit
counts as the frontal mean face in the box.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import metrics, subject
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import Box, HeadTracker

#: Subset -> the folders whose faces it holds.
SUBSETS = {
    "common": ("helen/testset", "lfpw/testset"),
    "challenging": ("ibug",),
    "indoor": ("01_Indoor",),
    "outdoor": ("02_Outdoor",),
}
FAILURE = 8.0  # % of the distance of the outer eye corners
_OUTER_CORNERS = (36, 45)
_ENDINGS = (".jpg", ".png")


@dataclass(frozen=True)
class Face:
    """One labelled face: ``points`` (68, 2), pixel centres at whole numbers, the first at 0."""

    subset: str
    image: Path
    points: Array

    @property
    def box(self) -> Box:
        """The bounding box of the points."""
        return subject.box_around(self.points)


def read_points(path: Path) -> Array:
    """The points (68, 2) of a ``.pts`` file; ValueError naming the file and what is wrong."""
    try:
        head, _, rest = path.read_text(encoding="ascii").partition("{")
        body, closed, _ = rest.partition("}")
        points = np.array([[float(number) for number in line.split()] for line in body.split("\n") if line.strip()])
    except ValueError as error:
        raise ValueError(f"ibug300w: '{path}' is no .pts file: {error}") from error
    if "n_points" not in head or not closed or points.shape != (68, 2) or not np.isfinite(points).all():
        raise ValueError(f"ibug300w: '{path}' is no .pts file of 68 points (found shape {points.shape})")
    return points - 1.0


def read_faces(folder: Path) -> list[Face]:
    """The labelled faces of every subset that is there, in name order.

    Raises:
        FileNotFoundError: the folder or an image does not exist.
        ValueError: none of the subsets is in it, or a label is of another format.
    """
    subject.existing(folder, "ibug300w", "the subsets")
    faces = []
    for subset, places in SUBSETS.items():
        for label in sorted(path for place in places for path in (folder / place).glob("*.pts")):
            images = [label.with_suffix(ending) for ending in _ENDINGS if label.with_suffix(ending).is_file()]
            if not images:
                raise FileNotFoundError(f"ibug300w: '{label}' has no image beside it; copy the data set again")
            faces.append(Face(subset, images[0], read_points(label)))
    if not faces:
        wanted = ", ".join(place for places in SUBSETS.values() for place in places)
        raise ValueError(f"ibug300w: folder '{folder}' holds no labels (*.pts) in any of {wanted}")
    return faces


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol; ``full`` is common and challenging together, as papers report it."""
    rows = []
    for face in read_faces(folder)[:limit]:
        image = subject.read_image(face.image)
        state = tracker.fit(image, box=face.box)
        row = _score(face, subject.scored(state, model, face.box))
        rows.append(row)
        if sheet is not None:
            caption = f"{face.image.stem} {row['interocular51']:.1f}%"
            sheet.add(image, state, face.points, caption, row["interocular51"])
    groups = {name: [row for row in rows if row["subset"] == name] for name in SUBSETS}
    groups["full"] = groups["common"] + groups["challenging"]
    return {
        "benchmark": "ibug300w",
        **summary(rows),
        "subsets": {name: summary(group) for name, group in groups.items() if group},
        "images": rows,
    }


def _score(face: Face, found: subject.Prediction) -> dict[str, Any]:
    distances = np.linalg.norm(found.landmarks - face.points, axis=1)
    left, right = (face.points[i] for i in _OUTER_CORNERS)
    share = 100.0 * distances / float(np.linalg.norm(left - right))
    errors = metrics.point_errors(found.landmarks, face.points)
    return {
        "name": face.image.stem,
        "subset": face.subset,
        "failed": found.failed,
        "interocular68": float(share.mean()),
        "interocular51": float(share[metrics.INNER].mean()),
        "nme68": float(errors.mean()),
        "nme51": float(errors[metrics.INNER].mean()),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over rows: means, failure rate and AUC of the error over 68 points."""
    errors = np.array([row["interocular68"] for row in rows])
    means = {name: metrics.mean_or_none([row[name] for row in rows])
             for name in ("interocular68", "interocular51", "nme68", "nme51")}  # fmt: skip
    return {
        "n": len(rows),
        "failed": sum(row["failed"] for row in rows),
        **means,
        "failure_rate_percent": 100.0 * float((errors > FAILURE).mean()),
        # The area under a step curve up to x is the mean of what each error leaves of x.
        "auc_percent": 100.0 * float(np.clip(1.0 - errors / FAILURE, 0.0, 1.0).mean()),
    }
