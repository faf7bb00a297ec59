"""From visible triangles to a picture: colour, fine texture and eyes per pixel, smooth edges over a background.

The mesh is rasterised at twice the resolution of the picture; each pixel averages its 2 x 2 samples in linear light.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from training.rendering.rasteriser import Buffers, FloatArray, Image, IntArray

SUPERSAMPLING = 2
EYE = np.uint8(1)  # triangle material; all else is 0
_BRIGHTEST, _KNEE = 3.0, 0.6
_TONE_STEPS = 4096


def _tone_curve() -> FloatArray:
    """sRGB level of linear light up to ``_BRIGHTEST``: a gamma, with a camera's soft shoulder above the knee."""
    light = _BRIGHTEST * np.arange(_TONE_STEPS) / (_TONE_STEPS - 1)
    shoulder = _KNEE + (1.0 - _KNEE) * (1.0 - np.exp(-(light - _KNEE) / (1.0 - _KNEE)))
    return np.asarray(255.0 * np.where(light < _KNEE, light, shoulder) ** (1 / 2.2), dtype=np.float32)


_TONE: FloatArray = _tone_curve()


def compose(
    buffers: Buffers,
    triangles: IntArray,
    material: npt.NDArray[np.uint8],
    radiance: FloatArray,
    surface: FloatArray,
    texture: FloatArray,
    eye_ramp: FloatArray,
    catchlight: FloatArray,
    background: Image,
) -> Image:
    """The finished picture.

    Args:
        buffers: what is seen, at ``SUPERSAMPLING`` times the picture's resolution.
        triangles: (T, 3).
        material: (T,) uint8, ``EYE`` or 0.
        radiance: (V, 3) linear light, with 1.0 for white; of an eye as if it were white.
        surface: (V, 3) texture column, texture row, and how strongly the texture shows; of an eye the offset from the
            middle of the iris in eyeball radii, and nothing.
        texture: (N, N) fine brightness variation about 0, N a power of two.
        eye_ramp: (M, 3) linear colour from the middle of the pupil to one eyeball radius away.
        catchlight: (3,) offset and radius of the lamp's reflection, in eyeball radii.
        background: (size, size, 3).
    """
    out = background.copy()
    _compose(buffers.index, buffers.weights, triangles, material, radiance, surface, texture, eye_ramp, catchlight, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _compose(  # type: ignore[no-untyped-def]
    index, weights, triangles, material, radiance, surface, texture, eye_ramp, catchlight, out
):
    mask = texture.shape[0] - 1
    steps = eye_ramp.shape[0]
    for v in range(out.shape[0]):
        for u in range(out.shape[1]):
            red, green, blue, count = 0.0, 0.0, 0.0, 0
            for dv in range(2):
                for du in range(2):
                    i, j = 2 * v + dv, 2 * u + du
                    t = index[i, j]
                    if t < 0:
                        continue
                    count += 1
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    wa, wb, wc = weights[i, j, 0], weights[i, j, 1], weights[i, j, 2]
                    x = wa * surface[a, 0] + wb * surface[b, 0] + wc * surface[c, 0]
                    y = wa * surface[a, 1] + wb * surface[b, 1] + wc * surface[c, 1]
                    fr, fg, fb, glint = 1.0, 1.0, 1.0, 0.0
                    if material[t] == EYE:
                        step = min(int(np.sqrt(x * x + y * y) * steps), steps - 1)
                        fr, fg, fb = eye_ramp[step, 0], eye_ramp[step, 1], eye_ramp[step, 2]
                        if (x - catchlight[0]) ** 2 + (y - catchlight[1]) ** 2 < catchlight[2] ** 2:
                            glint = 0.7
                    else:
                        strength = wa * surface[a, 2] + wb * surface[b, 2] + wc * surface[c, 2]
                        fr = max(1.0 + strength * texture[int(y) & mask, int(x) & mask], 0.1)
                        fg, fb = fr, fr
                    red += fr * (wa * radiance[a, 0] + wb * radiance[b, 0] + wc * radiance[c, 0]) + glint
                    green += fg * (wa * radiance[a, 1] + wb * radiance[b, 1] + wc * radiance[c, 1]) + glint
                    blue += fb * (wa * radiance[a, 2] + wb * radiance[b, 2] + wc * radiance[c, 2]) + glint
            if count == 0:
                continue
            share = 0.25 * count
            for k, light in enumerate((red, green, blue)):
                level = min(int(max(light / count, 0.0) * ((_TONE_STEPS - 1) / _BRIGHTEST)), _TONE_STEPS - 1)
                out[v, u, k] = np.uint8(share * _TONE[level] + (1.0 - share) * out[v, u, k] + 0.5)
