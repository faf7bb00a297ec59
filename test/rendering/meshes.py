"""Tiny meshes with known geometry for the rendering tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FOCAL, CENTRE = 150.0, 63.5


def project(points: Array, focal: float = FOCAL, centre: float = CENTRE) -> tuple[Array, Array]:
    """Camera-frame points (V, 3) -> pixels (V, 2), depth (V,)."""
    return points[:, :2] / points[:, 2:] * focal + centre, points[:, 2]


def sphere(rows: int = 60, columns: int = 120) -> tuple[Array, npt.NDArray[np.int32]]:
    """Unit sphere: vertices (V, 3) and triangles counter-clockwise seen from outside, in a right-handed frame."""
    latitude = np.linspace(0, np.pi, rows)
    longitude = np.linspace(0, 2 * np.pi, columns)
    a, b = np.meshgrid(latitude, longitude, indexing="ij")
    vertices = np.stack([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)], -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns - 1), indexing="ij")
    corner = (i * columns + j).ravel()
    lower = np.stack([corner, corner + columns, corner + columns + 1], 1)
    upper = np.stack([corner, corner + columns + 1, corner + 1], 1)
    return vertices, np.concatenate([lower, upper]).astype(np.int32)


def soup(rng: np.random.Generator, count: int = 40) -> tuple[Array, npt.NDArray[np.int32]]:
    """Random triangles in front of the camera, facing either way, crossing each other."""
    centres = rng.uniform([-0.3, -0.3, 0.8], [0.3, 0.3, 1.6], (count, 1, 3))
    vertices = (centres + rng.normal(0, 0.12, (count, 3, 3))).reshape(-1, 3)
    return vertices, np.arange(3 * count, dtype=np.int32).reshape(-1, 3)


def ray_hits(
    points: Array, triangles: npt.NDArray[np.int32], pixels: Array, cull: bool
) -> tuple[npt.NDArray[np.int64], Array]:
    """Nearest triangle along the ray of each pixel (N,), -1 for none, and its barycentric weights (N, 3).

    Plain ray-triangle intersection in 3-D (a 3x3 solve per pair): an independent check of the rasteriser.
    """
    index, weights = np.full(len(pixels), -1), np.zeros((len(pixels), 3))
    for n, pixel in enumerate(pixels):
        ray = np.array([*(pixel - CENTRE) / FOCAL, 1.0])
        nearest = np.inf
        for t, triangle in enumerate(triangles):
            corners = points[triangle]
            if cull and np.dot(np.cross(corners[1] - corners[0], corners[2] - corners[0]), corners[0]) >= 0:
                continue
            scaled = np.linalg.solve(corners.T, ray)  # ray = sum of corner * scaled
            depth = 1.0 / scaled.sum()
            if (scaled * depth >= 0).all() and 0 < depth < nearest:
                nearest, index[n], weights[n] = depth, t, scaled * depth
    return index, weights
