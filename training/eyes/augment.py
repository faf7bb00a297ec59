"""Patches as a tracker would cut them in some light: off by a little, through glasses, behind hands."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.eyes import PATCH_HEIGHT, PATCH_WIDTH
from training.eyes.examples import STORED
from training.rendering.photometric import PhotometricSettings, augment

Image = npt.NDArray[np.uint8]

#: Colour is gone already; a patch is too small for the larger effects.
_LIGHT = PhotometricSettings(
    grey=0.0, infrared=0.0, colour=0.0, tone=0.7, side_shadow=0.08, glare=0.06, motion=0.10, small=0.15
)
_SHIFT, _TURN, _GROW = 0.05, 5.0, 0.10  # standard deviations: patch widths, degrees, logarithm
_LENS, _HAND = 0.15, 0.05  # shares of patches behind a lens and behind something else
_CLEAR, _OPAQUE = 0.55, 0.8  # how much of the light a lens may take for the eye to be seen, or to be hidden


def patch_of(rng: np.random.Generator, picture: Image) -> tuple[Image, float]:
    """A patch (32, 48) out of a stored picture (72, 72), and how much of the eye's light was taken away (0..1)."""
    out, taken = np.array(_wander(rng, picture)), 0.0
    kind = rng.random()
    if kind < _LENS:
        taken = _lens(rng, out)
    elif kind < _LENS + _HAND:
        _cover(rng, out)
        taken = 1.0
    light = augment(np.repeat(out[:, :, None], 3, axis=2), rng, _LIGHT)
    return plain_patch(np.ascontiguousarray(light[:, :, 0])), taken


def plain_patch(square: Image) -> Image:
    """The middle (32, 48) of a square patch (48, 48) or of a stored picture (72, 72)."""
    top, left = (square.shape[0] - PATCH_HEIGHT) // 2, (square.shape[1] - PATCH_WIDTH) // 2
    return square[top : top + PATCH_HEIGHT, left : left + PATCH_WIDTH]


def remains_visible(taken: float) -> bool | None:
    """Whether an eye can be seen that has lost this share of its light; None where opinions may differ."""
    return True if taken <= _CLEAR else False if taken >= _OPAQUE else None


def _wander(rng: np.random.Generator, picture: Image) -> Image:
    grow = float(np.exp(_GROW * rng.standard_normal()))
    m = cv2.getRotationMatrix2D((0.5 * (PATCH_WIDTH - 1),) * 2, _TURN * float(rng.standard_normal()), grow)
    m[:, 2] += PATCH_WIDTH * _SHIFT * rng.standard_normal(2)
    m[:, 2] -= m[:, :2] @ np.full(2, 0.5 * (STORED - PATCH_WIDTH))
    flags = cv2.INTER_LINEAR
    out = cv2.warpAffine(picture, m, (PATCH_WIDTH, PATCH_WIDTH), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, dtype=np.uint8)


def _lens(rng: np.random.Generator, square: Image) -> float:
    """Draw a lens in place, clear to black, with its frame and a reflection; returns how much light it takes."""
    taken = float(rng.uniform(0.1, 1.0))
    centre = 0.5 * PATCH_WIDTH + PATCH_WIDTH * 0.06 * rng.standard_normal(2)
    half = PATCH_WIDTH * rng.uniform((0.36, 0.26), (0.62, 0.46))
    v, u = np.mgrid[:PATCH_WIDTH, :PATCH_WIDTH].astype(np.float32)
    power = rng.uniform(2.0, 5.0)
    distance = np.abs((u - centre[0]) / half[0]) ** power + np.abs((v - centre[1]) / half[1]) ** power
    inside = np.clip((1.0 - distance) * 6.0 + 0.5, 0.0, 1.0)
    slope = rng.uniform(-0.5, 0.5, 2)
    tint = rng.uniform(3.0, 60.0) * (1.0 + slope[0] * (u / PATCH_WIDTH - 0.5) + slope[1] * (v / PATCH_WIDTH - 0.5))
    out = square * (1.0 - taken * inside) + taken * inside * tint
    if rng.random() < 0.5:
        frame = np.clip(1.0 - np.abs(distance - 1.0) / rng.uniform(0.1, 0.4), 0.0, 1.0)
        out = out * (1.0 - frame) + frame * rng.uniform(5.0, 120.0)
    if rng.random() < 0.3:
        along = np.cos(a := rng.uniform(0.0, np.pi)) * (u - centre[0]) + np.sin(a) * (v - centre[1])
        band = np.exp(-(((along - rng.uniform(-10.0, 10.0)) / rng.uniform(1.5, 6.0)) ** 2))
        out += inside * band * rng.uniform(20.0, 120.0)
    square[:] = np.clip(out, 0.0, 255.0)
    return taken


def _cover(rng: np.random.Generator, square: Image) -> None:
    """Draw something in front of the eye in place: a few fat strokes in one tone, as fingers or hair would be."""
    tone = float(np.clip(np.median(square) * rng.uniform(0.3, 1.5), 0, 255))
    layer = np.full_like(square, round(tone))
    layer = np.clip(layer + rng.normal(0.0, 6.0, square.shape), 0, 255).astype(np.uint8)
    mask = np.zeros_like(square)
    turn = rng.uniform(0.0, np.pi)
    across = np.array([-np.sin(turn), np.cos(turn)])
    for offset in np.arange(-0.3, 0.31, 0.2) * PATCH_WIDTH:
        middle = 0.5 * PATCH_WIDTH + offset * across + rng.normal(0.0, 1.5, 2)
        reach = PATCH_WIDTH * np.array([np.cos(turn), np.sin(turn)])
        ends = [tuple(int(x) for x in middle + sign * reach) for sign in (-1, 1)]
        cv2.line(mask, ends[0], ends[1], 255, int(rng.uniform(8, 14)))
    soft = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 2.0)).astype(np.float32) / 255.0
    square[:] = np.clip(square * (1.0 - soft) + layer * soft, 0, 255)
