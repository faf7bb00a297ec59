"""A head painted with its own template coordinates, and a network that reads them off: exact answers for tests.

Red and green hold the template pixel (times two), blue marks matchable face. Whatever the crop, the reading network
knows the true correspondences of what it sees, so errors come from what stands around the network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.template import Template
from training.rendering.rasteriser import interpolate, rasterise

_FACE = 255.0


def paint(template: Template, points: Array, camera: PinholeCamera) -> npt.NDArray[np.uint8]:
    """(H, W, 3) BGR image of the vertices (V, 3) in the camera frame, black around them."""
    size = max(camera.width, camera.height)
    seen = rasterise(camera.project(points), points[:, 2], template.model.triangles, size)
    values = np.column_stack([np.full(len(points), _FACE), 2.0 * template.coordinates[:, ::-1]])
    image = np.rint(interpolate(seen, template.model.triangles, values))
    return np.ascontiguousarray(image[: camera.height, : camera.width].astype(np.uint8))


class ReadingNetwork:
    """Implements ``CorrespondenceNetwork`` for painted heads."""

    name = "reading"

    def __init__(self) -> None:
        self.metadata: dict[str, str] = {}
        self.runs = 0

    def run(self, crop: npt.NDArray[np.uint8]) -> NetworkOutput:
        self.runs += 1
        cells = crop.reshape(CROP_SIZE // 2, 2, CROP_SIZE // 2, 2, 3).astype(np.float32)
        known = (cells[..., 2] >= _FACE - 1).all(axis=(1, 3))
        template = 0.5 * cells.mean(axis=(1, 3))[..., :2]
        v, u = np.mgrid[0 : CROP_SIZE // 2, 0 : CROP_SIZE // 2].astype(np.float32) * 2.0 + 0.5
        flow = np.stack([template[..., 0] - u, template[..., 1] - v])
        return NetworkOutput(flow, known.astype(np.float32), np.full(known.shape, -0.7, dtype=np.float32))

    def close(self) -> None:
        pass


def agreement(sample: dict[str, Any]) -> float:
    """Share of matchable cells whose painted coordinate is the labelled one, for the better of both mirror images.

    ``sample`` is one of ``training.data`` with stride 2.
    """
    cells = sample["image"].reshape(64, 2, 64, 2, 3).astype(np.float32)
    painted = (cells[..., 2] > 250).all(axis=(1, 3))
    shown = 0.5 * cells.mean(axis=(1, 3))[..., :2]
    label = sample["template"].astype(np.float32)
    use = painted & (sample["matchable"] == 1)
    assert use.sum() > 100
    gaps = []
    for u in (shown[..., 0], 127.0 - shown[..., 0]):
        gap = np.hypot(u - label[0], shown[..., 1] - label[1])[use]
        gaps.append(float((gap < 2.5).mean()))
    return max(gaps)


def head_at(model: FaceModel, pose: Array, coefficients: Array | None = None) -> Array:
    """Vertices (V, 3) in the camera frame of a head with pose (4, 4)."""
    return np.asarray(model.shape(coefficients) @ pose[:3, :3].T + pose[:3, 3], dtype=np.float64)
