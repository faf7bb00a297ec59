"""Exact training targets: for every cell of a crop the template pixel it shows and whether it can be matched.

Paper Section 3.3: a crop pixel has a correspondence when the surface point it shows is also drawn in the template,
there within 0.015 of the template's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_model import SurfacePoints
from dense_face_ros.template import Template
from training.rendering.rasteriser import BoolArray, Buffers, FloatArray, render_targets

UV_THRESHOLD = 0.015  # paper Section 3.3, of the template's size


@dataclass(frozen=True)
class Targets:
    """What the network is to predict on a grid of h x w cells.

    Attributes:
        template: (2, h, w) template pixel (u, v) that each cell shows, 0 where not matchable.
        matchable: (h, w) bool.
        stride: crop pixels per cell.
    """

    template: FloatArray
    matchable: BoolArray
    stride: int

    @property
    def flow(self) -> FloatArray:
        """(2, h, w) template pixel minus crop pixel at the cell centres, 0 where not matchable."""
        return np.where(self.matchable, self.template - cell_centres(self.matchable.shape, self.stride), 0.0).astype(
            np.float32
        )


def cell_centres(shape: tuple[int, ...], stride: int) -> FloatArray:
    """Crop pixels (2, h, w) at the centres of the cells of an (h, w) grid."""
    v, u = np.indices(shape, dtype=np.float32)
    return np.stack([u, v]) * stride + np.float32(0.5 * stride - 0.5)


class TargetRenderer:
    """Renders targets for one template. Not for use by two threads at once: it keeps its scratch memory.

    Attributes:
        drawn: (T,) bool, the triangles of the face model that the template shows.
    """

    def __init__(self, template: Template, size: int = CROP_SIZE, stride: int = 2) -> None:
        self.template, self.size, self.stride = template, size, stride
        self.drawn = drawn_triangles(template)

    @cached_property
    def _buffers(self) -> Buffers:
        return Buffers.allocate(self.size // self.stride)

    def render(self, pixels: npt.NDArray[np.floating], depth: npt.NDArray[np.floating]) -> Targets:
        """Targets of a face with vertices at crop pixels (V, 2) and camera z (V,) metres."""
        template, matchable = render_targets(
            pixels,
            depth,
            self.template.model.triangles,
            self.template.coordinates,
            self.size,
            self.stride,
            self.drawn,
            self._buffers,
        )
        return Targets(template, matchable, self.stride)


def drawn_triangles(template: Template) -> BoolArray:
    """Which triangles (T,) of the face model the template shows, within :data:`UV_THRESHOLD`.

    A surface point is drawn when the surface seen at its template pixel is the same: on the mean face no further
    away than the threshold, in template pixels of average scale. A fold hidden behind a lip is not. A triangle
    counts as drawn when at least half of its sampled points are.
    """
    model = template.model
    inner = np.array([[1, 1, 1], [4, 1, 1], [1, 4, 1], [1, 1, 4]]) / np.array([[3], [6], [6], [6]])
    triangle = np.repeat(np.arange(len(model.triangles), dtype=np.int32), len(inner))
    points = SurfacePoints(triangle, np.tile(inner, (len(model.triangles), 1)).astype(np.float32))
    shown, _ = template.surface_points(template.pixels(points))
    gap = np.linalg.norm(model.at(points, model.mean) - model.at(shown, model.mean), axis=1)
    near = gap <= UV_THRESHOLD * template.size * _metres_per_pixel(template)
    return np.asarray(near.reshape(-1, len(inner)).mean(axis=1) >= 0.5)


def _metres_per_pixel(template: Template) -> float:
    """Length on the mean face that one template pixel shows, in the median over the mesh edges."""
    triangles = template.model.triangles
    first, second = triangles.ravel(), np.roll(triangles, 1, axis=1).ravel()
    on_face = np.linalg.norm(template.model.mean[first] - template.model.mean[second], axis=1)
    in_template = np.linalg.norm(template.coordinates[first] - template.coordinates[second], axis=1)
    return float(np.median(on_face / np.maximum(in_template, 1e-6)))
