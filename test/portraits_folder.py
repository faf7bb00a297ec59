"""A folder of portraits as the London set is, of one rendered person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from dense_face_ros.face_model import FaceModel
from training.benchmarks.stills import Still, View, stills
from training.photographs.portrait_fit import AT_LANDMARKS, JAW, LEFT_EAR, RIGHT_EAR

_POINTS = 189
_JAW_HEIGHTS = (0.35, 0.6)  # between the corners of the mouth and the chin


def rendered_portrait(model: FaceModel) -> Still:
    """A person who looks at the camera from 1.6 m."""
    (still,) = stills(model, 11, [View(np.zeros(3), np.array([0.0, -0.03, 1.6]))], lens=3.0)
    return still


def points_of(still: Still, model: FaceModel) -> np.ndarray:
    """(189, 2): those at landmarks where these are, those of jaw and ears on their edges; the others are (0, 0)."""
    points = np.zeros((_POINTS, 2))
    for landmark, own in AT_LANDMARKS.items():
        points[list(own)] = still.landmarks[landmark]
    vertices = model.shape(np.concatenate([still.identity, np.zeros(model.expression_size)]))
    pixels = still.camera.project(vertices @ still.pose[:3, :3].T + still.pose[:3, 3])
    skin, right, left = (
        pixels[model.regions == model.region_names.index(name)] for name in ("skin", "ear_right", "ear_left")
    )
    mouth, chin = still.landmarks[48, 1], still.landmarks[8, 1]
    for (upper, lower), side in ((JAW[:2], -1), ((JAW[3], JAW[2]), 1)):
        for point, share in zip((upper, lower), _JAW_HEIGHTS, strict=True):
            points[point] = _outermost(skin, side, mouth + share * (chin - mouth))
    for own, ear, side in ((RIGHT_EAR, right, -1), (LEFT_EAR, left, 1)):
        low, high = ear[:, 1].min(), ear[:, 1].max()
        points[own[0]], points[own[-1]] = ear[ear[:, 1].argmin()], ear[ear[:, 1].argmax()]
        for point, share in zip(own[1:-1], (0.25, 0.5, 0.75), strict=True):
            points[point] = _outermost(ear, side, low + share * (high - low))
    return points


def _outermost(pixels: np.ndarray, side: int, height: float) -> np.ndarray:
    """Of the pixels at about this height the one furthest to the left (-1) or right (1)."""
    near = pixels[np.abs(pixels[:, 1] - height) < 0.04 * np.ptp(pixels[:, 1])]
    return near[(side * near[:, 0]).argmax()]


def write_portraits(data: Path, still: Still, model: FaceModel, count: int) -> None:
    """``data/london_portraits`` with the same portrait ``count`` times."""
    folder = data / "london_portraits"
    folder.mkdir()
    names = [f"{i:02d}.png" for i in range(count)]
    for name in names:
        cv2.imwrite(str(folder / name), still.image)
    points = np.repeat(points_of(still, model)[None], count, axis=0)
    np.savez(folder / "points189.npz", name=np.array(names), points189=points)
