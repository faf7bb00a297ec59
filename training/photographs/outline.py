"""The outline of a face as measurements: points on the edge of jaw and ears in a picture, tied to the surface there.

A landmark is the same surface point in every view; the edge of a face is whatever surface turns away from the camera
there. So points on an edge are tied to the nearest place on the edge of the face as it is fitted so far, and again as
it moves (iterated closest points).
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.outline import inner_edges
from training.face_models.landmarks import at_vertices

Side = Literal["left", "right"]

_SIDES: tuple[Side, ...] = ("left", "right")
_JAW = ("skin", "chin")
_BELOW_EYES = -0.02  # metres, head frame: where the jaw's edge begins


class Outline:
    """The edges of one face model. ``seen`` is (V, 3), its vertices in the camera frame as fitted so far."""

    def __init__(self, model: FaceModel) -> None:
        self._triangles = model.triangles
        ends, triangles, _ = inner_edges(model.triangles)
        edges, sides = ends.T, triangles.T
        jaw = np.isin(model.regions, [model.region_names.index(name) for name in _JAW])
        jaw &= model.mean[:, 2] < _BELOW_EYES
        kept = jaw[edges].all(axis=1)
        self._edges, self._sides = edges[kept], sides[kept]
        ears = {side: np.flatnonzero(model.regions == model.region_names.index(f"ear_{side}")) for side in _SIDES}
        self._ears = {side: (own, at_vertices(model.triangles, own.astype(np.int32))) for side, own in ears.items()}

    def jaw(self, seen: Array, camera: PinholeCamera, pixels: Array) -> SurfacePoints:
        """The places where the jaw turns away from the camera, nearest to each of ``pixels`` (N, 2).

        There is such a place from wherever a head is seen: the jaw goes around it by more than half.
        """
        corners = seen[self._triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        facing = np.einsum("ij,ij->i", normals, corners[:, 0]) < 0
        turning = facing[self._sides[:, 0]] != facing[self._sides[:, 1]]
        edges, triangle = self._edges[turning], self._sides[turning, 0]
        start, end = camera.project(seen[edges[:, 0]]), camera.project(seen[edges[:, 1]])
        along, offset = end - start, pixels[:, None] - start
        share = np.einsum("nij,ij->ni", offset, along) / np.maximum((along**2).sum(axis=1), 1e-9)
        share = share.clip(0.0, 1.0)
        chosen = np.linalg.norm(offset - share[..., None] * along, axis=2).argmin(axis=1)
        part = share[np.arange(len(pixels)), chosen, None]
        own = self._triangles[triangle[chosen]]
        weights = (1.0 - part) * (own == edges[chosen, :1]) + part * (own == edges[chosen, 1:])
        return SurfacePoints(triangle[chosen].astype(np.int32), weights.astype(np.float32))

    def ear(self, seen: Array, camera: PinholeCamera, side: Side, pixels: Array) -> SurfacePoints:
        """The vertices on the hull of one of the person's ears, as it is seen, nearest to each of ``pixels`` (N, 2)."""
        own, places = self._ears[side]
        shown = camera.project(seen[own])
        hull = cv2.convexHull(shown.astype(np.float32), returnPoints=False).ravel()
        nearest = hull[np.linalg.norm(shown[hull] - pixels[:, None], axis=2).argmin(axis=1)]
        return SurfacePoints(places.triangle[nearest], places.weights[nearest])
