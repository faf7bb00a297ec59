"""Eyelid openness, read from the picture of each eye by a small network of its own.

The face model's fit hardly sees the lids: they cover a few cells of the correspondence network's grid. So each eye is
cut out upright where the fit has it, at a size that turning the head does not change, and the network says how far its
lids are apart and whether the eye can be seen at all (dark glasses, a hand, hair). It is told where the eye is seen
from: lids of a bowed head look shut further than they are.
"""

from __future__ import annotations

from math import atan2, sqrt
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.backends.small_network import open_small_network
from dense_face_ros.crop import Crop
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
_A_BIT = 0.001  # metres up the head, to see which way is up in the image
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
        crops = [eye_crop(pair, rotation, camera) for pair in corners]
        shown = [visibility[part].sum() >= _VISIBLE * (part.stop - part.start) for part in LANDMARKS]
        eyes = [i for i, crop in enumerate(crops) if shown[i] and crop.side >= _PATCH_EYES * _SMALLEST]
        if eyes:
            patches = np.array([eye_patch(image, crops[i], mirrored=i == 0) for i in eyes])
            directions = np.array([seen_from(corners[i], rotation, mirrored=i == 0) for i in eyes], np.float32)
            found, visible = self._session.run(["openness", "visible"], {"patches": patches, "directions": directions})
            for i, value, seen in zip(eyes, np.asarray(found), np.asarray(visible), strict=True):
                if seen >= _VISIBLE:
                    openness[i] = min(max(float(value), 0.0), 1.0)
        return openness[0], openness[1]


def eye_crop(corners: Array, rotation: Array, camera: PinholeCamera) -> Crop:
    """Where to cut out an eye: upright with the head, and of a size that does not shrink when the head turns.

    corners: (2, 3) outer and inner corner, metres, camera frame; rotation: (3, 3) camera <- head.
    """
    middle, across = 0.5 * (corners[0] + corners[1]), corners[0] - corners[1]
    (u, v), (u_above, v_above) = camera.project(np.array([middle, middle + _A_BIT * rotation[:, 2]])).tolist()
    magnified = camera.magnification(camera.project_straight(middle[None]))[0] if camera.distorts else 1.0
    scale = sqrt(camera.fx * camera.fy) / float(middle[2] * magnified)
    side = _PATCH_EYES * sqrt(across @ across) * scale
    return Crop((u, v), side, atan2(u_above - u, v - v_above), PATCH_WIDTH)


def seen_from(corners: Array, rotation: Array, mirrored: bool) -> Array:
    """Direction (3,) from an eye to the camera, of length 1 in the head's frame; ``mirrored`` as :func:`eye_patch`.

    corners: (2, 3) metres, camera frame; rotation: (3, 3) camera <- head.
    """
    towards = -0.5 * (corners[0] + corners[1]) @ rotation
    if mirrored:
        towards[1] = -towards[1]
    return np.asarray(towards / sqrt(towards @ towards))


def eye_patch(image: Image, crop: Crop, mirrored: bool) -> Image:
    """The patch (32, 48) grey of one eye; the left one is mirrored, so that every outer corner is at the left."""
    # Skin ends at the edge of the image, black would be a contrast beside which the lids have none.
    patch = crop.cut(image, cv2.BORDER_REPLICATE)[_ROWS]
    if patch.ndim == 3:
        patch = np.asarray(cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    return patch[:, ::-1] if mirrored else patch
