"""Images and their camera_info out of a rosbag2, through ``rosbags``: no ROS installation is needed to read one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dense_face_ros.ros.bag_topics import (
    CAMERA_INFO,
    COMPRESSED_IMAGE,
    IMAGE,
    are_stamped,
    image_connections,
    info_connections,
    is_bag,
    open_reader,
    read_messages,
)
from dense_face_ros.ros.frame_sources import SourceError, source_path
from dense_face_ros.ros.message_readers import stamp_of

_TYPES = {IMAGE: Image, COMPRESSED_IMAGE: CompressedImage, CAMERA_INFO: CameraInfo}


@dataclass(frozen=True)
class BagFrame:
    """An image message as recorded, and the camera_info that came since the one before; with the first image the first
    one, though it may have come later.

    ``time`` is that of recording in seconds; in a bag with /clock, as of a simulation, that of the image's stamp.
    """

    time: float
    image: Image | CompressedImage
    info: CameraInfo | None


class Bag:
    """One image topic of a bag, and the camera_info beside it.

    Args:
        path: of the bag.
        topic: of the images; empty: the only one.
        option: where the user names the topic, for errors.

    Raises:
        SourceError: the bag cannot be read, or does not hold the topic, or several when none is named.
    """

    live, interval, note = False, 0.1, ""

    def __init__(self, path: Path, topic: str = "", option: str = "in 'topic'") -> None:
        self.name = str(path)
        self._reader = open_reader(path)
        try:
            self._images = image_connections(self.name, self._reader.connections, topic, option)
            self._infos = info_connections(self.name, self._reader, self._images, _decode)
        except SourceError:
            self._reader.close()
            raise
        self._topic = self._images[0].topic
        self.compressed = self._images[0].msgtype == COMPRESSED_IMAGE
        self._simulated = any(c.topic == "/clock" for c in self._reader.connections)

    def frames(self) -> Iterator[BagFrame]:
        """All images of the topic in the order of recording.

        Raises:
            SourceError: when the bag is damaged, or holds no image.
        """
        simulated = self._simulated and are_stamped(self.name, self._reader, self._images, _decode)
        first = next(read_messages(self.name, self._reader, self._infos, _decode), None)
        empty, info, wanted = True, first and first[2], [*self._images, *self._infos]
        for connection, nanoseconds, message in read_messages(self.name, self._reader, wanted, _decode):
            if connection.topic == self._topic:
                yield BagFrame(1e-9 * (stamp_of(message) if simulated else nanoseconds), message, info)
                empty, info = False, None
            else:
                info = message
        if empty:
            raise SourceError(f"bag '{self.name}' holds no image on {self._topic}; was it recorded while none came?")

    def close(self) -> None:
        """Close the bag's files."""
        self._reader.close()


def holds_compressed(source: str, topic: str = "", option: str = "in 'topic'") -> bool:
    """Whether a source is a bag of compressed images; ``topic`` and ``option`` as for :class:`Bag`.

    Raises:
        SourceError: as :class:`Bag`.
    """
    path = source_path(source)
    if not source or not is_bag(path):
        return False
    bag = Bag(path, topic, option)
    bag.close()
    return bag.compressed


def _decode(data: bytes, kind: str) -> Any:
    return deserialize_message(data, _TYPES[kind])
