"""Webcams, video files and folders of images as one thing: an iterator of frames with their times. Free of ROS."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.ros.images import decode_file

_FOLDER_RATE = 10.0  # frames per second of a folder of images
_VIDEO_RATE = 30.0  # frames per second of a video file that does not tell
_AS_ASKED = 0.05  # share by which a camera's rate may differ from the one asked: 29.97 Hz is 30
_WHOLE = 0.9  # share of the frames that a video tells of: some count those before a cut too
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}


class SourceError(ValueError):
    """A source that cannot be played: one line that names it."""


def source_path(source: str) -> Path:
    """The path of a source that is a file or folder, with ``~`` and ``~somebody`` put in.

    Raises:
        SourceError: there is no such home.
    """
    try:
        return Path(source).expanduser()
    except RuntimeError as error:
        raise SourceError(f"source '{source}' cannot be found: {error}") from error


@dataclass(frozen=True)
class Frame:
    """An image (H, W, 3) BGR and its time in seconds: since the start, or since the epoch for a live camera."""

    time: float
    image: npt.NDArray[np.uint8]


class Webcam:
    """A camera that OpenCV can open; it sets the pace. ``note`` says in what it does not do as asked, or nothing.

    Of every source, ``live`` tells that it sets the pace, ``interval`` the seconds after a last frame at which a first
    one may come again, and ``note`` what is wrong, or nothing.

    Where a size or rate is asked, so are compressed frames (Motion JPEG): over USB few cameras send large ones at a
    video's rate otherwise.
    """

    live, interval = True, 0.0

    def __init__(self, device: int, width: int = 0, height: int = 0, rate: float = 0.0) -> None:
        self.name = f"/dev/video{device}"
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise SourceError(f"webcam '{self.name}' cannot be opened; is it there, permitted and not in use?")
        properties = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
        wanted = zip(("width", "height", "rate"), properties, (width, height, rate), strict=True)
        asked = [(name, prop, value) for name, prop, value in wanted if value]
        if asked:
            self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        for _, prop, value in asked:
            self._capture.set(prop, value)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an old frame is worth nothing
        others = []
        for name, prop, value in asked:
            given = self._capture.get(prop)
            if given > 0.0 and abs(given - value) > _AS_ASKED * value:  # 0: it does not tell
                others.append(f"{name} {given:g} instead of {value:g}")
        self.note = f"webcam '{self.name}' gives {', '.join(others)}" if others else ""

    def frames(self) -> Iterator[Frame]:
        """Frames for as long as the camera gives them.

        Raises:
            SourceError: when it stops.
        """
        while True:
            found, image = self._capture.read()
            if not found:
                raise SourceError(f"webcam '{self.name}' stopped giving images")
            yield Frame(time.time(), np.asarray(image, dtype=np.uint8))

    def close(self) -> None:
        """Let the device go."""
        self._capture.release()


class Video:
    """A video file. Frames have the times that it tells, which may be uneven, or come at ``rate`` where it is given.

    ``note`` says, once all frames were read, that there were far fewer than the file tells of, or nothing.
    """

    live, note = False, ""

    def __init__(self, path: Path, rate: float = 0.0) -> None:
        self.name = str(path)
        self._open()
        told = self._capture.get(cv2.CAP_PROP_FPS)
        self._even = rate > 0.0
        self._rate = rate or (told if math.isfinite(told) and 0.0 < told <= 1000.0 else _VIDEO_RATE)
        self.interval = 1.0 / self._rate

    def _open(self) -> None:
        try:
            self.name.encode()
        except UnicodeEncodeError as error:  # on such OpenCV ends the process
            raise SourceError(f"video {self.name!a} has a name that is not UTF-8; rename it") from error
        self._capture = cv2.VideoCapture(self.name)
        if not self._capture.isOpened():
            raise SourceError(f"video '{self.name}' cannot be read; is it a video file that OpenCV can decode?")

    def frames(self) -> Iterator[Frame]:
        """All frames from the first.

        Raises:
            SourceError: when there is none.
        """
        self._capture.release()
        self._open()
        index, time, begin = 0, 0.0, 0.0
        while True:
            found, image = self._capture.read()
            if not found:
                break
            told = 1e-3 * self._capture.get(cv2.CAP_PROP_POS_MSEC)
            if index == 0:
                begin = told if math.isfinite(told) else 0.0
            elif self._even:
                time = index / self._rate
            else:
                time = told - begin if told - begin > time else time + 1.0 / self._rate  # NaN is not more
            yield Frame(time, np.asarray(image, dtype=np.uint8))
            index += 1
        if index == 0:
            raise SourceError(f"video '{self.name}' has no frames that can be decoded")
        told = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if math.isfinite(told) and index < _WHOLE * told:
            self.note = f"video '{self.name}' ended after {index} of the {told:.0f} frames it tells of; was it cut off?"

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class ImageFolder:
    """The image files of a folder, in the order of the numbers in their names.

    Args:
        path: of the folder.
        rate: images per second; 0: as usual.
        bit_depth: of files with 16-bit values, as :func:`decode_image` takes it.
        pass_over: is told of every image that cannot be read, which is left out then; without it that is an error.
    """

    live, note = False, ""

    def __init__(
        self, path: Path, rate: float = 0.0, bit_depth: int = 16, pass_over: Callable[[str], None] | None = None
    ) -> None:
        self.name, self._bit_depth, self._pass_over = str(path), bit_depth, pass_over
        try:
            files = [p for p in path.iterdir() if not p.name.startswith(".")]  # such are of file managers
            self._files = sorted(
                (p for p in files if p.suffix.lower() in _IMAGE_SUFFIXES and p.is_file()), key=_natural
            )
        except OSError as error:
            raise SourceError(f"folder '{path}' cannot be read: {error.strerror}") from error
        if not self._files and any(p.suffix in (".mcap", ".db3") for p in files):
            raise SourceError(f"folder '{path}' is a rosbag2 without metadata.yaml; run: ros2 bag reindex '{path}'")
        if not self._files:
            kinds = ", ".join(sorted(_IMAGE_SUFFIXES))
            raise SourceError(f"folder '{path}' holds no images ({kinds}) and is no rosbag2")
        self._rate = rate or _FOLDER_RATE
        self.interval = 1.0 / self._rate

    def frames(self) -> Iterator[Frame]:
        """All images.

        Raises:
            SourceError: naming the first that cannot be read, unless such are passed over.
        """
        for index, path in enumerate(self._files):
            try:
                image = decode_file(np.fromfile(path, np.uint8), self._bit_depth)
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                if self._pass_over is None:
                    raise SourceError(f"image '{path}' cannot be read: {reason}") from error
                self._pass_over(f"'{path.name}': {reason}")
                continue
            yield Frame(index / self._rate, image)

    def close(self) -> None:
        """Nothing is held."""


def _natural(path: Path) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", path.name) if part]
