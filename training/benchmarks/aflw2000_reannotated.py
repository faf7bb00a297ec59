"""AFLW2000-3D with the corrected landmarks of Bulat & Tzimiropoulos (2017), as 3DDFA distributes them.

Layout: the folder of AFLW2000-3D (see :mod:`training.benchmarks.aflw2000`), all of its 2,000 images, and in it
``AFLW2000-3D-Reannotated.pts68.npy``: (2000, 2 or 3, 68) pixels, in the order of the images' names.

Protocol: as AFLW2000-3D's with the corrected points: true box and NME from them, yaw bins from the original labels.
That rows belong to images is checked: corrected points lie where the original ones do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.benchmarks import metrics, subject
from training.benchmarks.aflw2000 import Sample, read_samples
from training.benchmarks.ddfa_arrays import read_point_array
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import HeadTracker

POINTS = "AFLW2000-3D-Reannotated.pts68.npy"
_BELONGS = 0.5  # median overlap of the boxes of corrected and original points that rows in order must reach


def read_points(folder: Path, samples: list[Sample]) -> Array:
    """The corrected points (N, 68, 2) of the samples.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: it is of another shape, or its rows are not those of the samples.
    """
    path = folder / POINTS
    corrected = read_point_array(path, len(samples), 68, "aflw2000_reannotated")
    overlaps = [
        metrics.box_overlap(metrics.box_of(own), sample.box) for own, sample in zip(corrected, samples, strict=True)
    ]
    if np.median(overlaps) < _BELONGS:
        raise ValueError(f"aflw2000_reannotated: the rows of '{path}' are not those of the folder's images in order")
    return corrected


def evaluate(
    tracker: HeadTracker, folder: Path, model: FaceModel, limit: int | None = None, sheet: Sheet | None = None
) -> dict[str, Any]:
    """Run the protocol with true boxes."""
    samples = read_samples(folder)
    rows = []
    for sample, true in list(zip(samples, read_points(folder, samples), strict=True))[:limit]:
        image = subject.read_image(sample.image)
        box = subject.box_around(true)
        state = tracker.fit(image, box=box)
        found = subject.scored(state, model, box)
        errors = metrics.point_errors(found.landmarks, true)
        rows.append(
            {
                "name": sample.name,
                "failed": found.failed,
                "true_yaw": float(np.degrees(sample.angles[1])),
                "nme68": float(errors.mean()),
                "nme51": float(errors[metrics.INNER].mean()),
            }
        )
        if sheet is not None:
            sheet.add(image, state, true, f"{sample.name} {errors.mean():.1f}%", float(errors.mean()))
    return {"benchmark": "aflw2000_reannotated", **summary(rows), "images": rows}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures over rows."""
    yaws = [row["true_yaw"] for row in rows]
    return {"n": len(rows), **metrics.over_yaw(rows, yaws, ("nme68", "nme51"))}
