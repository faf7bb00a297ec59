"""A rosbag2 of what the tracker and attention nodes would have published, and of what else attention is judged by.

Written through ``rosbags``: mcap, format version 9.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.attention.states import Attention
from dense_face_ros.evaluation.recording import RecordedFrame
from dense_face_ros.geometry import Array, quaternion_from_rotation
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.attention_content import (
    LEVELS,
    attention_sentence,
    attention_values,
    event_values,
    is_event,
)
from dense_face_ros.ros.message_content import LANDMARK_FIELDS, expression_values, landmark_rows, pose_covariance

_FLOAT32 = 7  # sensor_msgs/PointField
_POSE = "geometry_msgs/msg/PoseWithCovarianceStamped"
_STATUS = "diagnostic_msgs/msg/DiagnosticStatus"
#: Topics as the nodes name them, and their types.
TOPICS = {
    "/head_pose": _POSE,
    "/head_pose/raw": _POSE,
    "/landmarks": "sensor_msgs/msg/PointCloud2",
    "/expression": "sensor_msgs/msg/JointState",
    "/attention": _STATUS,
    "/attention/events": _STATUS,
}
#: Of those that the node keeps for whoever comes late, how many.
_LATCHED = {"/attention": 1, "/attention/events": 20}


class OutputBag:
    """Writes a new bag; use in a ``with`` block, which leaves no half of it behind when it fails.

    Args:
        path: folder of the bag; it must not exist yet.

    Raises:
        FileExistsError: it does.
        OSError: the bag cannot be written.
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
        with ExitStack() as failed:
            failed.callback(shutil.rmtree, self._path, ignore_errors=True)  # which opening may have begun
            self._writer.open()
            failed.push(self)
            self._connections = {
                topic: self._writer.add_connection(
                    topic,
                    kind,
                    typestore=self._store,
                    offered_qos_profiles=[_latched(_LATCHED[topic])] if topic in _LATCHED else [],
                )
                for topic, kind in TOPICS.items()
            }
            failed.pop_all()
        self._recorded: int | None = None  # when the newest frame was
        self._attention: Attention | None = None
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: Any) -> None:
        whole = False
        try:
            self._writer.__exit__(kind, *details)  # which writes the index, and may lack the room for it
            whole = kind is None
        finally:
            if not whole:
                shutil.rmtree(self._path, ignore_errors=True)

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
        """The tracker's answer to a frame, at the time when the frame was recorded; ``with_pose`` as for the node."""
        for topic, message in messages(self._store, frame, state, with_pose).items():
            self._write(topic, frame.recorded, message)

    def write_attention(self, frame: RecordedFrame, told: Sequence[Attention]) -> None:
        """What the attention node says when it is shown a frame, and before, of a silence: at the time of that.

        It is called for every frame, in order.
        """
        for attention in told:
            # By the stamps' clock the silence was so much earlier; but recordings are also replayed at another pace.
            at = frame.recorded - round(1e9 * (told[-1].stamp - attention.stamp))
            at = at if self._recorded is None else max(at, self._recorded)
            for topic, message in attention_messages(self._store, attention, self._attention).items():
                self._write(topic, at, message)
            self._attention = attention
        self._recorded = frame.recorded

    def _write(self, topic: str, at: int, message: Any) -> None:
        self._writer.write(self._connections[topic], at, self._store.serialize_cdr(message, TOPICS[topic]))


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


def attention_messages(store: Any, attention: Attention, previous: Attention | None) -> dict[str, Any]:
    """Topic -> message of the typestore; an event where the node tells one, as at the first (``previous`` None)."""
    values = attention_values(attention)
    out = {"/attention": _status(store.types, attention, values)}
    if is_event(attention, previous):
        out["/attention/events"] = _status(store.types, attention, values | event_values(attention, previous))
    return out


def _status(types: Any, attention: Attention, values: dict[str, str]) -> Any:
    pair = types["diagnostic_msgs/msg/KeyValue"]
    return types[_STATUS](
        level=LEVELS[attention.state],
        name="/attention: driver attention",
        message=attention_sentence(attention),
        hardware_id="/head_pose",
        values=[pair(key=key, value=value) for key, value in values.items()],
    )


def _latched(depth: int) -> Any:
    """Reliable, and kept for those who come late."""
    from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

    forever = QosTime(0, 0)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=depth,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )


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
