"""Light on a head: an environment in spherical harmonics of order 2, one lamp with cast shadows, and a sheen.

Radiance is linear light. The environment is a random sum of soft lobes (sky, windows, bounce light), which is what
order-2 harmonics can hold; the lamp adds the hard, one-sided light that they cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from dense_face_ros.geometry import Array
from training.rendering.rasteriser import Buffers, FloatArray, IntArray, rasterise

_SHADOW_SIZE = 112
_LAMP_DISTANCE = 2.0  # metres
_SHADOW_BIAS = 0.004  # metres
_SKY_DIRECTIONS = 64


@dataclass(frozen=True)
class Light:
    """Light in the camera frame.

    Attributes:
        harmonics: (9, 3) irradiance coefficients of the environment, RGB.
        lamp: (3,) unit vector from the head towards the lamp.
        lamp_colour: (3,) irradiance of the lamp at right angles.
    """

    harmonics: FloatArray
    lamp: FloatArray
    lamp_colour: FloatArray

    def seen_from(self, turn: Array) -> Light:
        """The same light in the frame of another camera; ``turn`` (3, 3) that <- this."""
        # Turning mixes harmonics within each order alone, so whatever factors their orders have.
        directions = np.array([_random_direction(np.random.default_rng(i)) for i in range(_SKY_DIRECTIONS)])
        here, there = (np.stack([_lobe(d) for d in frame]) for frame in (directions @ turn, directions))
        harmonics = np.linalg.lstsq(there, here @ self.harmonics, rcond=None)[0]
        return Light(harmonics.astype(np.float32), (turn @ self.lamp).astype(np.float32), self.lamp_colour)


def random_light(rng: np.random.Generator, hard_side_share: float, camera_lamp_share: float) -> Light:
    """A plausible light.

    Args:
        hard_side_share: share of strong lamps from the side over a dim environment.
        camera_lamp_share: share of lamps beside the camera that outshine all else, as infrared lamps and flashes do.
    """
    warmth = rng.normal(0.0, 0.10)
    tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth])
    harmonics = np.zeros((9, 3))
    for _ in range(rng.integers(1, 5)):
        direction = _random_direction(rng)
        colour = rng.gamma(1.2, 0.5) * tint * np.exp(rng.normal(0.0, 0.08, 3))
        harmonics += _lobe(direction)[:, None] * colour
    harmonics[0] += rng.uniform(0.3, 1.0) * 0.886 * tint
    harmonics /= max(harmonics[0].mean(), 1e-6) / 0.886
    kind = rng.uniform()
    if kind < hard_side_share:
        side = rng.choice((-1.0, 1.0))
        lamp = np.array([side * rng.uniform(0.6, 1.0), rng.uniform(-0.7, 0.2), rng.uniform(-0.6, 0.4)])
        strength, ambient = rng.uniform(2.0, 5.0), rng.uniform(0.08, 0.5)
    elif kind < hard_side_share + camera_lamp_share:
        lamp = np.array([*rng.normal(0.0, 0.25, 2), -1.0])
        strength, ambient = rng.uniform(1.0, 3.0), rng.uniform(0.03, 0.3)
    else:
        lamp = _random_direction(rng)
        strength = rng.gamma(1.5, 0.5) if kind < 0.75 else 0.0
        ambient = rng.uniform(0.6, 1.2)
    lamp_tint = np.array([1.0 + warmth, 1.0, 1.0 - warmth]) * np.exp(rng.normal(0.0, 0.06, 3))
    return Light(
        (harmonics * ambient).astype(np.float32),
        (lamp / np.linalg.norm(lamp)).astype(np.float32),
        (strength * lamp_tint).astype(np.float32),
    )


def lamp_visibility(points: FloatArray, triangles: IntArray, lamp: FloatArray, buffers: Buffers) -> FloatArray:
    """Share of the lamp that each vertex (V, 3) sees past the mesh itself, (V,) in [0, 1], by a shadow map.

    ``buffers`` comes from :func:`shadow_buffers`.
    """
    lamp = np.asarray(lamp, np.float32)
    side = np.cross(lamp, (0.0, 0.0, 1.0) if abs(lamp[2]) < 0.9 else (1.0, 0.0, 0.0)).astype(np.float32)
    side /= np.linalg.norm(side)
    # Rows: right, down, forward of a camera at the lamp that looks at the head.
    axes = np.stack([side, np.cross(-lamp, side), -lamp]).astype(np.float32)
    centre = points[: len(points) // 2].mean(axis=0)
    seen = (points - centre) @ axes.T
    seen[:, 2] += _LAMP_DISTANCE
    # 0.36 m across the map holds a head; shoulders beyond it cast no shadow.
    focal = _SHADOW_SIZE / 0.36 * _LAMP_DISTANCE
    pixels = seen[:, :2] / seen[:, 2:] * np.float32(focal) + np.float32(0.5 * (_SHADOW_SIZE - 1))
    rasterise(pixels, seen[:, 2], triangles, _SHADOW_SIZE, buffers=buffers)
    out = np.empty(len(points), np.float32)
    _look_up_shadow(pixels, seen[:, 2], buffers.nearness, out)
    return out


def shadow_buffers() -> Buffers:
    """Scratch memory for :func:`lamp_visibility`."""
    return Buffers.allocate(_SHADOW_SIZE)


def sky_visibility(points: FloatArray, normals: FloatArray, triangles: IntArray) -> FloatArray:
    """Share of an even sky that reaches each vertex, (V,) in [0, 1]: ambient occlusion."""
    k = np.arange(_SKY_DIRECTIONS) + 0.5
    height, angle = 1.0 - 2.0 * k / _SKY_DIRECTIONS, np.pi * (1.0 + 5.0**0.5) * k
    radius = np.sqrt(1.0 - height**2)
    directions = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height]).astype(np.float32)
    buffers, lit, possible = shadow_buffers(), np.zeros(len(points)), np.zeros(len(points))
    for direction in directions:
        cosine = np.maximum(normals @ direction, 0.0)
        lit += cosine * lamp_visibility(points, triangles, direction, buffers)
        possible += cosine
    return np.asarray(lit / np.maximum(possible, 1e-6), dtype=np.float32)


def radiance(
    albedo: FloatArray, normals: FloatArray, sky: FloatArray, lit: FloatArray, gloss: FloatArray, light: Light
) -> FloatArray:
    """Linear light (V, 3) that each vertex sends to the camera.

    Args:
        albedo: (V, 3) linear RGB.
        normals: (V, 3) unit normals in the camera frame.
        sky: (V,) share of the environment that reaches the vertex.
        lit: (V,) share of the lamp that does.
        gloss: (V,) strength of the sheen.
        light: the light.
    """
    out = np.empty_like(albedo)
    _radiance(albedo, normals, sky, lit, gloss, light.harmonics, light.lamp, light.lamp_colour, out)
    return out


def vertex_normals(points: FloatArray, triangles: IntArray) -> FloatArray:
    """Unit outward normals (V, 3), weighted by triangle area."""
    out = np.zeros_like(points)
    _add_normals(points, triangles, out)
    return out


def _random_direction(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Towards a light, camera frame: mostly above, and on the camera's side more often than behind the head."""
    direction = rng.normal(0.0, 1.0, 3) + (0.0, -0.6, -0.5)
    return np.asarray(direction / np.linalg.norm(direction))


def _lobe(d: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Irradiance harmonics (9,) of a distant light of unit strength in direction d (Ramamoorthi & Hanrahan 2001)."""
    x, y, z = d
    basis = [0.282095, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z]
    basis += [0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y)]
    falloff = np.repeat([np.pi, 2 * np.pi / 3, np.pi / 4], [1, 3, 5])
    return np.asarray(basis * falloff)


@njit(cache=True, nogil=True, error_model="numpy")
def _add_normals(points, triangles, out):  # type: ignore[no-untyped-def]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x1, y1, z1 = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        x2, y2, z2 = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
        for v in (a, b, c):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(out.shape[0]):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2)
        scale = 1.0 / max(length, 1e-12)
        for k in range(3):
            out[v, k] *= scale


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up_shadow(pixels, depth, nearness, out):  # type: ignore[no-untyped-def]
    size = nearness.shape[0]
    for v in range(pixels.shape[0]):
        x, y = pixels[v, 0], pixels[v, 1]
        if not (0.0 <= x < size - 1.001 and 0.0 <= y < size - 1.001):
            out[v] = 1.0
            continue
        u0, v0 = int(x), int(y)
        fx, fy = x - u0, y - v0
        reach = 1.0 / (depth[v] - _SHADOW_BIAS)
        share = 0.0
        for dv in range(2):
            for du in range(2):
                if nearness[v0 + dv, u0 + du] < reach:
                    share += (fx if du else 1.0 - fx) * (fy if dv else 1.0 - fy)
        out[v] = share


@njit(cache=True, nogil=True, error_model="numpy")
def _radiance(albedo, normals, sky, lit, gloss, harmonics, lamp, lamp_colour, out):  # type: ignore[no-untyped-def]
    # Half vector between the lamp and a viewer at (0, 0, -1).
    hx, hy, hz = lamp[0], lamp[1], lamp[2] - 1.0
    length = max(np.sqrt(hx * hx + hy * hy + hz * hz), 1e-6)
    hx, hy, hz = hx / length, hy / length, hz / length
    for v in range(albedo.shape[0]):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        facing = max(x * lamp[0] + y * lamp[1] + z * lamp[2], 0.0) * lit[v]
        half = max(x * hx + y * hy + z * hz, 0.0) ** 16
        for k in range(3):
            sh = (
                0.282095 * harmonics[0, k]
                + 0.488603 * (y * harmonics[1, k] + z * harmonics[2, k] + x * harmonics[3, k])
                + 1.092548 * (x * y * harmonics[4, k] + y * z * harmonics[5, k] + x * z * harmonics[7, k])
                + 0.315392 * (3.0 * z * z - 1.0) * harmonics[6, k]
                + 0.546274 * (x * x - y * y) * harmonics[8, k]
            )
            ambient = max(sh, 0.0) * sky[v] / np.pi
            direct = lamp_colour[k] * facing / np.pi
            sheen = gloss[v] * (lamp_colour[k] * half * lit[v] + 0.25 * ambient)
            out[v, k] = albedo[v, k] * (ambient + direct) + sheen
