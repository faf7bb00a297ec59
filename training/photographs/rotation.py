"""Turning a photograph's head out of the image plane by its fitted mesh, so that every photograph serves at any yaw.

After the "face profiling" of 300W-LP (Zhu et al. 2016): the fitted face is drawn in the new pose with the colours of
the photograph, and the picture around it is warped along. Parts the photograph does not show take the colours of
their mirror image, and where that is not shown either, skin as it is around them: at its own edge a face has the
colours of what lies behind it, and patches of wall on a cheek would tell how far the head was turned.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from training.rendering.rasteriser import Image, IntArray, texture_from_photograph

_GRID = 15  # vertices along each side of the warped surroundings
_PADDING = 0.35  # how far the surroundings reach past the photograph's edge, of its size
_BEHIND = -0.07  # metres: the surroundings stand at the ears' depth behind the head's origin
_STILL_FROM, _STILL_BY = 0.8, 1.8  # in face sizes from the middle: nearer turns with the head, farther stays
# Cosines between normal and ray: above the first the photograph shows a vertex, above the second even if the label is a
# little too wide.
_SHOWN, _WELL_SHOWN = 0.2, 0.35
_EDGE = 2.0  # pixels
_NEIGHBOURS, _SKIN_REACH, _SKIN_BLUR = 12, 0.01, 3  # of skin that is not shown: vertices, metres, pixels


def grid_triangles(side: int) -> IntArray:
    """Triangles (2 (side - 1)^2, 3) of a square grid of vertices in row order, both windings so that folds show."""
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    one = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    return np.concatenate([one, one[:, ::-1]]).astype(np.int32)


_TRIANGLES = grid_triangles(_GRID)


def facing_camera(model: FaceModel, points: Array) -> Array:
    """Cosine (V,) between the normal of each vertex and the ray to it; ``points`` (V, 3) in the camera frame."""
    return np.asarray(-(model.normals(points) * points).sum(axis=1) / np.linalg.norm(points, axis=1))


def colour_sources(model: FaceModel, facing: Array) -> IntArray:
    """Where each triangle (T,) takes its colour: 0 where the photograph shows it, 1 where it shows its mirror image, 2
    where neither; ``facing`` (V,) as :func:`facing_camera` gives it, -1 where a vertex lies beyond its edge."""
    own, twin = ((cosine > _SHOWN)[model.triangles].all(axis=1) for cosine in (facing, facing[model.mirror]))
    return np.where(own, 0, np.where(twin, 1, 2)).astype(np.int32)


def skin_around(photograph: Image, points: Array, pixels: Array, facing: Array) -> Array:
    """Colours (V, 3), 0..255: the photograph's where a vertex is well seen, else a mean of those nearby that are."""
    near = cv2.blur(photograph, (_SKIN_BLUR, _SKIN_BLUR))
    u, v = (np.ascontiguousarray(pixels[:, i : i + 1], np.float32) for i in (0, 1))
    taken = cv2.remap(near, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colours, seen = np.asarray(taken[:, 0], dtype=np.float64), facing > _WELL_SHOWN
    if seen.sum() < _NEIGHBOURS:
        return colours
    distance, nearest = cKDTree(points[seen]).query(points[~seen], k=_NEIGHBOURS)
    weight = 1.0 / (distance + _SKIN_REACH)
    found = (weight[:, :, None] * colours[seen][nearest]).sum(axis=1)
    colours[~seen] = found / weight.sum(axis=1, keepdims=True)
    return colours


def _within(photograph: Image, pixels: Array) -> npt.NDArray[np.bool_]:
    """Which pixels (V, 2) a photograph shows: those at its very edge are mixed with a frame, or with nothing."""
    height, width = photograph.shape[:2]
    inner = (pixels >= _EDGE) & (pixels <= [width - 1.0 - _EDGE, height - 1.0 - _EDGE])
    return np.asarray(inner.all(axis=1))


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
    relit: Array | None = None,
) -> None:
    """Draw the head in its new pose, and its surroundings, over ``image`` in place.

    Args:
        photograph: (H, W, 3) RGB.
        points, pixels: (V, 3) fitted vertices in the camera frame and (V, 2) their pixels in the photograph.
        turned, turned_pixels: the same after the turn, pixels of ``image``.
        turn: (3, 3) camera-frame rotation about the head's middle that leads from one to the other.
        image: (size, size, 3), drawn over.
        to_image: (2, 3) affine map from photograph pixels to ``image`` pixels that would show the head unturned.
        relit: (V, 3) factor on the face's colours, as :func:`training.photographs.relighting.other_light` gives it.
    """
    _draw_surroundings(photograph, points, pixels, turn, image, to_image)
    # Beyond the photograph's edge nothing is shown.
    facing = np.where(_within(photograph, pixels), facing_camera(model, points), -1.0)
    block = colour_sources(model, facing)
    # A white line below the photograph takes on any colour by shading.
    height = len(photograph)
    with_white = np.concatenate([photograph, np.full_like(photograph[:1], 255)])
    white = np.tile([0.0, height], (len(points), 1))
    within = np.minimum(np.concatenate([pixels, pixels[model.mirror]]), [np.inf, height - 1.0])
    shading = np.ones((3 * len(points), 3))
    shading[2 * len(points) :] = skin_around(photograph, points, pixels, facing) / 255.0
    texture_from_photograph(
        np.tile(turned_pixels, (3, 1)),
        np.tile(turned[:, 2], 3),
        model.triangles + (block * len(points))[:, None],
        np.concatenate([within, white]),
        with_white,
        image,
        shading if relit is None else shading * np.tile(relit, (3, 1)),
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
