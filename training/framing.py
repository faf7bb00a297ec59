"""Pictures that end close around a head, and what a crop shows beyond their edge.

Photographs often end at the chin, at the ears or above the brows, and a driver's head at the edge of the image does.
Whoever learns from rendered heads must learn it too: their hair, necks and clothes are less true than their faces are,
and a network that tells the pose by them is wrong about people.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE
from training.backgrounds import Backgrounds
from training.head_view import HeadView
from training.loss import UNKNOWN

Image = npt.NDArray[np.uint8]

#: Share of the heads around which the picture ends close, where it would not end at all.
CLOSE = 0.35
# Metres from the middle of the face to the edges, so that these cut ears, chin or brows off as often as not; a face is
# 0.10 high below its middle and 0.08 wide to either side. Degrees by which the edges are turned against the head.
_ACROSS, _UP, _DOWN = (0.05, 0.15), (0.06, 0.16), (0.06, 0.18)
_TILT = 6.0


def surroundings(rng: np.random.Generator, picture: Image, backgrounds: Backgrounds) -> Image:
    """What a crop (128, 128, 3) shows beyond a picture's edge: black, a plain colour of it, or another picture."""
    kind = rng.random()
    if kind < 0.25:
        return np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)
    if kind < 0.5:
        colour = picture[rng.integers(picture.shape[0]), rng.integers(picture.shape[1])]
        return np.tile(colour, (CROP_SIZE, CROP_SIZE, 1))
    return backgrounds.draw(rng)


def inside_close_edges(rng: np.random.Generator, view: HeadView) -> npt.NDArray[np.bool_]:
    """Where (128, 128) a crop still shows the picture when that ends at a random upright box close around the head."""
    middle, distance = view.pixels.mean(axis=0), float(view.points[:, 2].mean())
    up = view.rotation[:2, 2] / max(float(np.linalg.norm(view.rotation[:2, 2])), 1e-6)
    tilt = np.radians(_TILT * rng.standard_normal())
    up = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]]) @ up
    right, left, above, below = (
        rng.uniform(*reach) * view.focal / distance for reach in (_ACROSS, _ACROSS, _UP, _DOWN)
    )
    v, u = np.mgrid[:CROP_SIZE, :CROP_SIZE]
    height = (u - middle[0]) * up[0] + (v - middle[1]) * up[1]
    across = (u - middle[0]) * -up[1] + (v - middle[1]) * up[0]
    return np.asarray((-left < across) & (across < right) & (-below < height) & (height < above))


def known_cells(matchable: npt.NDArray[np.bool_], inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """``matchable`` (h, w) as training takes it, of a picture that is seen where ``inside`` (128, 128).

    Where the face reaches past the picture's edge there is nothing to see, nor anything else to learn.
    """
    stride = len(inside) // len(matchable)
    known = inside[stride // 2 :: stride, stride // 2 :: stride]
    return np.where(known | ~matchable, matchable, UNKNOWN).astype(np.uint8)
