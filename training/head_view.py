"""The head of a training sample as the camera of its crop has it: what :mod:`training.pose_error` needs to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from dense_face_ros.crop import Crop
from dense_face_ros.template import Template

SURFACE_SIDE = 64  # samples a side of the map of the surface over the template

FloatArray = npt.NDArray[np.floating]


@dataclass(frozen=True)
class HeadView:
    """V vertices of a face in front of a pinhole camera whose image is the crop.

    Attributes:
        points: (V, 3) camera frame, metres.
        rotation: (3, 3) camera <- head.
        focal: crop pixels.
        centre: (2,) principal point, crop pixels; far beside the crop where that was cut from the side of an image.
    """

    points: FloatArray
    rotation: FloatArray
    focal: float
    centre: FloatArray

    @property
    def pixels(self) -> FloatArray:
        """Crop pixels (V, 2)."""
        return np.asarray(self.points[:, :2] * (self.focal / self.points[:, 2:]) + self.centre)

    @classmethod
    def through(
        cls, crop: Crop, points: FloatArray, rotation: FloatArray, focal: float, centre: FloatArray
    ) -> HeadView:
        """The head that a camera of ``focal`` and ``centre`` (image pixels) has, as a crop of its image shows it: the
        crop's turn is one of the camera about its axis, its scale one of the focal length."""
        scale = crop.size / crop.side
        turn = np.eye(3)
        turn[:2, :2] = np.linalg.inv(crop.to_image_matrix[:, :2]) / scale
        return cls(points @ turn.T, turn @ rotation, scale * focal, crop.from_image(np.asarray(centre)))


class SurfaceMaps:
    """Lays the heads of samples out over the template, in g x g equal squares, g = :data:`SURFACE_SIDE`."""

    def __init__(self, template: Template) -> None:
        # Of each square four points: its middle lies between pixels, where rounding would always take the same one.
        step = template.size / SURFACE_SIDE
        middles = (np.arange(SURFACE_SIDE) + 0.5) * step - 0.5
        across, down = (axis.ravel() for axis in np.meshgrid(middles, middles))
        quarters = [
            template.surface_points(np.column_stack([across + u, down + v]))[0]
            for u in (-0.25 * step, 0.25 * step)
            for v in (-0.25 * step, 0.25 * step)
        ]
        corners = np.concatenate([template.model.triangles[points.triangle] for points in quarters], axis=1)
        weights = np.concatenate([points.weights for points in quarters], axis=1) / len(quarters)
        rows = corners.shape[1] * np.arange(len(corners) + 1)
        shape = (len(corners), len(template.model.mean))
        self._means = csr_array((weights.ravel(), corners.ravel(), rows), shape=shape)

    def laid_out(self, values: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Per-vertex ``values`` (V, ...) over the template (g * g, ...), row by row; beside the face the nearest."""
        flat = self._means @ np.asarray(values, dtype=np.float32).reshape(len(values), -1)
        return np.asarray(flat, dtype=np.float32).reshape(-1, *values.shape[1:])

    def arrays(self, view: HeadView) -> dict[str, npt.NDArray[np.float32]]:
        """``surface`` (3, g, g) camera-frame metres; ``rotation`` (3, 3); ``camera`` (3,) focal length and centre."""
        surface = self.laid_out(view.points).T.reshape(3, SURFACE_SIDE, SURFACE_SIDE)
        return {
            "surface": np.ascontiguousarray(surface, dtype=np.float32),
            "rotation": np.asarray(view.rotation, dtype=np.float32),
            "camera": np.array([view.focal, *view.centre], dtype=np.float32),
        }
