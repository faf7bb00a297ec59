"""Turning a photograph's head out of the image plane by its fitted mesh, so that every photograph serves at any yaw.

After the "face profiling" of 300W-LP (Zhu et al. 2016): the fitted face is drawn in the new pose with the colours of
the photograph, and the picture around it is warped along. Parts the photograph does not show take the colours of
their mirror image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.rendering.rasteriser import Image, IntArray, texture_from_photograph

_GRID = 15  # vertices along each side of the warped surroundings
_PADDING = 0.35  # how far the surroundings reach past the photograph's edge, of its size
_BEHIND = -0.07  # metres: the surroundings stand at the ears' depth behind the head's origin
_STILL_FROM, _STILL_BY = 0.8, 1.8  # in face sizes from the middle: nearer turns with the head, farther stays
_FACING = 0.12  # cosine between normal and ray above which a vertex counts as shown by the photograph


def grid_triangles(side: int) -> IntArray:
    """Triangles (2 (side - 1)^2, 3) of a square grid of vertices in row order, both windings so that folds show."""
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    one = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return np.concatenate([one, one[:, ::-1]]).astype(np.int32)


_TRIANGLES = grid_triangles(_GRID)


def colour_sources(model: FaceModel, points: Array, pixels: Array) -> tuple[npt.NDArray[np.float32], IntArray]:
    """Where in the photograph each part of the mesh takes its colour.

    Args:
        points: (V, 3) fitted vertices in the camera frame.
        pixels: (V, 2) their pixels in the photograph.

    Returns:
        Source pixels (2 V, 2), the mesh's own and then its mirror image's, and triangles (T, 3) into them.
    """
    normals = model.normals(points)
    facing = -(normals * points).sum(axis=1) / np.linalg.norm(points, axis=1)
    shown = (facing > _FACING)[model.triangles].all(axis=1)
    twin_shown = (facing[model.mirror] > _FACING)[model.triangles].all(axis=1)
    triangles = np.where((~shown & twin_shown)[:, None], model.triangles + len(points), model.triangles)
    return np.concatenate([pixels, pixels[model.mirror]]).astype(np.float32), triangles.astype(np.int32)


def draw_turned(
    model: FaceModel,
    photograph: Image,
    points: Array,
    pixels: Array,
    turned: Array,
    turned_pixels: Array,
    turn: Array,
    image: Image,
    to_image: npt.NDArray[np.floating],
) -> None:
    """Draw the head in its new pose, and its surroundings, over ``image`` in place.

    Args:
        photograph: (H, W, 3) RGB.
        points, pixels: (V, 3) fitted vertices in the camera frame and (V, 2) their pixels in the photograph.
        turned, turned_pixels: the same after the turn, pixels of ``image``.
        turn: (3, 3) camera-frame rotation about the head's middle that leads from one to the other.
        image: (size, size, 3), drawn over.
        to_image: (2, 3) affine map from photograph pixels to ``image`` pixels that would show the head unturned.
    """
    _draw_surroundings(photograph, points, pixels, turn, image, to_image)
    sources, triangles = colour_sources(model, points, pixels)
    texture_from_photograph(
        np.concatenate([turned_pixels, turned_pixels]), np.tile(turned[:, 2], 2), triangles, sources, photograph, image
    )


def _draw_surroundings(
    photograph: Image, points: Array, pixels: Array, turn: Array, image: Image, to_image: npt.NDArray[np.floating]
) -> None:
    height, width = photograph.shape[:2]
    along = np.linspace(-_PADDING, 1.0 + _PADDING, _GRID)
    u, v = np.meshgrid(along * (width - 1), along * (height - 1))
    source = np.stack([u.ravel(), v.ravel()], axis=1)
    middle = 0.5 * (pixels.min(axis=0) + pixels.max(axis=0))
    size = float(np.sqrt(np.prod(np.ptp(pixels, axis=0))))
    scale = size / float(np.sqrt(np.prod(np.ptp(points[:, :2], axis=0))))  # pixels per metre at the head
    flat = np.column_stack([(source - middle) / scale, np.full(len(source), -_BEHIND)])
    moved = flat @ turn.T
    distance = np.linalg.norm(source - middle, axis=1) / size
    still = np.clip((distance - _STILL_FROM) / (_STILL_BY - _STILL_FROM), 0.0, 1.0)
    still = still * still * (3.0 - 2.0 * still)
    # The plane behind the head would carry its middle sideways; only the turn around it is wanted.
    moved[:, :2] -= np.array([0.0, 0.0, -_BEHIND]) @ turn.T[:, :2]
    at = middle + scale * ((1.0 - still)[:, None] * moved[:, :2] + still[:, None] * flat[:, :2])
    where = at @ to_image[:, :2].T + to_image[:, 2]
    # Nearer to the head lies in front, so that folds of the far surroundings do not cover it.
    depth = 10.0 + distance
    texture_from_photograph(where, depth, _TRIANGLES, source, photograph, image)
