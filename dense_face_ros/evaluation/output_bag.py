"""A rosbag2 of what the tracker node would have published, and of what else attention is judged by.

Written through ``rosbags``: mcap, format version 9.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.evaluation.recording import RecordedFrame
from dense_face_ros.geometry import Array, quaternion_from_rotation
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.message_content import LANDMARK_FIELDS, expression_values, landmark_rows, pose_covariance

_FLOAT32 = 7  # sensor_msgs/PointField
_POSE = "geometry_msgs/msg/PoseWithCovarianceStamped"
#: Topics as the node names them, and their types.
TOPICS = {
    "/head_pose": _POSE,
    "/head_pose/raw": _POSE,
    "/landmarks": "sensor_msgs/msg/PointCloud2",
    "/expression": "sensor_msgs/msg/JointState",
}


class OutputBag:
    """Writes a new bag; use in a ``with`` block, which leaves no half of it behind when it fails.

    Args:
        path: folder of the bag; it must not exist yet.

    Raises:
        FileExistsError: it does.
    """

    def __init__(self, path: Path) -> None:
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.typesys import Stores, get_typestore

        if path.exists():
            raise FileExistsError(f"bag '{path}' exists already; name another --output or remove it")
        self._path = path
        self._store = get_typestore(Stores.ROS2_JAZZY)
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)

    def __enter__(self) -> OutputBag:
        self._writer.open()
        self._connections = {
            topic: self._writer.add_connection(topic, kind, typestore=self._store) for topic, kind in TOPICS.items()
        }
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.close()
        if kind is not None:
            shutil.rmtree(self._path)

    def copy(self, recorded: Iterable[tuple[Any, int, bytes]]) -> None:
        """Messages of the recording as they are, as :meth:`BagRecording.beside` has them."""
        for connection, nanoseconds, data in recorded:
            if connection.topic not in self._connections:
                self._connections[connection.topic] = self._writer.add_connection(
                    connection.topic,
                    connection.msgtype,
                    typestore=self._store,
                    offered_qos_profiles=connection.ext.offered_qos_profiles,
                )
            self._writer.write(self._connections[connection.topic], nanoseconds, data)

    def write(self, frame: RecordedFrame, state: HeadState, with_pose: bool = True) -> None:
        """The node's answer to a frame, at the time when the frame was recorded; ``with_pose`` as for the node."""
        for topic, message in messages(self._store, frame, state, with_pose).items():
            data = self._store.serialize_cdr(message, TOPICS[topic])
            self._writer.write(self._connections[topic], frame.recorded, data)


def messages(store: Any, frame: RecordedFrame, state: HeadState, with_pose: bool = True) -> dict[str, Any]:
    """Topic -> message of the typestore; no pose without a head.

    ``with_pose`` False withholds what rests on the camera: poses, and positions of landmarks.
    """
    types = store.types
    time = types["builtin_interfaces/msg/Time"](*divmod(frame.stamp, 1_000_000_000))
    header = types["std_msgs/msg/Header"](stamp=time, frame_id=frame.frame_id)
    out = {}
    if state.status is Status.TRACKING and with_pose:
        out["/head_pose"] = _pose(types, header, state.pose, pose_covariance(state))
        out["/head_pose/raw"] = _pose(types, header, state.pose_raw, pose_covariance(state, raw=True))
    out["/landmarks"] = _landmarks(types, header, state, with_pose)
    values = expression_values(state)
    out["/expression"] = types[TOPICS["/expression"]](
        header=header,
        name=list(values),
        position=np.array(list(values.values()), dtype=np.float64),
        velocity=np.zeros(0),
        effort=np.zeros(0),
    )
    return out


def _pose(types: Any, header: Any, pose: Array, covariance: Array) -> Any:
    x, y, z, w = quaternion_from_rotation(pose[:3, :3]).tolist()
    place = types["geometry_msgs/msg/Pose"](
        position=types["geometry_msgs/msg/Point"](*pose[:3, 3].tolist()),
        orientation=types["geometry_msgs/msg/Quaternion"](x, y, z, w),
    )
    with_covariance = types["geometry_msgs/msg/PoseWithCovariance"](pose=place, covariance=covariance.ravel())
    return types[_POSE](header=header, pose=with_covariance)


def _landmarks(types: Any, header: Any, state: HeadState, with_positions: bool) -> Any:
    rows = landmark_rows(state, with_positions)
    field = types["sensor_msgs/msg/PointField"]
    step = 4 * len(LANDMARK_FIELDS)
    return types[TOPICS["/landmarks"]](
        header=header,
        height=1,
        width=len(rows),
        fields=[field(name=n, offset=4 * i, datatype=_FLOAT32, count=1) for i, n in enumerate(LANDMARK_FIELDS)],
        is_bigendian=False,
        point_step=step,
        row_step=step * len(rows),
        data=np.frombuffer(rows.tobytes(), np.uint8),
        is_dense=bool(np.isfinite(rows).all()),
    )
