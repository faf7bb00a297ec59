"""What cameras and light do to a picture: colour, exposure, shadow, glare, blur, noise and compression.

Each effect is one function from an (size, size, 3) uint8 RGB picture to another; :func:`augment` strings them in the
order in which light, lens, sensor and coder apply them. Cars look at drivers in active near-infrared light, so grey
and infrared looks have a large share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

_GREY = np.array([[0.299, 0.587, 0.114]] * 3, np.float32)
_NOISE_SIDE = 512


@dataclass(frozen=True)
class PhotometricSettings:
    """Probability of each effect, in [0, 1]. ``grey`` and ``infrared`` exclude each other."""

    grey: float = 0.15
    infrared: float = 0.15
    colour: float = 0.5
    tone: float = 0.6
    side_shadow: float = 0.10
    glare: float = 0.07
    low_light: float = 0.12
    defocus: float = 0.20
    motion: float = 0.12
    small: float = 0.20
    noise: float = 0.35
    row_noise: float = 0.05
    jpeg: float = 0.30


def augment(image: Image, rng: np.random.Generator, settings: PhotometricSettings | None = None) -> Image:
    """A picture as some camera in some light would have shown it; the input is left as it was.

    The same generator state gives the same picture.

    Raises:
        ValueError: when the picture is not (size, size, 3) uint8.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[0] != image.shape[1] or image.shape[2] != 3:
        raise ValueError(f"image is {image.dtype} {image.shape}; it must be a square uint8 picture (size, size, 3)")
    s = settings or PhotometricSettings()
    chance = rng.uniform(size=13)
    out = image
    if chance[0] < s.infrared:
        out = infrared(out, rng)
    elif chance[0] < s.infrared + s.grey:
        out = grey(out, rng)
    elif chance[1] < s.colour:
        out = colour(out, rng)
    steps: tuple[tuple[float, Callable[[Image, np.random.Generator], Image]], ...] = (
        (s.side_shadow, side_shadow),
        (s.glare, glare),
        (s.tone, tone),
        (s.defocus, defocus),
        (s.motion, motion),
        (s.small, small),
        (s.low_light, low_light),
        (s.noise, noise),
        (s.row_noise, row_noise),
        (s.jpeg, jpeg),
    )
    for draw, (probability, step) in zip(chance[2:], steps, strict=False):
        if draw < probability:
            out = step(out, rng)
    return out.copy() if out is image else out


def grey(image: Image, rng: np.random.Generator) -> Image:
    """A monochrome camera: one random mix of the colour channels."""
    return _mixed(image, np.tile(rng.dirichlet((3.0, 6.0, 1.5)), (3, 1)))


def infrared(image: Image, rng: np.random.Generator) -> Image:
    """Near-infrared with its own lamp: red counts most, skin turns pale and even, light falls off from a middle."""
    mixed = _mixed(image, np.tile(rng.dirichlet((8.0, 2.0, 0.7)), (3, 1)))
    lifted = _looked_up(mixed, _curve(rng.uniform(0.55, 1.0), rng.uniform(0.8, 1.3), 0.0))
    size = image.shape[0]
    u, v = (np.arange(size, dtype=np.float32) / size - c for c in rng.uniform(0.3, 0.7, 2).astype(np.float32))
    fall = rng.uniform(0.3, 2.5)
    lamp = rng.uniform(0.9, 1.3) / (1.0 + fall * (u[None, :] ** 2 + v[:, None] ** 2))
    return _scaled(lifted, lamp)


def colour(image: Image, rng: np.random.Generator) -> Image:
    """White balance and saturation."""
    saturation = rng.uniform(0.5, 1.35)
    mix = saturation * np.eye(3) + (1.0 - saturation) * _GREY
    return _mixed(image, np.exp(rng.normal(0.0, 0.10, 3))[:, None] * mix)


def tone(image: Image, rng: np.random.Generator) -> Image:
    """Gamma, contrast and brightness."""
    gamma, contrast = np.exp(rng.normal(0.0, (0.22, 0.15)))
    return _looked_up(image, _curve(gamma, contrast, rng.normal(0.0, 14.0)))


def side_shadow(image: Image, rng: np.random.Generator) -> Image:
    """Half of the picture in hard shadow, as behind a window pillar."""
    size = image.shape[0]
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.2)
    along = (np.arange(size, dtype=np.float32) + 0.5) / size - 0.5
    distance = np.cos(angle) * along[None, :] + np.sin(angle) * along[:, None] - offset
    share = np.clip(distance / rng.uniform(0.01, 0.12) + 0.5, 0.0, 1.0)
    dark, bright = rng.uniform(0.15, 0.7), rng.uniform(0.9, 1.6)
    return _scaled(image, dark + (bright - dark) * share)


def glare(image: Image, rng: np.random.Generator) -> Image:
    """One to three bright soft blobs, long or round: sun on glass, lamps, lens flare."""
    size = image.shape[0]
    light = np.zeros((size // 4, size // 4), np.float32)
    for _ in range(rng.integers(1, 4)):
        centre = rng.uniform(0, size / 4, 2)
        axes = rng.uniform(0.5, 5.0, 2)
        cv2.ellipse(light, (centre.tolist(), (2 * axes).tolist(), float(rng.uniform(0, 180))), 1.0, -1)
    light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.6, 5.0))
    light = cv2.resize(light, (size, size)) * rng.uniform(80.0, 260.0)
    return _picture(cv2.add(image, cv2.merge([light] * 3), dtype=cv2.CV_8U))


def low_light(image: Image, rng: np.random.Generator) -> Image:
    """Little light and its shot noise; sometimes the camera's gain brings the level back up."""
    level = rng.uniform(0.2, 0.7)
    grain = _grain(image.shape[0], rng)
    dark = image.astype(np.float32) * np.float32(level)
    dark += grain * np.sqrt(dark + 4.0) * np.float32(rng.uniform(0.3, 1.0))
    if rng.uniform() < 0.5:
        dark *= np.float32(rng.uniform(1.0, 0.9 / level))
    return _picture(cv2.convertScaleAbs(np.maximum(dark, 0.0)))


def defocus(image: Image, rng: np.random.Generator) -> Image:
    """Out of focus."""
    sigma = rng.uniform(0.4, 2.0)
    return _picture(cv2.GaussianBlur(image, (0, 0), sigma))


def motion(image: Image, rng: np.random.Generator) -> Image:
    """Camera or head moving in a straight line during exposure."""
    length = rng.uniform(2.0, 9.0)
    angle = rng.uniform(0, np.pi)
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    du, dv = 0.5 * length * np.cos(angle), 0.5 * length * np.sin(angle)
    ends = [(int(round((reach + s * du) * 16)), int(round((reach + s * dv) * 16))) for s in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return _picture(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def small(image: Image, rng: np.random.Generator) -> Image:
    """A distant face: fewer pixels, enlarged again."""
    size = image.shape[0]
    side = int(rng.uniform(0.22, 0.8) * size)
    down = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return _picture(cv2.resize(down, (size, size), interpolation=int(rng.choice((cv2.INTER_LINEAR, cv2.INTER_CUBIC)))))


def noise(image: Image, rng: np.random.Generator) -> Image:
    """Read-out noise, of one strength in all colours or grey."""
    strength = rng.uniform(1.0, 14.0)
    return _picture(cv2.add(image, _grain(image.shape[0], rng) * np.float32(strength), dtype=cv2.CV_8U))


def row_noise(image: Image, rng: np.random.Generator) -> Image:
    """Each sensor row slightly brighter or darker."""
    rows = rng.normal(0.0, rng.uniform(1.0, 6.0), (image.shape[0], 1, 1)).astype(np.float32)
    return _picture(cv2.add(image, np.ascontiguousarray(np.broadcast_to(rows, image.shape)), dtype=cv2.CV_8U))


def jpeg(image: Image, rng: np.random.Generator) -> Image:
    """Compression."""
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(18, 92))])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8)


def _picture(pixels: npt.NDArray[np.generic]) -> Image:
    """OpenCV's stubs promise no pixel type."""
    return np.asarray(pixels, dtype=np.uint8)


def _looked_up(image: Image, curve: Image) -> Image:
    """Every value through a table (256,)."""
    return _picture(cv2.LUT(image, curve))


def _mixed(image: Image, matrix: npt.NDArray[np.floating]) -> Image:
    """Every pixel's colour through a matrix (3, 3)."""
    return _picture(cv2.transform(image, np.asarray(matrix, np.float32)))


def _scaled(image: Image, factor: npt.NDArray[np.floating]) -> Image:
    """The picture times a factor (size, size)."""
    return _picture(cv2.multiply(image, cv2.merge([np.asarray(factor, np.float32)] * 3), dtype=cv2.CV_8U))


def _curve(gamma: float, contrast: float, brightness: float) -> Image:
    """Look-up table (256,)."""
    level = 255.0 * (np.arange(256) / 255.0) ** gamma
    return _picture(np.clip((level - 127.5) * contrast + 127.5 + brightness, 0.0, 255.0))


@lru_cache(maxsize=1)
def _noise_sheet() -> FloatArray:
    """A stock of normal noise; drawing 50,000 fresh numbers per picture would cost more than everything else."""
    return np.random.default_rng(0).standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3), dtype=np.float32)


def _grain(size: int, rng: np.random.Generator) -> FloatArray:
    """Noise (size, size, 3) of standard deviation near 1: coloured or grey, fine or as coarse as a scaled sensor's."""
    sheet = _noise_sheet()
    top, left = rng.integers(_NOISE_SIDE - size, size=2)
    grain = sheet[top : top + size, left : left + size]
    if rng.uniform() < 0.4:
        grain = np.repeat(grain[..., :1], 3, axis=2)
    if rng.uniform() < 0.3:
        grain = np.asarray(cv2.blur(grain, (2, 2)), np.float32) * np.float32(2.0)
    return np.ascontiguousarray(grain if rng.uniform() < 0.5 else grain[::-1])
