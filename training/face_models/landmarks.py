"""Where the 68 landmarks and the sliding jaw contour lie on our mesh.

Eyes and mouth are those of the ICT model. The jaw line, the brows and the nose follow the convention in which
AFLW2000-3D and 300W-LP were labelled: its mean shape is laid on ours and each of its points goes to the nearest surface
point. What "ours" is matters: a new model only has the fit to the mean shape itself; once photographs are fitted,
:mod:`training.face_models.place_landmarks` takes the mean of the people in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from dense_face_ros.face_model import SurfacePoints
from training.face_models.decimation import Array, IntArray
from training.npz_files import read_npz

_PARTNER = [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1)]  # mirrored jaw, brows, nose
_CONTOUR_STEPS = np.linspace(0.62, 1.25, 14)  # along the way from the face's middle to the landmark and past it
JAW_AND_BROWS, NOSE = range(27), range(27, 36)
_PRIOR = 0.02  # squared convention units (eye distances) per squared standard deviation of identity


def read_convention(path: Path) -> Array:
    """(68, 3) of the mean shape that a convention's landmarks were published with: ``points68``, as seen by a viewer.

    Raises:
        FileNotFoundError, ValueError: naming the file, when it is missing or of another format.
    """
    cure = "--convention must hold points68 (68, 3), the mean shape of AFLW2000-3D"
    points = read_npz(path, ("points68",), cure)["points68"]
    if points.shape != (68, 3):
        raise ValueError(f"'{path}': points68 is {points.shape}; {cure}")
    return np.asarray(points, np.float64)


def viewer_to_head(points: Array) -> Array:
    """x to the viewer's right (the person's left), y up, z to the viewer -> head axes."""
    return np.asarray(points[..., [2, 0, 1]])


def similarity(source: Array, target: Array) -> tuple[float, Array, Array]:
    """scale, rotation, translation minimising sum |target - (scale R source + t)|^2 (Umeyama 1991)."""
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    u, d, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = float((d * np.diag(sign)).sum() / (a**2).sum())
    return scale, rotation, target.mean(axis=0) - scale * rotation @ source.mean(axis=0)


def fit_convention(mean: Array, basis: Array, points68: Array, rounds: int = 10) -> tuple[Array, Array]:
    """Fit mean + basis (K, 68, 3) to the convention's points (68, 3) by similarity and N(0, 1) coefficients.

    Only points 17..67 pull: the jaw is what we look for. Returns the coefficients (K,) and the convention's points
    brought into the head frame.
    """
    inner = slice(17, 68)
    k = len(basis)
    coefficients = np.zeros(k)
    for _ in range(rounds):
        shape = mean + np.tensordot(coefficients, basis, 1)
        scale, rotation, shift = similarity(points68[inner], shape[inner])
        target = scale * points68 @ rotation.T + shift
        j = basis[:, inner].reshape(k, -1).T
        residual = (target - mean)[inner].ravel()
        coefficients = np.linalg.solve(j.T @ j + _PRIOR * scale**2 * np.eye(k), j.T @ residual)
    return coefficients, target


def at_vertices(triangles: IntArray, vertices: IntArray) -> SurfacePoints:
    """Vertices (N,) as surface points."""
    first_of = {int(v): (t, c) for t, corners in reversed(list(enumerate(triangles))) for c, v in enumerate(corners)}
    triangle, weights = np.zeros(len(vertices), dtype=np.int32), np.zeros((len(vertices), 3), dtype=np.float32)
    for i, vertex in enumerate(vertices):
        triangle[i], corner = first_of[int(vertex)]
        weights[i, corner] = 1.0
    return SurfacePoints(triangle, weights)


def place_landmarks(
    vertices: Array, triangles: IntArray, marks: SurfacePoints, target68: Array, moved: Sequence[int]
) -> SurfacePoints:
    """``marks``, but the landmarks ``moved`` at the surface points nearest to ``target68`` (68, 3).

    vertices (V, 3) is our shape and ``target68`` the convention's points laid on it, both in the head frame, metres.
    Jaw, brow and nose targets are made symmetric first, so that the two halves agree.
    """
    twin = target68[_PARTNER] * [1.0, -1.0, 1.0]
    symmetric = 0.5 * (target68[: len(_PARTNER)] + twin)
    triangle, weights = marks.triangle.copy(), marks.weights.copy()
    for i in moved:
        triangle[i], weights[i] = nearest_surface_point(vertices, triangles, symmetric[i])
    return SurfacePoints(triangle, weights)


def nearest_surface_point(vertices: Array, triangles: IntArray, point: Array) -> tuple[int, Array]:
    """(triangle, barycentric weights) of the surface point nearest to a point (3,)."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    centre = (a + b + c) / 3.0
    candidates = np.argsort(((centre - point) ** 2).sum(axis=1))[:80]
    best: tuple[float, int, Array] = (np.inf, -1, np.zeros(3))
    for t in candidates:
        weights = _nearest_in_triangle(a[t], b[t], c[t], point)
        gap = float(((weights @ np.stack([a[t], b[t], c[t]]) - point) ** 2).sum())
        if gap < best[0]:
            best = (gap, int(t), weights)
    return best[1], best[2]


def _nearest_in_triangle(a: Array, b: Array, c: Array, p: Array) -> Array:
    edges = np.column_stack([b - a, c - a])
    inner = np.linalg.lstsq(edges, p - a, rcond=None)[0]
    weights = np.array([1.0 - inner.sum(), *inner])
    if weights.min() >= 0:
        return weights
    best, out = np.inf, weights
    for i, (s, e) in enumerate(((a, b), (b, c), (c, a))):
        along = float(np.clip((p - s) @ (e - s) / max(float((e - s) @ (e - s)), 1e-18), 0.0, 1.0))
        gap = float(((s + along * (e - s) - p) ** 2).sum())
        if gap < best:
            best = gap
            out = np.zeros(3)
            out[i], out[(i + 1) % 3] = 1.0 - along, along
    return out


def contour_candidates(template_coordinates: Array, jaw: Array, middle: Array, usable: np.ndarray) -> IntArray:
    """(17, C) vertices along the line from the face's middle through each jaw landmark, in template coordinates."""
    allowed = np.flatnonzero(usable)
    tree = cKDTree(template_coordinates[allowed])
    line = middle + _CONTOUR_STEPS[None, :, None] * (jaw - middle)[:, None, :]
    _, index = tree.query(line)
    return np.asarray(allowed[index], dtype=np.int32)
