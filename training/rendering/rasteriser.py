"""A z-buffer rasteriser for face meshes: one numba kernel, one thread per call, releasing the interpreter lock.

Vertices arrive projected: ``pixels`` (V, 2) as (u, v) with pixel centres at integers and ``depth`` (V,), camera z in
metres. Interpolation is perspective-correct. A triangle with a corner at or behind the camera is not drawn. Triangles
are counter-clockwise seen from outside, and with ``cull`` those that show their inside are not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
Image = npt.NDArray[np.uint8]

_NEAREST_DEPTH = 1e-3  # metres


@dataclass(frozen=True)
class Buffers:
    """What is seen at each pixel of a square picture; reusable from one picture to the next.

    Attributes:
        index: (size, size) int32, the foremost triangle, -1 where there is none.
        weights: (size, size, 3) float32, perspective-correct barycentric weights of its corners; without meaning where
            nothing is drawn.
        nearness: (size, size) float32, 1 / depth in 1/m, 0 where nothing is drawn.
    """

    index: IntArray
    weights: FloatArray
    nearness: FloatArray

    @classmethod
    def allocate(cls, size: int) -> Buffers:
        """Buffers for a picture of ``size`` x ``size`` pixels."""
        if size < 1:
            raise ValueError(f"picture size is {size}; it must be at least 1 pixel")
        index, nearness = np.full((size, size), -1, np.int32), np.zeros((size, size), np.float32)
        return cls(index, np.zeros((size, size, 3), np.float32), nearness)


def rasterise(
    pixels: npt.NDArray[np.floating],
    depth: npt.NDArray[np.floating],
    triangles: IntArray,
    size: int,
    cull: bool = True,
    buffers: Buffers | None = None,
) -> Buffers:
    """Find the foremost triangle at every pixel of a ``size`` x ``size`` picture.

    Args:
        pixels: (V, 2) projected vertices, pixels.
        depth: (V,) camera z, metres.
        triangles: (T, 3) vertex indices.
        size: side of the picture, pixels.
        cull: leave out triangles seen from inside.
        buffers: written into and returned; new ones without.
    """
    buffers = _buffers(buffers, size)
    corners, z, triangles = _checked(pixels, depth, triangles)
    _draw(corners, z, triangles, cull, 1.0, buffers.index, buffers.weights, buffers.nearness)
    return buffers


def interpolate(buffers: Buffers, triangles: IntArray, values: npt.NDArray[np.floating]) -> FloatArray:
    """Per-vertex ``values`` (V, C) at every pixel, (size, size, C) float32; 0 where nothing is drawn."""
    out = np.empty((*buffers.index.shape, values.shape[1]), np.float32)
    values = np.ascontiguousarray(values, np.float32)
    _interpolate(buffers.index, buffers.weights, np.ascontiguousarray(triangles, np.int32), values, out)
    return out


def render_targets(
    pixels: npt.NDArray[np.floating],
    depth: npt.NDArray[np.floating],
    triangles: IntArray,
    template_coordinates: FloatArray,
    size: int,
    stride: int = 1,
    matchable: BoolArray | None = None,
    buffers: Buffers | None = None,
) -> tuple[FloatArray, BoolArray]:
    """Template pixel seen at the centre of every ``stride`` x ``stride`` cell of a ``size`` x ``size`` crop.

    The centre of cell (row i, column j) is crop pixel ((j + 0.5) stride - 0.5, (i + 0.5) stride - 0.5); only those
    points are drawn. Triangles that are not ``matchable`` (T,) hide what is behind them and are not visible.

    Returns:
        Template coordinates (2, size // stride, size // stride) float32, 0 where not visible, and the visible mask.

    Raises:
        ValueError: when ``stride`` does not divide ``size``.
    """
    if stride < 1 or size % stride:
        raise ValueError(f"stride is {stride}; it must divide the crop size {size}")
    cells = size // stride
    buffers = _buffers(buffers, cells)
    corners, z, triangles = _checked(pixels, depth, triangles)
    _draw(corners, z, triangles, True, float(stride), buffers.index, buffers.weights, buffers.nearness)
    template = np.empty((2, cells, cells), np.float32)
    visible = np.empty((cells, cells), np.bool_)
    allowed = np.ones(len(triangles), np.bool_) if matchable is None else np.ascontiguousarray(matchable, np.bool_)
    coordinates = np.ascontiguousarray(template_coordinates, np.float32)
    _template_map(buffers.index, buffers.weights, triangles, coordinates, allowed, template, visible)
    return template, visible


def texture_from_photograph(
    pixels: npt.NDArray[np.floating],
    depth: npt.NDArray[np.floating],
    triangles: IntArray,
    source_pixels: npt.NDArray[np.floating],
    photograph: Image,
    image: Image,
    shading: npt.NDArray[np.floating] | None = None,
) -> BoolArray:
    """Draw a mesh into ``image`` with the colours that a photograph shows at each surface point.

    Args:
        pixels: (V, 2) projected vertices in ``image``.
        depth: (V,) camera z, metres.
        triangles: (T, 3) vertex indices.
        source_pixels: (V, 2) pixel of each vertex in ``photograph``; beyond its edge the edge colour is taken.
        photograph: (H, W, 3) uint8.
        image: (size, size, 3) uint8, drawn over in place.
        shading: per-vertex factor on the colour, (V,) or (V, 3).

    Returns:
        (size, size) bool, where the mesh was drawn.
    """
    size = image.shape[0]
    if image.shape != (size, size, 3) or image.dtype != np.uint8:
        raise ValueError(f"image is {image.dtype} {image.shape}; it must be a square uint8 picture (size, size, 3)")
    if photograph.ndim != 3 or photograph.shape[2] != 3 or photograph.dtype != np.uint8:
        raise ValueError(f"photograph is {photograph.dtype} {photograph.shape}; it must be uint8 (H, W, 3)")
    buffers = rasterise(pixels, depth, triangles, size)
    values = np.ones((len(source_pixels), 5), np.float32)
    values[:, :2] = source_pixels
    if shading is not None:
        values[:, 2:] = np.reshape(shading, (len(source_pixels), -1))
    triangles = np.ascontiguousarray(triangles, np.int32)
    _texture(buffers.index, buffers.weights, triangles, values, np.ascontiguousarray(photograph), image)
    return np.asarray(buffers.index >= 0)


def _buffers(buffers: Buffers | None, size: int) -> Buffers:
    if buffers is None:
        return Buffers.allocate(size)
    if buffers.index.shape != (size, size):
        raise ValueError(f"buffers are {buffers.index.shape}; the picture has {size} x {size} pixels")
    return buffers


def _checked(
    pixels: npt.NDArray[np.floating], depth: npt.NDArray[np.floating], triangles: IntArray
) -> tuple[FloatArray, FloatArray, IntArray]:
    if pixels.ndim != 2 or pixels.shape[1] != 2 or depth.shape != pixels.shape[:1]:
        raise ValueError(f"pixels are {pixels.shape} and depth {depth.shape}; they must be (V, 2) and (V,)")
    return (
        np.ascontiguousarray(pixels, np.float32),
        np.ascontiguousarray(depth, np.float32),
        np.ascontiguousarray(triangles, np.int32),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _draw(pixels, depth, triangles, cull, stride, index, weights, nearness):  # type: ignore[no-untyped-def]
    size = index.shape[0]
    offset = 0.5 * stride - 0.5
    index[:] = -1
    nearness[:] = 0.0
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if depth[a] < _NEAREST_DEPTH or depth[b] < _NEAREST_DEPTH or depth[c] < _NEAREST_DEPTH:
            continue
        ax, ay = (np.float64(pixels[a, 0]) - offset) / stride, (np.float64(pixels[a, 1]) - offset) / stride
        bx, by = (np.float64(pixels[b, 0]) - offset) / stride, (np.float64(pixels[b, 1]) - offset) / stride
        cx, cy = (np.float64(pixels[c, 0]) - offset) / stride, (np.float64(pixels[c, 1]) - offset) / stride
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        # Counter-clockwise for the viewer is a negative area where v points down.
        if not (area < -1e-12 or (not cull and area > 1e-12)):
            continue
        first_u = max(int(np.ceil(max(min(ax, bx, cx), -1.0))), 0)
        last_u = min(int(np.floor(min(max(ax, bx, cx), float(size)))), size - 1)
        first_v = max(int(np.ceil(max(min(ay, by, cy), -1.0))), 0)
        last_v = min(int(np.floor(min(max(ay, by, cy), float(size)))), size - 1)
        if first_u > last_u or first_v > last_v:
            continue
        near_a, near_b, near_c = 1.0 / depth[a], 1.0 / depth[b], 1.0 / depth[c]
        # Both weights are linear in u and v: w = start + u * per_u + v * per_v.
        scale = 1.0 / area
        b_per_u, b_per_v = (cy - ay) * scale, -(cx - ax) * scale
        c_per_u, c_per_v = -(by - ay) * scale, (bx - ax) * scale
        near_b_a, near_c_a = near_b - near_a, near_c - near_a
        for v in range(first_v, last_v + 1):
            b_row, c_row = (v - ay) * b_per_v - ax * b_per_u, (v - ay) * c_per_v - ax * c_per_u
            inside = False
            for u in range(first_u, last_u + 1):
                wb, wc = b_row + u * b_per_u, c_row + u * c_per_u
                wa = 1.0 - wb - wc
                # The tolerance closes the seam between neighbours that rounding would open.
                if min(wa, wb, wc) < -1e-9:
                    if inside:
                        break
                    continue
                inside = True
                near = near_a + wb * near_b_a + wc * near_c_a
                if near <= nearness[v, u]:
                    continue
                nearness[v, u] = near
                index[v, u] = t
                depth_here = 1.0 / near
                weights[v, u, 0] = wa * near_a * depth_here
                weights[v, u, 1] = wb * near_b * depth_here
                weights[v, u, 2] = wc * near_c * depth_here


@njit(cache=True, nogil=True, error_model="numpy")
def _interpolate(index, weights, triangles, values, out):  # type: ignore[no-untyped-def]
    for v in range(index.shape[0]):
        for u in range(index.shape[1]):
            t = index[v, u]
            if t < 0:
                out[v, u] = 0.0
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb, wc = weights[v, u, 0], weights[v, u, 1], weights[v, u, 2]
            for k in range(values.shape[1]):
                out[v, u, k] = wa * values[a, k] + wb * values[b, k] + wc * values[c, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _template_map(index, weights, triangles, coordinates, matchable, template, visible):  # type: ignore[no-untyped-def]
    for v in range(index.shape[0]):
        for u in range(index.shape[1]):
            t = index[v, u]
            seen = t >= 0 and matchable[t]
            visible[v, u] = seen
            if not seen:
                template[0, v, u] = 0.0
                template[1, v, u] = 0.0
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb, wc = weights[v, u, 0], weights[v, u, 1], weights[v, u, 2]
            for k in range(2):
                template[k, v, u] = wa * coordinates[a, k] + wb * coordinates[b, k] + wc * coordinates[c, k]


@njit(cache=True, nogil=True, error_model="numpy")
def _texture(index, weights, triangles, values, photograph, image):  # type: ignore[no-untyped-def]
    last_row, last_column = photograph.shape[0] - 1, photograph.shape[1] - 1
    for v in range(index.shape[0]):
        for u in range(index.shape[1]):
            t = index[v, u]
            if t < 0:
                continue
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            wa, wb, wc = weights[v, u, 0], weights[v, u, 1], weights[v, u, 2]
            x = min(max(wa * values[a, 0] + wb * values[b, 0] + wc * values[c, 0], 0.0), float(last_column))
            y = min(max(wa * values[a, 1] + wb * values[b, 1] + wc * values[c, 1], 0.0), float(last_row))
            left, top = int(x), int(y)
            right, bottom = min(left + 1, last_column), min(top + 1, last_row)
            fx, fy = x - left, y - top
            for k in range(3):
                upper = photograph[top, left, k] * (1.0 - fx) + photograph[top, right, k] * fx
                lower = photograph[bottom, left, k] * (1.0 - fx) + photograph[bottom, right, k] * fx
                shade = wa * values[a, 2 + k] + wb * values[b, 2 + k] + wc * values[c, 2 + k]
                colour = (upper * (1.0 - fy) + lower * fy) * shade
                image[v, u, k] = np.uint8(min(max(colour + 0.5, 0.0), 255.0))
