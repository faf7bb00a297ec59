"""A small synthetic head for tests: an ellipsoid's front with a nose, a few identity modes and expressions."""

from __future__ import annotations

import numpy as np

from dense_face_ros.face_model import FaceModel, SurfacePoints

COLUMNS, ROWS = 31, 27
_CENTRE = np.array([-0.075, 0.0, -0.03])  # of the ellipsoid; the eyes then lie near x = 0, z = 0
_RADII = np.array([0.088, 0.075, 0.115])


def _bump(lon: np.ndarray, height: np.ndarray, at: tuple[float, float], width: tuple[float, float]) -> np.ndarray:
    return np.exp(-0.5 * (((lon - at[0]) / width[0]) ** 2 + ((height - at[1]) / width[1]) ** 2))


def small_face() -> FaceModel:
    """V = 837 vertices, K = 8 identity modes, E = 5 expressions, mirror-symmetric."""
    lon, height = np.meshgrid(np.linspace(-1.75, 1.75, COLUMNS), np.linspace(-1.2, 1.1, ROWS))
    lon, height = lon.ravel(), height.ravel()
    out = np.column_stack([np.cos(lon) * np.cos(height), np.sin(lon) * np.cos(height), np.sin(height)])
    mean = _CENTRE + _RADII * out
    mean[:, 0] += 0.022 * _bump(lon, height, (0.0, -0.02), (0.13, 0.16))  # nose
    mean[:, 0] -= 0.006 * sum(_bump(lon, height, (side * 0.42, 0.26), (0.2, 0.12)) for side in (-1, 1))  # eye sockets

    def along(direction: np.ndarray | tuple[float, float, float], amount: np.ndarray | float) -> np.ndarray:
        return np.asarray(direction) * np.broadcast_to(amount, lon.shape)[:, None]

    identity = [
        0.04 * mean,  # size
        along((0, 1, 0), 0.04 * mean[:, 1]),  # width
        along((0, 0, 1), 0.04 * mean[:, 2]),  # length
        along((1, 0, 0), 0.003 * _bump(lon, height, (0.0, -0.02), (0.15, 0.2))),  # nose
        along((1, 0, 0), 0.003 * _bump(lon, height, (0.0, -0.8), (0.4, 0.25))),  # chin
        out * 0.003 * sum(_bump(lon, height, (s * 0.7, -0.2), (0.3, 0.3)) for s in (-1, 1))[:, None],  # cheeks
        out * 0.003 * np.cos(3 * lon)[:, None] * np.cos(2 * height)[:, None],
        along((0, 0, 1), 0.002 * np.cos(2 * lon) * np.sin(3 * height)),
    ]
    mouth, jaw = (0.0, -0.42), _bump(lon, height, (0.0, -0.8), (0.6, 0.25))
    expression = {
        "jawOpen": along((-0.2, 0, -1), 0.02 * jaw),
        "eyeBlinkLeft": along((0.2, 0, -1), 0.008 * _bump(lon, height, (0.42, 0.30), (0.15, 0.06))),
        "eyeBlinkRight": along((0.2, 0, -1), 0.008 * _bump(lon, height, (-0.42, 0.30), (0.15, 0.06))),
        "smile": along((0, 1, 0), 0.01 * np.tanh(4 * lon) * _bump(lon, height, mouth, (0.3, 0.1))),
        "browInnerUp": along((0, 0, 1), 0.01 * _bump(lon, height, (0.0, 0.5), (0.5, 0.1))),
    }
    index = np.arange(COLUMNS * ROWS).reshape(ROWS, COLUMNS)
    a, b, c, d = index[:-1, :-1].ravel(), index[:-1, 1:].ravel(), index[1:, 1:].ravel(), index[1:, :-1].ravel()
    triangles = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    regions = np.where(np.abs(lon) > 1.2, 1, 0) + np.where(np.abs(height) > 0.9, 2, 0)
    spots = _landmark_spots()
    edge = np.array([np.argsort(np.abs(lon - s[0]) + np.abs(height - s[1]))[:5] for s in spots[:17]])
    return FaceModel(
        mean=mean.astype(np.float32),
        identity_basis=np.stack(identity).astype(np.float32),
        expression_basis=np.stack(list(expression.values())).astype(np.float32),
        expression_names=tuple(expression),
        expression_spread=np.array([0.25, 0.3, 0.3, 0.25, 0.2], dtype=np.float32),
        triangles=triangles.astype(np.int32),
        regions=regions.astype(np.uint8),
        region_names=("face", "side", "edge", "corner"),
        landmarks=_surface_points(lon, height, triangles, spots),
        contour_candidates=edge.astype(np.int32),
        template_coordinates=np.column_stack([(lon + 1.75) / 3.5, (height + 1.2) / 2.3]).astype(np.float32),
        mirror=index[:, ::-1].ravel().astype(np.int32),
        albedo=np.full((len(mean), 3), (0.8, 0.6, 0.5), dtype=np.float32),
        source="synthetic ellipsoid for tests",
        licence="Apache-2.0",
    )


def _landmark_spots() -> np.ndarray:
    """(longitude, height) of the 68 landmarks in the usual order, from the person's right to the left."""
    jaw = [(1.3 * np.sin(t), 0.2 - 1.1 * np.cos(t)) for t in np.linspace(-np.pi / 2, np.pi / 2, 17)]
    brows = [(x, 0.48) for x in np.linspace(-0.65, -0.2, 5)] + [(x, 0.48) for x in np.linspace(0.2, 0.65, 5)]
    nose = [(0.0, h) for h in np.linspace(0.28, 0.0, 4)] + [(x, -0.12) for x in np.linspace(-0.15, 0.15, 5)]
    ring = np.radians([180, 120, 60, 0, 300, 240])
    eyes = [(side * 0.42 + 0.16 * np.cos(t), 0.26 + 0.06 * np.sin(t)) for side in (-1, 1) for t in ring]
    lips = [(0.3 * np.cos(t), -0.42 + 0.1 * np.sin(t)) for t in np.pi - 2 * np.pi * np.arange(12) / 12]
    inner = [(0.2 * np.cos(t), -0.42 + 0.04 * np.sin(t)) for t in np.pi - 2 * np.pi * np.arange(8) / 8]
    return np.array(jaw + brows + nose + eyes + lips + inner)


def _surface_points(lon: np.ndarray, height: np.ndarray, triangles: np.ndarray, spots: np.ndarray) -> SurfacePoints:
    flat = np.column_stack([lon, height])
    a, b, c = (flat[triangles[:, i]] for i in range(3))
    edges = np.linalg.inv(np.stack([b - a, c - a], axis=2))  # (T, 2, 2)
    last = np.einsum("tij,ltj->lti", edges, spots[:, None] - a)
    weights = np.concatenate([1 - last.sum(axis=2, keepdims=True), last], axis=2)  # (68, T, 3)
    triangle = weights.min(axis=2).argmax(axis=1)
    return SurfacePoints(triangle.astype(np.int32), weights[np.arange(68), triangle].astype(np.float32))
