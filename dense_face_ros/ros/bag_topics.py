"""Opening a rosbag2 through ``rosbags`` and finding in it what is wanted, with errors that name what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from dense_face_ros.error_text import first_line
from dense_face_ros.ros.camera_info import camera_info_beside
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.message_readers import stamp_of
from dense_face_ros.ros.vehicle_speed import SPEED_TYPES

IMAGE, COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
TF_STATIC = "/tf_static"
_REPORTED_INFO = "correspondences/camera_info"  # the tracker's own: the camera may be an assumed one
_SPARE = (4, 8, 12)  # bytes that ROS's own serialisation of a message may leave at its end


def is_bag(path: Path) -> bool:
    """Whether a path is meant as a bag: a folder with metadata, or a storage file (of ROS 1, too: to be refused).

    Raises:
        SourceError: it may not be looked at.
    """
    try:
        return (path / "metadata.yaml").is_file() or (path.is_file() and path.suffix in (".mcap", ".db3", ".bag"))
    except OSError as error:
        raise SourceError(f"source '{path}' cannot be read: {error.strerror}") from error


def open_reader(path: Path) -> Any:
    """An opened ``rosbags.rosbag2.Reader``; the caller closes it.

    Raises:
        SourceError: rosbags is not installed, or what is there is no rosbag2 or damaged.
    """
    try:
        from rosbags.rosbag2 import Reader
    except ImportError as error:
        raise SourceError(f"reading bag '{path}' needs rosbags: pip install rosbags") from error
    if path.suffix == ".bag":
        raise SourceError(f"bag '{path}' is of ROS 1; convert it: rosbags-convert --src '{path}' --dst FOLDER")
    if not is_bag(path):
        raise SourceError(f"'{path}' {_no_bag(path)}")
    # What damaged files make the storage libraries raise is beyond listing; all of it means the same here.
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:
        hint = "; was its recording cut off? 'ros2 bag reindex' or 'mcap recover' may save it"
        raise SourceError(f"bag '{path}' cannot be read: {first_line(error).rstrip('.')}{hint}") from error
    return reader


def _no_bag(path: Path) -> str:
    """What a path that is no bag is instead; SourceError where it may not be looked at."""
    try:
        if not path.exists():
            return "does not exist"
        parts = [file.name for file in path.iterdir()] if path.is_dir() else []
    except OSError as error:
        raise SourceError(f"bag '{path}' cannot be read: {error.strerror}") from error
    hint = ""
    if "bag" in parts and is_bag(path / "bag"):
        hint = f"; did you mean '{path / 'bag'}'?"
    elif any(name.endswith((".mcap", ".db3")) for name in parts):
        hint = "; 'ros2 bag reindex' makes its metadata.yaml anew"
    return f"is no rosbag2 (a folder with metadata.yaml, .mcap or .db3){hint}"


@cache
def decoder() -> Callable[[bytes, str], Any]:
    """Of serialised messages by the name of their type, without a ROS installation; ``rosbags`` must be there."""
    from rosbags.typesys import Stores, get_typestore

    decode = get_typestore(Stores.ROS2_JAZZY).deserialize_cdr

    def decode_padded(data: bytes, kind: str) -> Any:
        try:
            return decode(data, kind)
        except Exception:
            for spare in _SPARE:
                with suppress(Exception):
                    return decode(data[:-spare], kind)
            raise

    return decode_padded


def read_messages(
    name: str, reader: Any, connections: Sequence[Any], decode: Callable[[bytes, str], Any]
) -> Iterator[tuple[Any, int, Any]]:
    """(connection, nanoseconds of recording, message) of the connections, in the order of recording.

    Args:
        name: of the bag, for errors.
        reader: opened.
        decode: from the serialised message and the name of its type.

    Raises:
        SourceError: when the bag is damaged.
    """
    if not connections:  # which to rosbags means all
        return
    count, promised = 0, sum(connection.msgcount for connection in connections)
    try:
        for connection, nanoseconds, data in reader.messages(connections):
            yield connection, nanoseconds, decode(data, connection.msgtype)
            count += 1
    except Exception as error:  # as in open_reader
        raise SourceError(f"bag '{name}' is damaged: {first_line(error)}") from error
    if count < promised:  # what comes after damaged bytes may be passed over in silence
        raise SourceError(f"bag '{name}' is damaged: it holds {count} of the {promised} messages in its summary")


def image_connections(name: str, connections: Sequence[Any], topic: str, option: str) -> list[Any]:
    """The connections of an image topic, of which every publisher has its own; ``topic`` empty: of the only topic.

    Args:
        name: of the bag, for errors.
        connections: of the reader.
        topic: wanted, or empty.
        option: where the user names the topic, for errors.

    Raises:
        SourceError: it is not there, or there are several to choose from.
    """
    images = [c for c in connections if c.msgtype in (IMAGE, COMPRESSED_IMAGE)]
    names = _topics(images)
    if topic:
        images = [c for c in images if c.topic == topic]
        if not images:
            raise SourceError(f"bag '{name}' has no image topic '{topic}'; its image topics: {names}")
    if not images:
        raise SourceError(f"bag '{name}' has no image topic; its topics: {_topics(connections)}")
    topics = len({c.topic for c in images})
    if topics > 1:
        raise SourceError(f"bag '{name}' has {topics} image topics ({names}); name one {option}")
    if len({c.msgtype for c in images}) > 1:
        kinds = " and ".join(sorted({c.msgtype for c in images}))
        raise SourceError(f"bag '{name}': '{images[0].topic}' is of several types ({kinds}); record one of them")
    return images


def info_connections(name: str, reader: Any, images: Sequence[Any], decode: Callable[[bytes, str], Any]) -> list[Any]:
    """The connections of the camera_info of an image topic: of that beside it, or of the only other one in the bag if
    it is of the same frame_id; there may be none. The arguments are those of :func:`read_messages`.

    Raises:
        SourceError: when the bag is damaged.
    """
    infos = [c for c in reader.connections if c.msgtype == CAMERA_INFO and not c.topic.endswith(_REPORTED_INFO)]
    beside = [c for c in infos if c.topic == camera_info_beside(images[0].topic)]
    if beside or len({c.topic for c in infos}) != 1:
        return beside
    first = [next(read_messages(name, reader, part, decode), None) for part in (images, infos)]
    frames = {message.header.frame_id for _, _, message in filter(None, first)}
    return infos if len(frames) == 1 else []


def _topics(connections: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(c.topic for c in connections)) or "none"


def are_stamped(name: str, reader: Any, images: Sequence[Any], decode: Callable[[bytes, str], Any]) -> bool:
    """Whether the images of a bag have stamps. Those of a simulation may begin with zero, those of a driver that does
    not stamp them are all zero; the arguments are those of :func:`read_messages`.

    Raises:
        SourceError: when the bag is damaged.
    """
    messages = read_messages(name, reader, images, decode)
    return any(stamp_of(message) > 0 for _, _, message in islice(messages, 2))


def speed_connections(
    name: str, connections: Sequence[Any], topic: str, kind: str = "", namespace: str = ""
) -> list[Any]:
    """The connections of the vehicle's speed; none where no topic is wanted.

    Args:
        name: of the bag, for errors.
        connections: of the reader.
        topic: as the node's parameter ``speed_topic``.
        kind: as its parameter ``speed_type``; empty: whichever the topic has.
        namespace: of the node, for a topic without a leading slash.

    Raises:
        SourceError: the bag does not have it, of another type than that, or of several.
    """
    if not topic:
        return []
    speeds = [(c, c.msgtype.replace("/msg/", "/")) for c in connections]
    speeds = [(c, told) for c, told in speeds if told in SPEED_TYPES]
    relative = f"attention/{topic[2:]}" if topic.startswith("~/") else topic
    wanted = topic if topic.startswith("/") else f"{namespace}/{relative}"
    found = [(c, told) for c, told in speeds if c.topic == wanted]
    kinds = sorted({told for _, told in found})
    if not found:
        names = ", ".join(f"{c.topic} ({told})" for c, told in speeds) or "none"
        raise SourceError(
            f"bag '{name}' has no speed topic '{wanted}'; topics that may tell one: {names}; "
            "name another with --speed, or judge without a speed with --speed ''"
        )
    if kind and kind not in kinds:
        raise SourceError(f"bag '{name}': '{wanted}' is {', '.join(kinds)}, and parameter 'speed_type' is '{kind}'")
    if not kind and len(kinds) > 1:
        raise SourceError(
            f"bag '{name}': '{wanted}' is of several types ({', '.join(kinds)}); set speed_type in a file"
        )
    return [c for c, told in found if told == (kind or kinds[0])]
