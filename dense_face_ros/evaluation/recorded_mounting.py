"""How the camera stands in the car, by the static transforms of a bag; the attention node takes it from all of tf."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.geometry import Array
from dense_face_ros.ros.bag_topics import TF_STATIC, decoder, open_reader, read_messages
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.message_readers import rotation_of

#: Where a recording does not tell it.
CURE = "give the mounting with --camera"


def recorded_mounting(path: Path, topic: str, car_frame: str) -> Array:
    """(3, 3) car <- camera.

    Args:
        path: of the bag.
        topic: whose first message, with a header, tells the camera's frame.
        car_frame: as the node's parameter.

    Raises:
        SourceError: naming the bag and what it lacks.
    """
    name, reader = str(path), open_reader(path)
    try:
        static = [c for c in reader.connections if c.topic == TF_STATIC]
        if not static:
            raise SourceError(f"bag '{name}' has no {TF_STATIC}, which parameter 'mounting' is to be read from; {CURE}")
        transforms = [t for message in _messages(name, reader, static) for t in message.transforms]
        stamped = [c for c in reader.connections if c.topic == topic]
        first = next(_messages(name, reader, stamped), None)
        if first is None:
            topics = ", ".join(sorted({c.topic for c in reader.connections}))
            raise SourceError(
                f"bag '{name}' has no message on {topic} to tell the camera's frame; its topics: {topics}"
            )
    finally:
        reader.close()
    camera_frame = str(first.header.frame_id)
    rotation = _connecting(transforms, car_frame, camera_frame)
    if rotation is None:
        known = ", ".join(sorted({f for t in transforms for f in (t.header.frame_id, t.child_frame_id)})) or "none"
        raise SourceError(
            f"bag '{name}': {TF_STATIC} does not connect '{car_frame}' and '{camera_frame}'; "
            f"its frames: {known}; {CURE}"
        )
    return rotation


def _messages(name: str, reader: Any, connections: list[Any]) -> Iterator[Any]:
    return (message for _, _, message in read_messages(name, reader, connections, decoder()))


def _connecting(transforms: list[Any], target: str, source: str) -> Array | None:
    """Rotation target <- source over any number of transforms, the last of a frame counting; None: not connected.

    As in tf2, a transform that is no rotation, or of a frame to itself, counts for nothing, and a frame that is asked
    for with a leading slash is none.
    """
    parents: dict[str, tuple[str, Array]] = {}
    for transform in transforms:
        rotation = rotation_of(transform.transform.rotation)
        child, parent = transform.child_frame_id.lstrip("/"), transform.header.frame_id.lstrip("/")
        if np.isfinite(rotation).all() and child != parent:
            parents[child] = parent, rotation
    to_root = {frame: _path_to_root(parents, frame) for frame in (target, source)}
    common = next((frame for frame in to_root[source] if frame in to_root[target]), None)
    if common is None:
        return None
    return np.asarray(to_root[target][common].T @ to_root[source][common])


def _path_to_root(parents: dict[str, tuple[str, Array]], frame: str) -> dict[str, Array]:
    """Every frame from ``frame`` up -> rotation of it <- ``frame``."""
    passed, rotation = {frame: np.eye(3)}, np.eye(3)
    while frame in parents:
        frame, step = parents[frame]
        if frame in passed:  # a circle of transforms has no root
            break
        rotation = step @ rotation
        passed[frame] = rotation
    return passed
