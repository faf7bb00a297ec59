"""What ``sensor_msgs/CameraInfo`` says about the camera, and the calibration files it comes from.

Nothing here needs ROS to be imported: messages are objects with the fields of ``sensor_msgs/CameraInfo``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import yaml

from dense_face_ros.error_text import first_line
from dense_face_ros.facing_view import FacingView
from dense_face_ros.frame_input import assumed_camera
from dense_face_ros.geometry import Array, PinholeCamera, lengths

_ALSO_CALLED = {"fisheye": "equidistant"}  # by camera drivers and calibrators
#: Focal lengths of lenses, in longer sides of the image: of a half circle and more, and of half a degree.
_WIDEST, _LONGEST = 0.02, 100.0
_SIDEWAYS = 1.2  # focal lengths from the middle of the image: 69 degrees off the axis of a fisheye
_STRETCHED = 3.0  # times larger or smaller without distortion, at most; a fisheye's image is 2.1 times as large there


def image_topic(node: Any, compressed: bool) -> str:
    """Topic of the images for an ``rclpy`` node that has ``image``, or ``image/compressed``, which lies under ``image``
    unless it was remapped itself."""
    compressed_topic = node.resolve_topic_name("image/compressed")
    if compressed and compressed_topic != node.resolve_topic_name("image/compressed", only_expand=True):
        return str(compressed_topic)
    image = node.resolve_topic_name("image")
    return str(node.resolve_topic_name(f"{image}/compressed") if compressed else image)


def camera_info_topic(node: Any, image: str) -> str:
    """Topic of ``camera_info`` for an ``rclpy`` node whose images are on ``image``: beside it, unless it was remapped
    itself."""
    topic = str(node.resolve_topic_name("camera_info"))
    remapped = topic != node.resolve_topic_name("camera_info", only_expand=True)
    return topic if remapped else camera_info_beside(image)


def camera_info_beside(image: str) -> str:
    """Topic of the camera_info beside one of images, which may be compressed ones."""
    return f"{image.removesuffix('/compressed').rsplit('/', 1)[0]}/camera_info"


def camera_from_message(message: Any, rectified: bool = False) -> PinholeCamera:
    """``CameraInfo`` -> the camera of the images as published: binning and region of interest are applied.

    ``rectified`` takes P and no distortion, for images that have been rectified; else K and D.

    Raises:
        ValueError: naming what makes it unusable.
    """
    matrix = np.asarray(message.p if rectified else message.k, dtype=np.float64).reshape(3, -1)
    _check_intrinsics(matrix, "P" if rectified else "K", message.width, message.height)
    roi = message.roi
    bin_x, bin_y = max(message.binning_x, 1), max(message.binning_y, 1)
    width, height = roi.width or message.width, roi.height or message.height
    distortion = () if rectified else tuple(float(value) for value in message.d)
    model = _ALSO_CALLED.get(message.distortion_model, message.distortion_model)
    if model == "equidistant" and not distortion and not rectified:
        raise ValueError("D of a fisheye is empty; calibrate the camera, or give four zeros for an ideal one")
    if not any(distortion) and not (distortion and model == "equidistant"):  # zeros are none, but of a fisheye
        model, distortion = "", ()
    camera = PinholeCamera(
        fx=float(matrix[0, 0]) / bin_x,
        fy=float(matrix[1, 1]) / bin_y,
        # Pixel centres lie at whole numbers: binning moves them by half a pixel.
        cx=(float(matrix[0, 2]) - roi.x_offset + 0.5) / bin_x - 0.5,
        cy=(float(matrix[1, 2]) - roi.y_offset + 0.5) / bin_y - 0.5,
        width=width // bin_x,
        height=height // bin_y,
        distortion_model=model,
        distortion=distortion,
    )
    _check_lens(camera, 0.25 * message.width / bin_x, 0.25 * message.height / bin_y)
    return camera


def _check_intrinsics(matrix: Array, name: str, width: int, height: int) -> None:
    """ValueError for numbers that no camera has but drivers tell before it is calibrated, or in another unit: with such
    nobody would be found, or everybody looks aside, and nothing would say why."""
    fx, fy, side = float(matrix[0, 0]), float(matrix[1, 1]), max(width, height)
    if fx == 0.0 or fy == 0.0:
        raise ValueError(f"focal length in {name} is zero; calibrate the camera")
    if side and any(0.0 < f < _WIDEST * side or f > _LONGEST * side for f in (fx, fy)):
        raise ValueError(
            f"focal length in {name} is {fx:g}, {fy:g} for {width}x{height} pixels, which no lens has; calibrate the "
            "camera, in pixels"
        )
    if matrix[0, 2] == 0.0 and matrix[1, 2] == 0.0:
        raise ValueError(f"principal point in {name} is 0, 0, a corner of the image; calibrate the camera")


@lru_cache(maxsize=4)  # most drivers tell the same camera with every image
def _check_lens(camera: PinholeCamera, across: float, down: float) -> None:
    """ValueError for distortion that no lens has in the middle half of the whole image, ``across`` and ``down`` pixels
    about the principal point: a head would be placed where it cannot be, and nothing would say why. Towards the corners
    many a good calibration folds back, as no board was held there."""
    if not camera.distorts:
        return
    turn = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)
    focal, centre = np.array([camera.fx, camera.fy]), np.array([camera.cx, camera.cy])
    ring = np.column_stack([np.cos(turn), np.sin(turn)]) * np.minimum([across, down], _SIDEWAYS * focal)
    pixels = centre + np.concatenate([0.5 * ring, ring])
    rays = camera.rays(pixels)
    stretch = lengths(camera.project_straight(rays) - centre) / lengths(pixels - centre)
    one_to_one = lengths(camera.project(rays) - pixels) <= 1.0
    if not np.all(one_to_one & (stretch < _STRETCHED) & (stretch > 1.0 / _STRETCHED)):
        raise ValueError(
            f"D is {', '.join(f'{value:g}' for value in camera.distortion)} for '{camera.distortion_model}', which "
            "folds or tears the middle of the image as no lens does; calibrate the camera"
        )


class CameraCache:
    """The newest camera_info, and whether it fits the images. Messages and images may come in threads of their own."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._lock = Lock()
        self._message: Any = None
        self._camera: PinholeCamera | None = None
        self._problem = ""
        self._rectified = False

    def update(self, message: Any) -> None:
        """Take the newest message."""
        with self._lock:
            self._message = message
            self._convert()

    def camera_for(
        self, width: int, height: int, frame_id: str, rectified: bool, field_of_view: float
    ) -> tuple[PinholeCamera, str]:
        """The camera for an image of this size and frame, and what is wrong in one line, or empty.

        Without a usable camera_info it is an assumed one (``metric`` False) spanning ``field_of_view`` degrees.
        """
        with self._lock:
            if rectified != self._rectified:
                self._rectified = rectified
                self._convert()
            message, camera, problem = self._message, self._camera, self._problem
        if message is None:
            problem = f"no camera_info on {self._topic}"
        elif camera is not None and (camera.width, camera.height) != (width, height):
            problem = (
                f"camera_info on {self._topic} is for {camera.width}x{camera.height} pixels, "
                f"the image has {width}x{height}"
            )
        elif camera is not None:
            info_frame = message.header.frame_id
            if info_frame != frame_id:
                problem = f"camera_info on {self._topic} has frame_id '{info_frame}', the image '{frame_id}'"
            return camera, problem
        return assumed_camera(width, height, field_of_view), problem

    def _convert(self) -> None:
        self._camera, self._problem = None, ""
        if self._message is None:
            return
        try:
            self._camera = camera_from_message(self._message, self._rectified)
        except ValueError as error:
            self._problem = f"camera_info on {self._topic} is unusable: {error}"


def read_calibration(path: str | Path, message: Any) -> None:
    """Fill a ``CameraInfo`` (all but its header) from a camera calibration YAML file, as ROS calibrators write it.

    Raises:
        ValueError: naming the file and what it lacks.
    """
    try:
        with open(path, encoding="utf-8") as file:
            data = yaml.safe_load(file)
        message.width, message.height = int(data["image_width"]), int(data["image_height"])
        message.distortion_model = str(data.get("distortion_model", ""))
        message.k = _numbers(data["camera_matrix"], 9)
        message.d = _numbers(data.get("distortion_coefficients", {"data": []}), None)
        identity = {"data": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]}
        message.r = _numbers(data.get("rectification_matrix", identity), 9)
        k = message.k
        unrectified = {"data": [k[0], k[1], k[2], 0.0, k[3], k[4], k[5], 0.0, k[6], k[7], k[8], 0.0]}
        message.p = _numbers(data.get("projection_matrix", unrectified), 12)
        camera_from_message(message)
    except OSError as error:
        raise ValueError(f"calibration file '{path}' cannot be read: {error.strerror}") from error
    except KeyError as error:
        raise ValueError(f"calibration file '{path}' lacks {error.args[0]}") from error
    except (TypeError, AttributeError, ValueError, OverflowError, AssertionError, yaml.YAMLError) as error:
        raise ValueError(f"calibration file '{path}' is not a camera calibration: {first_line(error)}") from error


def _numbers(entry: dict[str, Any], count: int | None) -> list[float]:
    values = [float(value) for value in entry["data"]]
    if count is not None and len(values) != count:
        raise ValueError(f"{len(values)} numbers where {count} are needed")
    return values


def fill_from_field_of_view(message: Any, width: int, height: int, degrees: float) -> None:
    """Fill a ``CameraInfo`` for an ideal camera whose longer image side spans ``degrees``; 0: uncalibrated (K = 0)."""
    message.width, message.height = width, height
    if degrees == 0.0:
        return
    camera = assumed_camera(width, height, degrees)
    _fill(message, camera, np.eye(3), camera.matrix)


def fill_from_view(message: Any, view: FacingView, cells: int) -> None:
    """Fill a ``CameraInfo`` for a view of an image, told on ``cells`` x ``cells`` cells, as for a rectified image.

    Width, height, K and D are those of the whole image, R (view <- camera) and P those of the view, in cells.
    """
    message.width, message.height = view.camera.width, view.camera.height
    pixels = view.size / cells  # a side of a cell
    to_cells = np.array([[1.0, 0.0, 0.5 - 0.5 * pixels], [0.0, 1.0, 0.5 - 0.5 * pixels], [0.0, 0.0, pixels]]) / pixels
    _fill(message, view.camera, view.rotation.T, to_cells @ view.pinhole.matrix)


def _fill(message: Any, camera: PinholeCamera, rectification: Array, projection: Array) -> None:
    message.distortion_model = camera.distortion_model or "plumb_bob"
    message.d = list(camera.distortion) or [0.0] * 5
    message.k = camera.matrix.ravel().tolist()
    message.r = rectification.ravel().tolist()
    message.p = np.column_stack([projection, np.zeros(3)]).ravel().tolist()
