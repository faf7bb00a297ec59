"""What cameras do to a picture: light, exposure, infrared, sensor noise, blur, compression."""

from __future__ import annotations

import cv2
import numpy as np

from training.face_finder.photographs import FloatArray, Image

_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
#: Drawing a field of noise costs more than everything else here; one large field is drawn once and windows of it used.
_NOISE: FloatArray = np.random.default_rng(1).standard_normal((1024, 1024)).astype(np.float32)


def grey(image: Image, rng: np.random.Generator) -> Image:
    """(h, w, 3) BGR -> (h, w): luma, or a random mix of the channels (red-heavy mixes resemble near infrared)."""
    weights = _LUMA if rng.random() < 0.5 else rng.dirichlet((0.5, 1.0, 1.5)).astype(np.float32)
    return np.asarray(cv2.transform(image, weights[None]), dtype=np.uint8)


def degrade(image: Image, rng: np.random.Generator) -> Image:
    """A grey picture (h, w) as some camera might have delivered it."""
    out = image.astype(np.float32) / 255.0
    if rng.random() < 0.35:
        out = _resampled(out, rng)
    if rng.random() < 0.3:
        out += rng.uniform(0.3, 1.2) * (out - cv2.GaussianBlur(out, (0, 0), rng.uniform(0.8, 2.0)))
    if rng.random() < 0.5:
        out *= _light(out.shape[0], out.shape[1], rng)
    out = np.clip(out, 0.0, 1.0) ** np.exp(rng.normal(0.0, 0.35))
    out = rng.uniform(0.0, 0.12) + out * rng.uniform(0.45, 1.25)
    exposure = rng.uniform(0.1, 0.4) if rng.random() < 0.15 else 1.0
    out *= exposure
    if rng.random() < 0.15:
        out = _motion_blurred(out, rng)
    if rng.random() < 0.6:
        level = rng.uniform(0.0, 0.03) * (0.4 if exposure < 1.0 else 1.0)
        out += level * (0.5 + np.sqrt(np.clip(out, 0.0, 1.0))) * _noise(out.shape[0], out.shape[1], rng)
    pixels = np.clip(out * 255.0 + 0.5, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))]
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, quality)[1], cv2.IMREAD_GRAYSCALE)
    return np.asarray(pixels, np.uint8)


def _resampled(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    height, width = image.shape
    scale = rng.uniform(0.4, 0.9)
    small = cv2.resize(image, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _light(height: int, width: int, rng: np.random.Generator) -> FloatArray:
    """A ramp across the picture, or the falling-off spot of an infrared lamp."""
    v, u = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    if rng.random() < 0.6:
        angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9)
        ramp = np.cos(angle) * (u - u.mean()) + np.sin(angle) * (v - v.mean())
        return np.asarray(1.0 + 1.4 * strength * ramp, np.float32)
    centre, width_of_spot = rng.uniform(0.1, 0.9, 2), rng.uniform(0.3, 0.8)
    distance = (u - centre[0]) ** 2 + (v - centre[1] * v.max()) ** 2
    return np.asarray(0.25 + 1.1 * np.exp(-distance / (2 * width_of_spot**2)), np.float32)


def _motion_blurred(image: FloatArray, rng: np.random.Generator) -> FloatArray:
    length, angle = rng.uniform(2, 8), rng.uniform(0, np.pi)
    size = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((size, size), np.float32)
    middle = size // 2
    reach = 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    ends = [tuple(int(round(float(c))) for c in middle + sign * reach) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)


def _noise(height: int, width: int, rng: np.random.Generator) -> FloatArray:
    v, u = rng.integers(0, _NOISE.shape[0] - height), rng.integers(0, _NOISE.shape[1] - width)
    return np.asarray(_NOISE[v : v + height, u : u + width], np.float32)
