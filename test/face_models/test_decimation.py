"""Mesh decimation on surfaces whose coarse form is known."""

from __future__ import annotations

import numpy as np
import pytest

from training.face_models.decimation import decimate


def sheet(side: int, height=lambda x, y: 0 * x) -> tuple[np.ndarray, np.ndarray]:
    u, v = np.meshgrid(np.linspace(0, 1, side), np.linspace(0, 1, side))
    points = np.column_stack([u.ravel(), v.ravel(), height(u, v).ravel()])
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return points, triangles


def area(points: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (points[triangles[:, i]] for i in range(3))
    return float(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def run(
    points: np.ndarray, triangles: np.ndarray, target: int, weight=None, locked=()
) -> tuple[np.ndarray, np.ndarray]:
    fixed = np.zeros(len(points), bool)
    fixed[list(locked)] = True
    weights = np.ones(len(points)) if weight is None else weight
    return decimate(points[None], triangles, weights, fixed, target)


def test_a_flat_sheet_keeps_its_outline_and_area() -> None:
    points, triangles = sheet(9)
    kept, coarse = run(points, triangles, 20, locked=(0, 8, 72, 80))
    assert len(kept) == 20
    assert {0, 8, 72, 80} <= set(kept)
    assert area(points, coarse) == pytest.approx(1.0)
    a, b, c = (points[coarse[:, i]] for i in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).all()


def test_a_fold_keeps_its_crease() -> None:
    points, triangles = sheet(11, lambda x, y: np.abs(x - 0.5))
    _, coarse = run(points, triangles, 30, locked=(0, 10, 110, 120))
    assert area(points, coarse) == pytest.approx(area(points, triangles), rel=0.02)


def test_locked_vertices_stay() -> None:
    points, triangles = sheet(9)
    locked = (0, 8, 72, 80, 40, 31)
    kept, _ = run(points, triangles, 12, locked=locked)
    assert set(locked) <= set(kept)


def test_weight_keeps_detail() -> None:
    rng = np.random.default_rng(0)
    points, triangles = sheet(15)
    points[:, 2] = 0.02 * rng.standard_normal(len(points))
    heavy = points[:, 0] < 0.5
    kept, _ = run(points, triangles, 80, weight=np.where(heavy, 50.0, 1.0), locked=(0, 14, 210, 224))
    assert heavy[kept].mean() > 0.7


def test_the_result_is_a_manifold() -> None:
    points, triangles = sheet(13, lambda x, y: 0.2 * np.sin(5 * x) * np.cos(4 * y))
    _, coarse = run(points, triangles, 50, locked=(0, 12, 156, 168))
    edges = np.sort(np.concatenate([coarse[:, [0, 1]], coarse[:, [1, 2]], coarse[:, [2, 0]]]), axis=1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() <= 2


def test_more_than_can_be_collapsed_is_refused() -> None:
    points, triangles = sheet(4)
    with pytest.raises(ValueError, match="unlock some"):
        run(points, triangles, 3, locked=range(16))
