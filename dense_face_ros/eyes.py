"""Eyelid openness, read from the picture of each eye by a small network of its own.

The face model's fit hardly sees the lids: they cover a few cells of the correspondence network's grid. So each eye is
cut out upright where the fit has it, as a camera shows it that looks straight at it, at a size that turning the head
does not change, and the network says how far its lids are apart and whether the eye can be seen at all (dark glasses, a
hand, hair). It is told where the eye is seen from: lids of a bowed head look shut further than they are.
"""

from __future__ import annotations

from contextlib import suppress
from math import sqrt
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.backends.small_network import open_small_network
from dense_face_ros.facing_view import FacingView, TooFarAside
from dense_face_ros.geometry import Array, PinholeCamera

Image = npt.NDArray[np.uint8]

FORMAT_VERSION = "2"
PATCH_HEIGHT, PATCH_WIDTH = 32, 48
#: Landmarks at the (outer, inner) corner of the left and the right eye; left and right are the person's.
CORNERS = ((45, 42), (36, 39))
#: All landmarks of the left and the right eye.
LANDMARKS = (slice(42, 48), slice(36, 42))
_PATCH_EYES = 2.0  # width of the patch over that of the eye
_ROWS = slice((PATCH_WIDTH - PATCH_HEIGHT) // 2, (PATCH_WIDTH + PATCH_HEIGHT) // 2)
_VISIBLE = 0.5
_SMALLEST = 7.0  # pixels between the corners of an eye below which its lids cannot be told apart


class EyeOpenness:
    """Openness of each eye: 0 closed, 1 as an average adult's relaxed open eye; people differ, and so do their eyes.

    Args:
        path: the network (``.onnx``); by default the one shipped with the package.
        threads: CPU threads of the inference.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: naming the file, when it is no eyelid network of this format, or ``threads`` is below 1.
    """

    def __init__(self, path: Path | None = None, threads: int = 1) -> None:
        self._session, self.metadata = open_small_network(path, "eyelids", FORMAT_VERSION, threads)
        for count in (1, 2):  # the first run of each size is a slow one
            patches = np.zeros((count, PATCH_HEIGHT, PATCH_WIDTH), np.uint8)
            self._session.run(None, {"patches": patches, "directions": np.zeros((count, 3), np.float32)})

    def __call__(
        self, image: Image, landmarks: Array, rotation: Array, camera: PinholeCamera, visibility: Array
    ) -> tuple[float, float]:
        """(left, right) openness; NaN where the eye cannot be seen, is turned away or too small.

        Args:
            image: (H, W) grey or (H, W, 3) BGR.
            landmarks: (68, 3) metres, camera frame; rotation: (3, 3) camera <- head.
            visibility: (68,) probability that each landmark is visible.
        """
        openness = [np.nan, np.nan]
        corners = [landmarks.take(pair, axis=0) for pair in CORNERS]
        views: dict[int, FacingView] = {}
        for i, part in enumerate(LANDMARKS):
            if visibility[part].sum() >= _VISIBLE * (part.stop - part.start):
                with suppress(TooFarAside):
                    views[i] = eye_view(corners[i], rotation, camera)
        eyes = [i for i, view in views.items() if view.scale * PATCH_WIDTH >= _PATCH_EYES * _SMALLEST]
        if eyes:
            patches = np.array([eye_patch(image, views[i], mirrored=i == 0) for i in eyes])
            directions = np.array([seen_from(corners[i], rotation, mirrored=i == 0) for i in eyes], np.float32)
            found, visible = self._session.run(["openness", "visible"], {"patches": patches, "directions": directions})
            for i, value, seen in zip(eyes, np.asarray(found), np.asarray(visible), strict=True):
                if seen >= _VISIBLE:
                    openness[i] = min(max(float(value), 0.0), 1.0)
        return openness[0], openness[1]


def eye_view(
    corners: Array, rotation: Array, camera: PinholeCamera, room: float = 1.0, size: int = PATCH_WIDTH
) -> FacingView:
    """An eye looked at straight: upright with the head, and of a size that does not shrink when the head turns.

    Args:
        corners: (2, 3) outer and inner corner, metres, camera frame; rotation: (3, 3) camera <- head.
        room: how much more than a patch it shows, across; in ``size`` pixels.

    Raises:
        TooFarAside: there is no such view.
    """
    middle, across = 0.5 * (corners[0] + corners[1]), corners[0] - corners[1]
    focal = size / (room * _PATCH_EYES) * sqrt((middle @ middle) / max(across @ across, 1e-12))
    return FacingView.towards(middle, -rotation[:, 2], focal, size, camera)


def seen_from(corners: Array, rotation: Array, mirrored: bool) -> Array:
    """Direction (3,) from an eye to the camera, of length 1 in the head's frame; ``mirrored`` as :func:`eye_patch`.

    corners: (2, 3) metres, camera frame; rotation: (3, 3) camera <- head.
    """
    towards = -0.5 * (corners[0] + corners[1]) @ rotation
    if mirrored:
        towards[1] = -towards[1]
    return np.asarray(towards / sqrt(towards @ towards))


def eye_patch(image: Image, view: FacingView, mirrored: bool) -> Image:
    """The patch (32, 48) grey of one eye; the left one is mirrored, so that every outer corner is at the left."""
    # Skin ends at the edge of the image, black would be a contrast beside which the lids have none.
    patch = view.cut(image, cv2.BORDER_REPLICATE)[_ROWS]
    if patch.ndim == 3:
        patch = np.asarray(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    return patch[:, ::-1] if mirrored else patch
