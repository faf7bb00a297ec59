"""Dropping points on a dense mesh."""

from __future__ import annotations

import numpy as np

from training.face_models.landmarks import nearest_surface_point
from training.face_models.surface import Surface, nearest_weights


def bumpy_sheet(side: int = 12) -> tuple[np.ndarray, np.ndarray]:
    y, z = (x.ravel() for x in np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side)))
    points = np.column_stack([0.1 * np.sin(5 * y) * np.cos(4 * z), y, z])
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (x.ravel() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    return points, np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])


def test_nearest_weights_agree_with_a_search() -> None:
    """Against a fine grid over the triangle, for points over its inside, its edges and its corners."""
    rng = np.random.default_rng(0)
    corners, points = rng.standard_normal((200, 3, 3)), 2.0 * rng.standard_normal((200, 3))
    weights = nearest_weights(corners, points)
    assert weights.min() >= -1e-12
    np.testing.assert_allclose(weights.sum(axis=1), 1.0)
    found = np.linalg.norm(np.einsum("nc,ncd->nd", weights, corners) - points, axis=1)
    i, j = (x.ravel() / 60.0 for x in np.mgrid[:61, :61])
    grid = np.column_stack([i, j, 1.0 - i - j])[i + j <= 1.0 + 1e-9]
    tried = np.linalg.norm(np.einsum("gc,ncd->ngd", grid, corners) - points[:, None], axis=2).min(axis=1)
    assert (found <= tried + 1e-9).all() and (tried - found).max() < 0.1


def test_feet_agree_with_the_search_through_all_triangles() -> None:
    points, triangles = bumpy_sheet()
    rng = np.random.default_rng(1)
    above = np.column_stack([rng.uniform(-0.2, 0.3, 50), rng.uniform(0.1, 0.9, (50, 2))])
    feet = Surface(points, triangles).feet(above, np.tile([1.0, 0, 0], (50, 1)))
    for i in range(50):
        triangle, weights = nearest_surface_point(points, triangles, above[i])
        expected = np.linalg.norm(weights @ points[triangles[triangle]] - above[i])
        np.testing.assert_allclose(feet.distance[i], expected, atol=1e-9)
    assert feet.agrees.all() and not feet.on_rim.any()


def test_beyond_the_edge_is_the_rim() -> None:
    points, triangles = bumpy_sheet()
    feet = Surface(points, triangles).feet(np.array([[0.0, -0.2, 0.5], [0.0, 0.5, 0.5]]), np.tile([1.0, 0, 0], (2, 1)))
    assert feet.on_rim.tolist() == [True, False]


def test_touching_sheets_are_told_apart_by_their_normals() -> None:
    points, triangles = bumpy_sheet()
    count = len(points)
    both = Surface(np.concatenate([points, points - [0.001, 0, 0]]),
                   np.concatenate([triangles, triangles[:, ::-1] + count]))  # fmt: skip
    normals = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
    feet = both.feet(np.tile(points[65] - [0.0004, 0, 0], (2, 1)), normals)
    assert (both.triangles[feet.triangle] >= count).all(axis=1).tolist() == [False, True]
