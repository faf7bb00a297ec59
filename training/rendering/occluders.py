"""Things in front of a face: paper-style rectangles (Section 4.1), ellipses, hands and hand-held phones.

They are drawn into the finished crop. What they cover cannot be matched.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]


def add_random_occluder(
    image: Image, skin: npt.NDArray[np.floating], rng: np.random.Generator, photograph: Image
) -> Mask:
    """Draw one occluder into ``image`` (size, size, 3) in place.

    Args:
        skin: (3,) sRGB 0-255, the colour of a hand in this light.
        photograph: (size, size, 3) texture that some occluders carry.

    Returns:
        (size, size) uint8 coverage, 255 where the occluder is opaque.
    """
    kind = rng.uniform()
    if kind < 0.25:
        mask, colour = _rectangle(image.shape[0], rng), _surface(image, rng, photograph)
    elif kind < 0.40:
        mask, colour = _ellipse(image.shape[0], rng), _surface(image, rng, photograph)
    elif kind < 0.78:
        mask = _hand(image.shape[0], rng)
        colour = _rounded(mask, skin, rng)
    else:
        return _phone_in_hand(image, skin, rng)
    _blend(image, mask, colour)
    return mask


def covered_cells(mask: Mask, stride: int) -> npt.NDArray[np.bool_]:
    """Which stride x stride cells of a (size, size) coverage are at least half covered."""
    cells = mask.shape[0] // stride
    return np.asarray(mask.reshape(cells, stride, cells, stride).mean(axis=(1, 3)) >= 127.5)


def _blend(image: Image, mask: Mask, colour: npt.NDArray[np.floating]) -> None:
    soft = cv2.blur(mask, (3, 3)).astype(np.float32)[..., None] / 255.0
    image[:] = (image + soft * (colour - image) + 0.5).astype(np.uint8)


def _surface(image: Image, rng: np.random.Generator, photograph: Image) -> npt.NDArray[np.floating]:
    if rng.uniform() < 0.4:
        return photograph.astype(np.float32)
    colour = rng.uniform(5.0, 240.0) * np.exp(rng.normal(0.0, 0.3, 3))
    slope = np.linspace(-1.0, 1.0, image.shape[0]) * rng.uniform(0.0, 0.35)
    shade = 1.0 + (slope[:, None] if rng.uniform() < 0.5 else slope[None, :])
    return np.asarray(np.clip(np.broadcast_to(shade, image.shape[:2])[..., None] * colour, 0.0, 254.0))


def _rectangle(size: int, rng: np.random.Generator) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    centre, extent = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.10, 0.42, 2) * size
    corners = cv2.boxPoints((centre.tolist(), extent.tolist(), float(rng.normal(0.0, 20.0))))
    cv2.fillConvexPoly(mask, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    return mask


def _ellipse(size: int, rng: np.random.Generator) -> Mask:
    mask = np.zeros((size, size), np.uint8)
    centre, extent = rng.uniform(0.1, 0.9, 2) * size, rng.uniform(0.05, 0.22, 2) * size
    cv2.ellipse(mask, (centre.tolist(), (2 * extent).tolist(), float(rng.uniform(0, 180))), 255, -1, cv2.LINE_AA)
    return mask


def _hand(size: int, rng: np.random.Generator) -> Mask:
    """Palm, four fingers, thumb and forearm; it reaches in from an edge towards the face."""
    mask = np.zeros((size, size), np.uint8)
    tip = rng.uniform(0.25, 0.75, 2) * size
    towards = np.radians(rng.normal(-90.0, 50.0))  # from the wrist to the fingers: mostly upwards
    along = np.array([np.cos(towards), np.sin(towards)])
    across = np.array([-along[1], along[0]]) * rng.choice((-1.0, 1.0))
    length = rng.uniform(0.26, 0.48) * size  # wrist to finger tips
    palm = tip - 0.62 * length * along
    wrist = tip - length * along

    def line(a: Array, b: Array, width: float) -> None:
        ends = [tuple(int(round(x * 16)) for x in p) for p in (a, b)]
        cv2.line(mask, ends[0], ends[1], 255, max(int(round(width)), 1), cv2.LINE_AA, 4)

    line(wrist - 2.0 * size * along, wrist, 0.24 * length)
    knuckles, spread, curl = 0.075 * length, rng.uniform(0.0, 0.25), rng.uniform(0.35, 1.0)
    for k in (-1.5, -0.5, 0.5, 1.5):
        base = palm + 0.16 * length * along + k * 1.5 * knuckles * across
        direction = along + k * spread * across
        reach = length * (0.46 - 0.04 * k * k) * curl
        line(base, base + reach * direction / np.linalg.norm(direction), 1.5 * knuckles)
    thumb = 0.45 * along + rng.uniform(0.4, 1.0) * across
    line(palm - 0.1 * length * along, palm + 0.32 * length * thumb, 1.7 * knuckles)
    axes = (0.50 * length, 0.42 * length)
    cv2.ellipse(mask, (palm.tolist(), axes, float(np.degrees(towards))), 255, -1, cv2.LINE_AA)
    return mask


def _rounded(mask: Mask, colour: npt.NDArray[np.floating], rng: np.random.Generator) -> npt.NDArray[np.floating]:
    """Shade a flat shape as if it were round, lit from a random side; furrows stay dark."""
    height = np.sqrt(np.minimum(cv2.distanceTransform(mask, cv2.DIST_L2, 3), 9.0))
    height = cv2.GaussianBlur(height, (0, 0), 1.2)
    light = rng.normal(0.0, 0.30, 2)
    rise_u, rise_v = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=0.25)
    shade = 0.72 + 0.11 * height - light[0] * rise_u - light[1] * rise_v
    tint = colour * np.exp(rng.normal(0.0, 0.10))
    return np.asarray(np.clip(np.clip(shade, 0.3, 1.4)[..., None] * tint, 0.0, 254.0))


def _phone_in_hand(image: Image, skin: npt.NDArray[np.floating], rng: np.random.Generator) -> Mask:
    size = image.shape[0]
    hand = _hand(size, rng)
    _blend(image, hand, _rounded(hand, skin, rng))
    slab = np.zeros((size, size), np.uint8)
    rows, columns = np.nonzero(hand)
    centre = np.array([columns.mean(), rows.min() + 0.1 * size]) if len(rows) else np.full(2, 0.5 * size)
    long_side = rng.uniform(0.28, 0.50) * size
    extent = (0.48 * long_side, long_side)
    angle = float(rng.normal(0.0, 25.0))
    corners = cv2.boxPoints((centre.tolist(), extent, angle))
    cv2.fillConvexPoly(slab, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    shine = np.linspace(0.0, rng.uniform(10.0, 60.0), size)[:, None, None]
    colour = rng.uniform(5.0, 50.0, 3) if rng.uniform() < 0.8 else rng.uniform(100.0, 190.0, 3)
    _blend(image, slab, np.broadcast_to(colour + shine, image.shape))
    return np.maximum(hand, slab)
