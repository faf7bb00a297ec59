"""The template: the mean face drawn flat, and the way from a template pixel back to a point on the face surface.

``frontal`` is the paper's: the mean face in frontal perspective view. ``cylindrical`` is the same face unrolled about
a vertical axis, which gives the cheeks and ears, that carry large yaw, their share of the pixels.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_model import FaceModel, FloatArray, IntArray, SurfacePoints, hash_of

KINDS = ("cylindrical", "frontal")
_MARGIN = 4.0  # template pixels kept free around the drawn face
_FRONTAL_DISTANCE = 0.6  # metres from the viewer to the head's origin


class Template:
    """A template of ``size`` x ``size`` pixels over a face model.

    Attributes:
        coordinates: (V, 2) template pixel of each vertex.
        triangle: (size, size) index of the triangle drawn at each pixel, -1 where there is none.
    """

    def __init__(self, model: FaceModel, kind: str = "cylindrical", size: int = CROP_SIZE) -> None:
        if kind not in KINDS:
            raise ValueError(f"template kind is '{kind}'; known are {', '.join(KINDS)}")
        self.model, self.kind, self.size = model, kind, size
        flat, nearness = _flatten(model, kind)
        low, high = flat.min(axis=0), flat.max(axis=0)
        scale = (size - 1 - 2 * _MARGIN) / float((high - low).max())
        centre = 0.5 * (size - 1)
        self.coordinates: FloatArray = ((flat - 0.5 * (low + high)) * scale + centre).astype(np.float32)
        self.triangle: IntArray = _draw(self.coordinates, nearness, model.triangles, size)

    @cached_property
    def hash(self) -> str:
        """sha256 over what is drawn and how: a network only fits the template it was trained for.

        By how people and expressions differ from the mean face, nothing of it changes.
        """
        model = self.model
        return hash_of(model.mean, model.triangles, model.template_coordinates, kind=f"{self.kind} {self.size}")

    @cached_property
    def nearest_triangle(self) -> IntArray:
        """``triangle`` with the gaps filled by the nearest drawn pixel."""
        from scipy.ndimage import distance_transform_edt

        rows, columns = distance_transform_edt(self.triangle < 0, return_distances=False, return_indices=True)
        return np.asarray(self.triangle[rows, columns])

    @cached_property
    def _edges(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Per triangle its first corner (T, 2), the matrix (T, 2, 2) of its edges, which takes the weights of the other
        two corners to the offset from the first, and its inverse."""
        a, b, c = (self.coordinates[self.model.triangles[:, i]].astype(np.float64) for i in range(3))
        ab, ac = b - a, c - a
        det = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
        det = np.where(np.abs(det) < 1e-9, 1e-9, det)
        inverse = np.stack([np.stack([ac[:, 1], -ac[:, 0]], 1), np.stack([-ab[:, 1], ab[:, 0]], 1)], 1)
        edges = np.stack([ab, ac], axis=2)
        return a.astype(np.float32), edges.astype(np.float32), (inverse / det[:, None, None]).astype(np.float32)

    def surface_points(self, pixels: npt.NDArray[np.floating]) -> tuple[SurfacePoints, FloatArray]:
        """Template pixels (N, 2) -> surface points, and the distance (N,) in template pixels each was moved.

        A pixel beside the drawn face goes to the nearest triangle; its distance says how far outside it was.
        """
        pixels = np.asarray(pixels, dtype=np.float32)
        # NaN becomes an integer of any size, and stays NaN in the distance.
        cells = np.rint(pixels).astype(np.intp).clip(0, self.size - 1)
        triangle = self.nearest_triangle.reshape(-1).take(cells[:, 1] * self.size + cells[:, 0])
        corner, edges, inverse = self._edges
        u, v = (pixels - corner.take(triangle, axis=0)).T
        second, third = _times(inverse.take(triangle, axis=0), u, v)
        weights = np.array([1.0 - (second + third), second, third]).clip(0.0, 1.0)
        weights /= weights[0] + weights[1] + weights[2]
        across, down = _times(edges.take(triangle, axis=0), weights[1], weights[2])
        return SurfacePoints(triangle, np.ascontiguousarray(weights.T)), np.hypot(across - u, down - v)

    def pixels(self, points: SurfacePoints) -> FloatArray:
        """Surface points -> template pixels (N, 2); the inverse of :meth:`surface_points`."""
        return np.asarray(self.model.at(points, self.coordinates), dtype=np.float32)

    @cached_property
    def image(self) -> npt.NDArray[np.uint8]:
        """The mean face drawn in the template, (size, size, 3) RGB on grey: the network's constant second input."""
        normals = self.model.normals(self.model.mean)
        light = 0.35 + 0.65 * np.clip(normals @ np.array([0.87, 0.25, 0.42]), 0.0, None)
        colour = np.clip(self.model.albedo * light[:, None], 0.0, 1.0)
        rows, columns = np.nonzero(self.triangle >= 0)
        points, _ = self.surface_points(np.column_stack([columns, rows]))
        out = np.full((self.size, self.size, 3), 128, dtype=np.uint8)
        out[rows, columns] = np.rint(255.0 * self.model.at(points, colour)).astype(np.uint8)
        return out


def _times(matrices: FloatArray, u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Products of matrices (N, 2, 2) and vectors u, v (N,), row by row: numpy takes several times longer along twos."""
    (a, b), (c, d) = matrices.transpose(1, 2, 0)
    return a * u + b * v, c * u + d * v


def _flatten(model: FaceModel, kind: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Per vertex: flat coordinates (right, down) as the viewer sees the face, and what is in front (larger)."""
    mean = model.mean.astype(np.float64)
    if kind == "cylindrical":
        flat = model.template_coordinates.astype(np.float64)
        return np.column_stack([flat[:, 0], -flat[:, 1]]), np.hypot(mean[:, 0], mean[:, 1])
    depth = _FRONTAL_DISTANCE - mean[:, 0]
    return np.column_stack([mean[:, 1] / depth, -mean[:, 2] / depth]), -depth


def _draw(flat: FloatArray, nearness: npt.NDArray[np.float64], triangles: IntArray, size: int) -> IntArray:
    """Index of the foremost triangle at each pixel centre, (size, size), -1 where there is none."""
    index = np.full((size, size), -1, dtype=np.int32)
    front = np.full((size, size), -np.inf)
    corners = flat[triangles].astype(np.float64)
    first = np.maximum(np.ceil(corners.min(axis=1)), 0).astype(int)
    last = np.minimum(np.floor(corners.max(axis=1)), size - 1).astype(int)
    for t in np.flatnonzero((last >= first).all(axis=1)):
        (ax, ay), (bx, by), (cx, cy) = corners[t]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-12:
            continue
        x, y = np.meshgrid(np.arange(first[t, 0], last[t, 0] + 1), np.arange(first[t, 1], last[t, 1] + 1))
        b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
        c = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
        z = np.einsum("kij,k->ij", np.stack([1.0 - b - c, b, c]), nearness[triangles[t]])
        rows, columns = slice(first[t, 1], last[t, 1] + 1), slice(first[t, 0], last[t, 0] + 1)
        wins = (b >= -1e-9) & (c >= -1e-9) & (b + c <= 1 + 1e-9) & (z > front[rows, columns])
        index[rows, columns][wins] = t
        front[rows, columns][wins] = z[wins]
    return index
