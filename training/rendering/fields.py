"""Smooth random fields over a surface and masks painted around landmarks: the brushes of albedo and hair."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
_WAVES = 48


class SmoothNoise:
    """Random fields over points (V, 3) in metres, with mean 0 and standard deviation near 1."""

    def __init__(self, points: npt.NDArray[np.floating], wavelength: float, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        direction = rng.normal(size=(_WAVES, 3))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        length = wavelength * np.exp(rng.normal(0.0, 0.4, _WAVES))
        phase = points @ (2 * np.pi / length[:, None] * direction).T + rng.uniform(0, 2 * np.pi, _WAVES)
        self._waves = (np.cos(phase) * np.sqrt(2.0 / _WAVES)).astype(np.float32)

    def draw(self, rng: np.random.Generator) -> FloatArray:
        """One field (V,)."""
        return np.asarray(self._waves @ rng.normal(size=_WAVES).astype(np.float32))


def smoothstep(x: npt.NDArray[np.floating]) -> FloatArray:
    """0 below 0, 1 above 1, smooth between."""
    x = np.clip(x, 0.0, 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x), dtype=np.float32)


def near_line(points: npt.NDArray[np.floating], line: npt.NDArray[np.floating], reach: float) -> FloatArray:
    """1 on the polyline (N, 3), falling to 0 at ``reach`` metres from it; (V,) for points (V, 3)."""
    return smoothstep(1.0 - distance_to_line(points, line) / reach)


def distance_to_line(points: npt.NDArray[np.floating], line: npt.NDArray[np.floating]) -> FloatArray:
    """Distance (V,) of points (V, 3) to a polyline (N, 3), metres."""
    out = np.full(len(points), np.inf)
    for a, b in zip(line[:-1], line[1:], strict=True):
        along = np.clip((points - a) @ (b - a) / max(float((b - a) @ (b - a)), 1e-12), 0.0, 1.0)
        out = np.minimum(out, np.linalg.norm(points - a - along[:, None] * (b - a), axis=1))
    return out.astype(np.float32)


def inside_outline(points: npt.NDArray[np.floating], outline: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which points (V, 3) lie inside a closed outline (N, 3) as seen from the front (the y-z plane)."""
    inside = np.zeros(len(points), dtype=bool)
    y, z = points[:, 1], points[:, 2]
    for (ay, az), (by, bz) in zip(outline[:, 1:], np.roll(outline[:, 1:], -1, axis=0), strict=True):
        crosses = (az > z) != (bz > z)
        if az != bz:
            inside ^= crosses & (y < (by - ay) * (z - az) / (bz - az) + ay)
    return inside
