"""Glasses and the brim of a cap: small meshes that sit on a head."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.rendering.head_mesh import lattice

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int32]
Mesh = tuple[Array, IntArray]

_RIM_STEPS = 28
_BRIM_COLUMNS = 17


def glasses(rng: np.random.Generator, marks: npt.NDArray[np.floating]) -> tuple[Mesh, Mesh]:
    """Frame and lenses for a face with landmarks (68, 3) metres in the head frame."""
    eyes = np.stack([marks[36:42].mean(axis=0), marks[42:48].mean(axis=0)])
    span = float(np.linalg.norm(eyes[1] - eyes[0]))
    half_width = span * rng.uniform(0.36, 0.43)
    half_height = half_width * rng.uniform(0.6, 1.0)
    power = rng.choice((2.0, 2.6, 4.0))  # round to nearly square
    bar = span * rng.choice((0.018, 0.035, 0.065))
    front = float(marks[27, 0]) + rng.uniform(0.002, 0.007)
    drop = rng.uniform(-0.002, 0.006)
    bend = 0.35  # the outer ends lie further back
    angle = 2 * np.pi * np.arange(_RIM_STEPS) / _RIM_STEPS
    unit = np.column_stack([np.cos(angle), np.sin(angle)])
    unit *= (np.abs(unit) ** power).sum(axis=1, keepdims=True) ** (-1.0 / power)
    frame: list[Mesh] = []
    lenses: list[Mesh] = []
    for eye in eyes:
        middle = np.array([0.0, eye[1], eye[2] - drop])
        outer = unit * (half_width + bar, half_height + bar)
        inner = unit * (half_width, half_height)

        def placed(flat: Array, middle: Array = middle) -> Array:
            y, z = middle[1] + flat[:, 0], middle[2] + flat[:, 1]
            return np.column_stack([front - bend * np.maximum(np.abs(y) - 0.3 * span, 0.0), y, z])

        # Seen from the front y runs to the right and z up, so the angle runs counter-clockwise.
        frame.append((np.concatenate([placed(inner), placed(outer)]), lattice(2, _RIM_STEPS, closed=True)))
        fan = np.column_stack(
            [np.full(_RIM_STEPS, _RIM_STEPS), np.arange(_RIM_STEPS), np.roll(np.arange(_RIM_STEPS), -1)]
        )
        lenses.append((np.concatenate([placed(inner), placed(np.zeros((1, 2)))]), fan.astype(np.int32)))
    gap = span / 2 - half_width
    height = float(eyes[:, 2].mean()) - drop + 0.2 * half_height
    frame.append(_strip(np.array([[front + 0.001, -gap, height], [front + 0.001, gap, height]]), 0.7 * bar + 0.001))
    for side in (-1.0, 1.0):
        hinge_y = side * (span / 2 + half_width + bar)
        hinge = [front - bend * (abs(hinge_y) - 0.3 * span), hinge_y, height]
        ear = [-0.075, side * max(0.078, abs(hinge_y)), height + 0.004]
        frame.append(_strip(np.array([hinge, ear]), 0.6 * bar + 0.0015))
    return _joined(frame), _joined(lenses)


def brim(rng: np.random.Generator, bottom: float, forehead: float) -> Mesh:
    """The peak of a cap at height ``bottom`` that starts ``forehead`` metres in front of the head's origin."""
    reach, half = rng.uniform(0.05, 0.075), rng.uniform(0.062, 0.075)
    across = np.linspace(-1.0, 1.0, _BRIM_COLUMNS)
    inner_x = forehead - 0.075 * (1.0 - np.sqrt(1.0 - 0.85 * across**2))
    droop = rng.uniform(0.005, 0.025)
    rows = []
    for s in (0.0, 0.5, 1.0):
        x = inner_x + s * reach * np.sqrt(np.maximum(1.0 - across**2, 0.0))
        rows.append(np.column_stack([x, half * across, bottom + 0.004 - s * droop - 0.010 * across**2]))
    sheet = lattice(3, _BRIM_COLUMNS, closed=False)
    return np.concatenate(rows), np.concatenate([sheet, sheet[:, ::-1]])


def _strip(ends: Array, half_height: float) -> Mesh:
    """A flat upright band between two points, seen from both sides."""
    up = np.array([0.0, 0.0, half_height])
    sheet = lattice(2, 2, closed=False)
    return np.concatenate([ends + up, ends - up]), np.concatenate([sheet, sheet[:, ::-1]])


def _joined(meshes: list[Mesh]) -> Mesh:
    starts = np.cumsum([0] + [len(points) for points, _ in meshes[:-1]])
    moved = [triangles + start for start, (_, triangles) in zip(starts, meshes, strict=True)]
    return np.concatenate([points for points, _ in meshes]), np.concatenate(moved).astype(np.int32)
