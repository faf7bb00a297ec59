"""Our own face mesh: a coarse, left-right symmetric subset of the ICT head's face and ears, with eyeball caps.

Built as the left half (the person's left, x > 0 in ICT axes) and mirrored, so that symmetry is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from training.face_models.decimation import Array, IntArray, decimate
from training.face_models.ict import FACE, LEFT_EYEBALL, IctModel

#: Vertices of the left half before mirroring, eyeball caps apart.
HALF_VERTICES = 1750
_GUIDES = ("jawOpen", "eyeBlink_L", "mouthSmile_L", "mouthPucker", "browInnerUp_L")  # shapes the mesh must also follow
_NECK = (-4.6, -0.5, -2.0)  # keep y > a + b * (z - c), in cm: the neck does not turn with the head
_HAIRLINE = 10.8  # keep y below, in cm: above it pictures show hair
_CAP_RINGS = np.radians([12.0, 24.0, 36.0, 48.0, 60.0])
_CAP_SPOKES = 16


@dataclass(frozen=True)
class Topology:
    """Each of our V vertices as a weighted mean of ICT vertices: ``sources`` (V, 4), ``weights`` (V, 4).

    triangles (T, 3); mirror (V,); eyeball (V,) bool marks the eyeball caps.
    """

    sources: IntArray
    weights: Array
    triangles: IntArray
    mirror: IntArray
    eyeball: np.ndarray

    def gather(self, values: np.ndarray) -> Array:
        """ICT per-vertex values (..., V_ict, C) -> ours (..., V, C)."""
        out = np.zeros((*values.shape[:-2], len(self.sources), values.shape[-1]))
        for k in range(self.sources.shape[1]):
            out += values[..., self.sources[:, k], :] * self.weights[:, k, None]
        return out


def build_topology(ict: IctModel, half_vertices: int = HALF_VERTICES) -> Topology:
    """Decimate the left half of the ICT face, add an eyeball cap, mirror both."""
    mean = ict.mean.astype(np.float64)
    twin = _mirror_index(mean[: FACE[1]])
    triangles = ict.triangles[(ict.triangles < FACE[1]).all(axis=1)]
    wanted = (mean[:, 1] > _NECK[0] + _NECK[1] * (mean[:, 2] - _NECK[2])) & (mean[:, 1] < _HAIRLINE)
    wanted &= (mean[:, 2] > -0.5) | (mean[:, 0] > 7.0)  # behind the ear's front edge only the ear itself
    half = triangles[((mean[triangles, 0] >= 0) & wanted[triangles]).all(axis=1)]

    names = {name: i for i, name in enumerate(ict.expression_names)}
    guides = [mean[: FACE[1]]] + [mean[: FACE[1]] + ict.expressions[names[n], : FACE[1]] for n in _GUIDES if n in names]
    locked = np.zeros(FACE[1], dtype=bool)
    locked[ict.landmarks68] = True
    locked |= _corners(half, mean)
    kept, coarse = decimate(np.stack(guides), half, _density(mean[: FACE[1]], ict), locked, half_vertices)

    cap_sources, cap_weights, cap_triangles = _eyeball_cap(mean)
    sources = np.concatenate([np.repeat(kept[:, None], 4, axis=1), cap_sources])
    weights = np.concatenate([np.tile([1.0, 0.0, 0.0, 0.0], (len(kept), 1)), cap_weights])
    renumber = np.full(len(mean), -1, dtype=np.int32)
    renumber[kept] = np.arange(len(kept))
    left = np.concatenate([renumber[coarse], cap_triangles + len(kept)])
    return _mirrored(sources, weights, left, mean, twin)


def _mirror_index(mean: Array) -> IntArray:
    distance, index = cKDTree(mean).query(mean * [-1, 1, 1])
    if distance.max() > 0.05:
        raise ValueError(f"the face is not symmetric: a vertex lies {distance.max():.2f} cm from its mirror image")
    return np.asarray(index, dtype=np.int32)


def _corners(half: IntArray, mean: Array) -> np.ndarray:
    """Vertices where the mid-line meets another boundary: they must not slide."""
    edges = np.sort(np.concatenate([half[:, [0, 1]], half[:, [1, 2]], half[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    open_edges = unique[count == 1]
    on_middle = np.abs(mean[open_edges, 0]) < 1e-6
    outline = open_edges[~on_middle.all(axis=1)]
    out = np.zeros(FACE[1], dtype=bool)
    ends = outline[np.abs(mean[outline, 0]) < 1e-6]
    out[ends] = True
    return out


def _density(points: Array, ict: IctModel) -> Array:
    """How much an error counts at each vertex: most at eyelids and lips, least at the scalp and behind the ears."""
    marks = ict.mean[ict.landmarks68].astype(np.float64)

    def near(which: range | list[int], reach: float) -> Array:
        distance, _ = cKDTree(marks[which]).query(points)
        return np.asarray(np.exp(-((distance / reach) ** 2)))

    weight = 0.5 + 40.0 * near(range(36, 48), 0.7) + 20.0 * near(range(48, 68), 0.9) + 6.0 * near(range(27, 36), 1.0)
    weight += 3.0 * near(range(17, 27), 0.8) + 2.0 * near(range(0, 17), 1.5)
    return np.asarray(np.where(points[:, 2] < 2.0, 0.4 * weight, weight))


def _eyeball_cap(mean: Array) -> tuple[IntArray, Array, IntArray]:
    """The front of the left eyeball as rings of points, each the weighted mean of its nearest eyeball vertices."""
    ball = mean[slice(*LEFT_EYEBALL)]
    centre = 0.5 * (ball.min(axis=0) + ball.max(axis=0))
    spokes = 2 * np.pi * np.arange(_CAP_SPOKES) / _CAP_SPOKES
    rings = [
        np.column_stack([np.sin(r) * np.cos(spokes), np.sin(r) * np.sin(spokes), np.full(_CAP_SPOKES, np.cos(r))])
        for r in _CAP_RINGS
    ]
    directions = np.concatenate([[[0.0, 0.0, 1.0]], *rings])
    offsets = ball - centre
    length = np.linalg.norm(offsets, axis=1)
    outer = np.flatnonzero(length > 0.97 * np.median(length))
    _, index = cKDTree(offsets[outer] / length[outer, None]).query(directions, k=4)
    gap = np.linalg.norm(offsets[outer][index] / length[outer][index][..., None] - directions[:, None], axis=2)
    weights = 1.0 / (gap + 1e-3)
    weights /= weights.sum(axis=1, keepdims=True)

    triangles = [(0, 1 + k, 1 + (k + 1) % _CAP_SPOKES) for k in range(_CAP_SPOKES)]
    for ring in range(len(_CAP_RINGS) - 1):
        for k in range(_CAP_SPOKES):
            a, b = (1 + ring * _CAP_SPOKES + j % _CAP_SPOKES for j in (k, k + 1))
            triangles += [(a, a + _CAP_SPOKES, b), (b, a + _CAP_SPOKES, b + _CAP_SPOKES)]
    return (outer[index] + LEFT_EYEBALL[0]).astype(np.int32), weights, np.array(triangles, dtype=np.int32)


def _mirrored(sources: IntArray, weights: Array, left: IntArray, mean: Array, twin: IntArray) -> Topology:
    middle = (np.abs(mean[sources[:, 0], 0]) < 1e-6) & (sources[:, 0] < FACE[1])
    count = len(sources)
    mirror = np.full(count, -1, dtype=np.int32)
    mirror[middle] = np.flatnonzero(middle)
    mirror[~middle] = count + np.arange((~middle).sum())
    side = sources[~middle]
    is_ball = side >= LEFT_EYEBALL[0]
    width = LEFT_EYEBALL[1] - LEFT_EYEBALL[0]
    balls = mean[LEFT_EYEBALL[0] : LEFT_EYEBALL[0] + 2 * width]
    _, ball_twin = cKDTree(balls[width:]).query(balls[:width] * [-1, 1, 1])
    other = np.where(
        is_ball,
        LEFT_EYEBALL[1] + ball_twin[np.where(is_ball, side - LEFT_EYEBALL[0], 0)],
        twin[np.where(is_ball, 0, side)],
    )
    all_sources = np.concatenate([sources, other]).astype(np.int32)
    all_weights = np.concatenate([weights, weights[~middle]])
    full_mirror = np.concatenate([mirror, np.flatnonzero(~middle)]).astype(np.int32)
    right = full_mirror[left][:, ::-1]
    return Topology(
        all_sources,
        all_weights,
        np.concatenate([left, right]).astype(np.int32),
        full_mirror,
        all_sources[:, 0] >= LEFT_EYEBALL[0],
    )
