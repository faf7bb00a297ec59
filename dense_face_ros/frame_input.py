"""What the tracker is given: an image, and the camera that took it or one to assume."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from dense_face_ros.geometry import PinholeCamera

Image = npt.NDArray[np.uint8]

#: A lone photograph's camera is not known: its focal length is taken to be this many sides of the face's box. To fit it
#: was tried too: rendered heads at arm's length became more exact (rotation 5.0 -> 3.8 degrees), but in photographs
#: networks see the perspective that their training's labels assumed, and landmarks got no better.
_PHOTOGRAPH_FOCAL = 8.0
#: But no lens is taken to be wider than this, of the longer side (60 degrees): a small face near the edge would lie far
#: off its axis.
_LEAST_FOCAL = 0.87
_SAME_LENS = 0.01  # of the focal length

#: The assumed camera of images of a size, which every frame asks for.
assumed_camera = lru_cache(maxsize=8)(PinholeCamera.from_field_of_view)


def photograph_camera(image: Image, box_side: float) -> PinholeCamera:
    """The camera of a lone photograph, which is not known: far enough from a face of ``box_side`` pixels."""
    height, width = image.shape[:2]
    focal = max(_PHOTOGRAPH_FOCAL * box_side, _LEAST_FOCAL * max(width, height))
    return PinholeCamera(focal, focal, 0.5 * (width - 1), 0.5 * (height - 1), width, height, metric=False)


def same_lens(a: PinholeCamera, b: PinholeCamera) -> bool:
    """Whether two cameras of images of one size show alike, give or take what autofocus and a new calibration move."""
    if a == b:
        return True
    near = np.allclose([a.fx, a.fy], [b.fx, b.fy], rtol=_SAME_LENS, atol=0.0)
    near &= np.allclose([a.cx, a.cy], [b.cx, b.cy], rtol=0.0, atol=_SAME_LENS * a.fx)
    alike = a.metric == b.metric and a.distortion_model == b.distortion_model and len(a.distortion) == len(b.distortion)
    return bool(near and alike and np.allclose(a.distortion, b.distortion, rtol=0.0, atol=_SAME_LENS))


def check_image(image: Image) -> None:
    """ValueError unless it is an image (H, W, 3) BGR or (H, W) grey, uint8."""
    if not isinstance(image, np.ndarray):
        raise ValueError(f"image is a {type(image).__name__}; it must be an array (H, W, 3) BGR or (H, W) grey, uint8")
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"image is {image.dtype} {image.shape}; it must be uint8, (H, W, 3) BGR or (H, W) grey")
    if image.shape[0] < 2 or image.shape[1] < 2:
        raise ValueError(f"image has {image.shape[1]}x{image.shape[0]} pixels; there is nothing to see in it")


def checked_camera(camera: PinholeCamera | None, image: Image) -> PinholeCamera | None:
    """The camera, if there is one; ValueError when it is one of images of another size."""
    if camera is not None and (camera.width, camera.height) != (image.shape[1], image.shape[0]):
        raise ValueError(
            f"the camera is for {camera.width}x{camera.height} images, this one is {image.shape[1]}x{image.shape[0]}; "
            "give the intrinsics of this image size"
        )
    return camera
