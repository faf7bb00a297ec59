"""A face as a camera would show it that looks straight at it, whose pixels are square and whose lens distorts nothing.

Off the optical axis a camera shows a head sheared, and a lens bends it on top of that; to a network such a head looks
turned, and a fit weighs its errors otherwise. Looked at straight, a head is seen and fitted alike wherever it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import sqrt

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.crop import Crop, shrunk_window, window_corners
from dense_face_ros.geometry import Array, PinholeCamera, cross, lengths

_STEP = 0.05  # of the crop's side: differences along which the view's axes are laid
_NEAREST_EDGE = 0.2  # depth of the corners' rays over the middle's, below which the image is torn apart
_TOO_FAR = "the face is too far aside to be looked at straight"
_SAME_PLACE = 0.02  # of the distance from the middle, by which a lens may be inverted inexactly
_NODES = 17  # a side, between which the map to the image of a lens that distorts is interpolated


class TooFarAside(Exception):
    """No camera that is turned towards the crop shows all of it."""


@dataclass(frozen=True)
class FacingView:
    """What a crop of an image shows, through a camera that is turned towards its middle, where it has the crop's size,
    scale and up.

    Attributes:
        camera: of the image.
        rotation: (3, 3) camera <- view.
        pinhole: the view's own camera, without distortion.
    """

    camera: PinholeCamera
    rotation: Array
    pinhole: PinholeCamera

    @classmethod
    def of(cls, crop: Crop, camera: PinholeCamera) -> FacingView:
        """The view of a crop, as large and as upright as it is at its middle; TooFarAside where there is none."""
        middle, step = 0.5 * (crop.size - 1), _STEP * crop.size
        places = crop.to_image(middle + np.array([[0.0, 0.0], [step, 0.0], [0.0, step]]))
        rays = camera.rays(places)
        # Beyond what a lens shows, its model may say anything, a place on the other side for instance.
        off = float(np.linalg.norm(camera.project(rays[:1])[0] - places[0]))
        if not off <= _SAME_PLACE * float(np.linalg.norm(places[0] - [camera.cx, camera.cy])) + 1.0:
            raise TooFarAside(_TOO_FAR)
        ahead, right, down = rays[0], rays[1] - rays[0], rays[2] - rays[0]
        # As much of the sphere per pixel as the crop shows at its middle.
        focal = step / max(float(np.sqrt(np.linalg.norm(cross(right[None], down[None])))), 1e-12)
        return cls.towards(ahead, down, focal, crop.size, camera)

    @classmethod
    def towards(cls, ahead: Array, down: Array, focal: float, size: int, camera: PinholeCamera) -> FacingView:
        """The view along ``ahead`` in which ``down`` points downwards, both (3,) in the camera frame; TooFarAside where
        there is none. ``focal`` and ``size`` in its pixels."""
        ahead, middle = ahead / max(sqrt(ahead @ ahead), 1e-12), 0.5 * (size - 1)
        down = down - (down @ ahead) * ahead
        down = down / max(sqrt(down @ down), 1e-12)
        rotation = np.array([cross(down, ahead), down, ahead]).T
        if not (np.isfinite(rotation).all() and 0.0 < focal < np.inf):
            raise TooFarAside(_TOO_FAR)
        pinhole = PinholeCamera(focal, focal, middle, middle, size, size, metric=camera.metric)
        sideways, downwards, depth = rotation[2].tolist()
        corner = depth - 0.5 * size / focal * (abs(sideways) + abs(downwards))  # depth of the nearest one's ray
        if not corner > _NEAREST_EDGE * max(depth, 0.0):
            raise TooFarAside(_TOO_FAR)
        return cls(camera, rotation, pinhole)

    @classmethod
    def whole(cls, camera: PinholeCamera) -> FacingView:
        """A camera's own image, square and without distortion, as it is."""
        return cls(camera, np.eye(3), camera)

    @property
    def size(self) -> int:
        """Pixels a side."""
        return self.pinhole.width

    @cached_property
    def to_image_matrix(self) -> Array:
        """View pixel -> image pixel, homogeneous (3, 3); where the lens distorts, the nearest to its map."""
        if not self.camera.distorts:
            return np.asarray(self.camera.matrix @ self._to_ray)
        inner, places = self._inner
        found = cv2.getPerspectiveTransform(inner.astype(np.float32), places.astype(np.float32))
        return np.asarray(found, np.float64)

    @cached_property
    def _inner(self) -> tuple[Array, Array]:
        """Corners (4, 2) of the inner quarter of the view, where a lens does what its model says; and their image
        pixels."""
        inner = 0.5 * (window_corners(self.size) + 0.5 * (self.size - 1))
        return inner, self.to_image(inner)

    @cached_property
    def scale(self) -> float:
        """Image pixels to one of the view."""
        places = self._inner[1]
        (a, b), (c, d) = places[2] - places[0], places[3] - places[1]
        return sqrt(0.5 * abs(a * d - b * c)) / (0.5 * self.size)

    @cached_property
    def _outline(self) -> Array:
        """Image pixels (4, 2) of the view's outer corners."""
        return self.to_image(window_corners(self.size))

    @cached_property
    def _to_ray(self) -> Array:
        """(3, 3): view pixel and 1 -> where it looks, in the camera frame."""
        own = self.pinhole
        ray = np.array([[1.0 / own.fx, 0.0, -own.cx / own.fx], [0.0, 1.0 / own.fy, -own.cy / own.fy], [0.0, 0.0, 1.0]])
        return self.rotation @ ray

    @cached_property
    def _to_pixel(self) -> Array:
        """(3, 3): camera-frame point -> its view pixel and 1, times its depth in the view."""
        return self.pinhole.matrix @ self.rotation.T

    def to_image(self, pixels: npt.NDArray[np.floating]) -> Array:
        """View pixels (..., 2) -> image pixels."""
        if self.camera.distorts:
            return self.camera.project(self._rays(pixels))
        matrix = self.to_image_matrix
        places = matrix[:, :2] @ pixels.reshape(-1, 2).T + matrix[:, 2:]
        return np.asarray((places[:2] / places[2]).T.reshape(pixels.shape))

    def _rays(self, pixels: npt.NDArray[np.floating]) -> Array:
        """View pixels (..., 2) -> where they look, (..., 3) in the camera frame."""
        rays = self._to_ray[:, :2] @ pixels.reshape(-1, 2).T + self._to_ray[:, 2:]
        return np.asarray(rays.T.reshape(*pixels.shape[:-1], 3))

    def seen(self, points: Array) -> Array:
        """Camera-frame points (N, 3) -> view pixels (N, 2), column by column in memory."""
        pixels = self._to_pixel @ points.T
        return np.asarray((pixels[:2] / pixels[2]).T)

    def within_image(self, pixels: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_] | None:
        """Which view pixels (N, 2) the image shows; None: all that the view has."""
        if self._shown_whole:
            return None
        return self._shown(pixels, self.to_image(pixels))

    @cached_property
    def _shown_whole(self) -> bool:
        return bool(self._shown(window_corners(self.size), self._outline).all())

    def _shown(self, pixels: npt.NDArray[np.floating], places: Array) -> npt.NDArray[np.bool_]:
        """Which view pixels (N, 2), whose ``places`` are these, the image shows: what lies beyond a lens's own edge its
        model mirrors into the image, to places where something else is seen."""
        shown = self.camera.shows(places)
        if not self.camera.distorts:
            return shown
        straight = self.camera.project_straight(self._rays(pixels))
        away = lengths(straight - [self.camera.cx, self.camera.cy])
        back = lengths(self.camera.undistort(places) - straight)
        return np.asarray(shown & (back <= _SAME_PLACE * away + 1.0))

    def cut(self, image: npt.NDArray[np.uint8], border: int = cv2.BORDER_CONSTANT) -> npt.NDArray[np.uint8]:
        """Resample from an image (H, W) or (H, W, 3), as :meth:`Crop.cut` does."""
        size = self.size
        if not self.camera.distorts:
            image, part = shrunk_window(image, self._outline, self.scale)
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            out = cv2.warpPerspective(image, part @ self.to_image_matrix, (size, size), flags=flags, borderMode=border)
            return np.asarray(out, dtype=np.uint8)
        nodes, between = _nodes(size)
        places = self.to_image(nodes)
        image, part = shrunk_window(image, places, self.scale)
        places = places @ part[:2, :2] + part[:2, 2]
        u, v = ((between @ places[..., axis] @ between.T).astype(np.float32) for axis in (0, 1))
        out = cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=border)
        return np.asarray(out, dtype=np.uint8)


@cache
def _nodes(size: int) -> tuple[Array, Array]:
    """Nodes (n, n, 2) of a grid over a view, its pixels; and the weights (size, n) of its rows in each pixel's row."""
    at = np.linspace(0.0, size - 1.0, _NODES)
    step = at[1] - at[0]
    between = np.maximum(1.0 - np.abs(np.arange(size)[:, None] - at) / step, 0.0)
    return np.stack(np.meshgrid(at, at), axis=-1), between
