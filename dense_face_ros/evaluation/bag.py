"""A recorded image topic out of a rosbag2 (mcap or sqlite3), read through ``rosbags``: no ROS installation is needed.

Every image of the topic comes once, in the order of recording, decoded as the tracker node decodes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.evaluation.recording import RecordedFrame, drop
from dense_face_ros.evaluation.truth import TruePoses
from dense_face_ros.frame_input import check_image
from dense_face_ros.ros.bag_topics import (
    COMPRESSED_IMAGE,
    IMAGE,
    TF_STATIC,
    are_stamped,
    decoder,
    image_connections,
    info_connections,
    open_reader,
    read_messages,
    speed_connections,
)
from dense_face_ros.ros.camera_info import CameraCache
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.images import decode_compressed, decode_image
from dense_face_ros.ros.message_readers import stamp_of
from dense_face_ros.ros.vehicle_speed import VehicleSpeed

_DECODERS = {IMAGE: decode_image, COMPRESSED_IMAGE: decode_compressed}
_POSE_TYPES = ("geometry_msgs/msg/PoseStamped", "geometry_msgs/msg/PoseWithCovarianceStamped")
#: A pose topic with this ending is taken for the true head pose without being asked.
TRUTH_ENDING = "head_pose/truth"


class BagRecording:
    """One image topic of a bag, the camera_info beside it and, where the bag has it, the true head pose.

    Args:
        path: the bag's folder or storage file.
        topic: image topic; empty: its only one.
        truth: topic of the true poses, camera <- head; empty: the one that ends in ``head_pose/truth``, if any.
        rectified: the images are rectified: the camera is P of camera_info, without distortion.
        field_of_view: degrees across the longer image side, assumed where there is no usable camera_info.
        speed_topic, speed_type: of the vehicle's speed, as :func:`speed_connections` takes them; no topic: unknown.
        bit_depth: bits that 16-bit images use, as :func:`decode_image` takes them.

    Raises:
        SourceError: one line naming the bag or topic.
    """

    def __init__(
        self,
        path: Path,
        topic: str = "",
        truth: str = "",
        rectified: bool = False,
        field_of_view: float = 60.0,
        speed_topic: str = "",
        speed_type: str = "",
        bit_depth: int = 16,
    ) -> None:
        self.name = str(path)
        self._reader = open_reader(path)
        self._decode = decoder()
        self._rectified, self._field_of_view, self._bit_depth = rectified, field_of_view, bit_depth
        try:
            self._images = image_connections(self.name, self._reader.connections, topic, "with --topic")
            self._truth = self._choose_truth(truth)
            self._speeds = speed_connections(self.name, self._reader.connections, speed_topic, speed_type)
            self._infos = info_connections(self.name, self._reader, self._images, self._decode)
        except SourceError:
            self._reader.close()
            raise
        self.topic: str = self._images[0].topic
        self.count: int | None = sum(connection.msgcount for connection in self._images)
        self.dropped: dict[str, int] = {}
        self.drop_notes: list[str] = []

    def frames(self) -> Iterator[RecordedFrame]:
        """All images of the topic with their camera: by the last camera_info, the first ones by the first.

        Those that cannot be decoded, and among stamped ones those without a stamp, are dropped and counted.

        Raises:
            SourceError: when the bag is damaged, or no image can be decoded.
        """
        cameras = CameraCache(self._infos[0].topic if self._infos else "camera_info")
        first = next(self._messages(*self._infos), None)
        if first is not None:
            cameras.update(first[2])
        self.dropped, self.drop_notes = {"no_stamp": 0, "bad_image": 0}, []
        # A driver that does not stamp its images leaves the time of recording.
        stamped = are_stamped(self.name, self._reader, self._images, self._decode)
        decode, speed, index, decoded = _DECODERS[self._images[0].msgtype], VehicleSpeed(), -1, 0
        for connection, recorded, message in self._messages(*self._images, *self._infos, *self._speeds):
            if connection in self._speeds:
                speed.tell(message, 1e-9 * recorded)
                continue
            if connection.topic != self.topic:
                cameras.update(message)
                continue
            index += 1
            stamp, frame_id = stamp_of(message) if stamped else recorded, message.header.frame_id
            if not stamp:
                drop(self, "no_stamp", f"image {index}: stamp 0, which others have not")
                continue
            try:
                image = decode(message, self._bit_depth)
                check_image(image)
            except ValueError as error:
                drop(self, "bad_image", f"image {index}: {error}")
                continue
            decoded += 1
            height, width = image.shape[:2]
            camera, note = cameras.camera_for(width, height, frame_id, self._rectified, self._field_of_view)
            yield RecordedFrame(stamp, recorded, frame_id, image, camera, note, speed.at(1e-9 * recorded))
        if index < 0:
            raise SourceError(f"bag '{self.name}' has no image on topic '{self.topic}'")
        if not decoded:
            raise SourceError(f"bag '{self.name}', topic '{self.topic}': no image can be used; {self.drop_notes[0]}")

    def true_poses(self) -> TruePoses | None:
        """The true head poses, None in a bag without.

        Raises:
            SourceError: when the bag is damaged or the topic is empty.
        """
        if not self._truth:
            return None
        stamps, positions, quaternions, frame = [], [], [], ""
        for _, _, message in self._messages(*self._truth):
            pose = message.pose.pose if hasattr(message.pose, "pose") else message.pose
            stamps.append(stamp_of(message))
            positions.append([pose.position.x, pose.position.y, pose.position.z])
            quaternions.append([pose.orientation.x, pose.orientation.y, pose.orientation.z, pose.orientation.w])
            frame = message.header.frame_id
        try:
            return TruePoses(np.array(stamps, dtype=np.int64), np.array(positions), np.array(quaternions), frame)
        except ValueError as error:
            raise SourceError(f"bag '{self.name}', topic '{self._truth[0].topic}': {error}") from error

    def beside(self) -> Iterator[tuple[Any, int, bytes]]:
        """The speed and the static transforms, which attention is judged by beside the images.

        Yields:
            Connection, nanoseconds of recording, and the message as it is.

        Raises:
            SourceError: when the bag is damaged.
        """
        static = [c for c in self._reader.connections if c.topic == TF_STATIC]
        return read_messages(self.name, self._reader, [*self._speeds, *static], lambda data, kind: data)

    def close(self) -> None:
        """Close the bag's files."""
        self._reader.close()

    def _messages(self, *connections: Any) -> Iterator[tuple[Any, int, Any]]:
        return read_messages(self.name, self._reader, connections, self._decode)

    def _choose_truth(self, topic: str) -> list[Any]:
        poses = [c for c in self._reader.connections if c.msgtype in _POSE_TYPES]
        chosen = [c for c in poses if (c.topic == topic if topic else c.topic.endswith(TRUTH_ENDING))]
        names = ", ".join(c.topic for c in poses) or "none"
        if topic and not chosen:
            raise SourceError(f"bag '{self.name}' has no pose topic '{topic}'; its pose topics: {names}")
        if len({c.topic for c in chosen}) > 1:
            raise SourceError(f"bag '{self.name}' has several topics of true poses; name one with --truth")
        return chosen
