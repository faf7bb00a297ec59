"""Images and their camera_info out of a rosbag2, through ``rosbags``: no ROS installation is needed to read one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dense_face_ros.ros.frame_sources import SourceError

_TYPES = {"sensor_msgs/msg/Image": Image, "sensor_msgs/msg/CompressedImage": CompressedImage}
_INFO_TYPE = "sensor_msgs/msg/CameraInfo"


def is_bag(path: Path) -> bool:
    """Whether a path is a rosbag2: a folder with metadata, or one of its storage files."""
    return (path / "metadata.yaml").is_file() or (path.is_file() and path.suffix in (".mcap", ".db3"))


@dataclass(frozen=True)
class BagFrame:
    """An image message as recorded, the camera_info that came since the one before, and the time of recording in s."""

    time: float
    image: Image | CompressedImage
    info: CameraInfo | None


class Bag:
    """One image topic of a bag, and the camera_info beside it."""

    live = False

    def __init__(self, path: Path, topic: str = "") -> None:
        try:
            from rosbags.rosbag2 import Reader, ReaderError
        except ImportError as error:
            raise SourceError(f"reading bag '{path}' needs rosbags: pip install rosbags") from error
        self.name = str(path)
        # What damaged files make the storage libraries raise is beyond listing; all of it means the same here.
        try:
            self._reader = Reader(path)
            self._reader.open()
        except (ReaderError, OSError, ValueError, AssertionError) as error:
            raise SourceError(f"bag '{path}' cannot be read: {_first_line(error)}") from error
        try:
            self._image = self._choose(topic)
        except SourceError:
            self._reader.close()
            raise
        self.compressed = self._image.msgtype.endswith("CompressedImage")
        self._info = self._find_info()

    def frames(self) -> Iterator[BagFrame]:
        """All images of the topic in the order of recording.

        Raises:
            SourceError: when the bag is damaged.
        """
        wanted = [self._image] + ([self._info] if self._info is not None else [])
        kind, info = _TYPES[self._image.msgtype], None
        try:
            for connection, nanoseconds, data in self._reader.messages(wanted):
                if connection.topic == self._image.topic:
                    yield BagFrame(1e-9 * nanoseconds, deserialize_message(data, kind), info)
                    info = None
                else:
                    info = deserialize_message(data, CameraInfo)
        except SourceError:
            raise
        except Exception as error:
            raise SourceError(f"bag '{self.name}' is damaged: {_first_line(error)}") from error

    def close(self) -> None:
        """Close the bag's files."""
        self._reader.close()

    def _choose(self, topic: str) -> Any:
        images = [c for c in self._reader.connections if c.msgtype in _TYPES]
        names = ", ".join(c.topic for c in images) or "none"
        if topic:
            images = [c for c in images if c.topic == topic]
            if not images:
                raise SourceError(f"bag '{self.name}' has no image topic '{topic}'; its image topics: {names}")
        if len(images) != 1:
            raise SourceError(f"bag '{self.name}' has {len(images)} image topics ({names}); name one in 'topic'")
        return images[0]

    def _find_info(self) -> Any:
        infos = [c for c in self._reader.connections if c.msgtype == _INFO_TYPE]
        base = self._image.topic.removesuffix("/compressed").rsplit("/", 1)[0]
        beside = [c for c in infos if c.topic == f"{base}/camera_info"]
        return (beside or infos)[0] if beside or len(infos) == 1 else None


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
