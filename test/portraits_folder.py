"""A folder of portraits as the London set is, of one rendered person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dense_face_ros.face_model import FaceModel
from training.benchmarks.stills import Still, View, stills
from training.photographs.portraits import AT_LANDMARKS

_POINTS = 189


def rendered_portrait(model: FaceModel) -> Still:
    """A person who looks at the camera from 1.6 m."""
    (still,) = stills(model, 11, [View(np.zeros(3), np.array([0.0, -0.03, 1.6]))], lens=3.0)
    return still


def points_of(still: Still) -> np.ndarray:
    """(189, 2), those at landmarks where these are."""
    points = np.zeros((_POINTS, 2))
    for landmark, point in AT_LANDMARKS.items():
        points[point] = still.landmarks[landmark]
    return points


def write_portraits(data: Path, still: Still, count: int) -> None:
    """``data/london_portraits`` with the same portrait ``count`` times."""
    folder = data / "london_portraits"
    folder.mkdir()
    names = [f"{i:02d}.png" for i in range(count)]
    for name in names:
        cv2.imwrite(str(folder / name), still.image)
    points = np.repeat(points_of(still)[None], count, axis=0)
    np.savez(folder / "points189.npz", name=np.array(names), points189=points)
