"""Stands in for tf2_ros where it cannot be installed: the part of its interface that the attention node uses.

Transforms come as ``geometry_msgs/TransformStamped`` on ``/tf_static``, one a message, as tf2_msgs is missing too.
"""

from __future__ import annotations

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from scipy.spatial.transform import Rotation


class TransformException(Exception):
    """The frames are not connected."""


class Buffer:
    """Rotations parent <- child, the newest of each."""

    def __init__(self) -> None:
        self.parents: dict[str, tuple[str, Rotation]] = {}

    def lookup_transform(self, target_frame: str, source_frame: str, time: Time) -> TransformStamped:
        """Rotation target <- source, along the tree of frames."""
        target, source = self._to_root(target_frame), self._to_root(source_frame)
        if target[0] != source[0]:
            raise TransformException(f"'{target_frame}' and '{source_frame}' are not connected")
        out = TransformStamped()
        q = out.transform.rotation
        q.x, q.y, q.z, q.w = (target[1].inv() * source[1]).as_quat().tolist()
        return out

    def clear(self) -> None:
        """Forget what moves; here everything is static."""

    def _to_root(self, frame: str) -> tuple[str, Rotation]:
        rotation = Rotation.identity()
        while frame in self.parents:
            frame, step = self.parents[frame]
            rotation = step * rotation
        return frame, rotation


class TransformListener:
    """Fills a buffer."""

    def __init__(self, buffer: Buffer, node: Node) -> None:
        self._buffer, self._node = buffer, node
        qos = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscription = node.create_subscription(TransformStamped, "/tf_static", self._take, qos)

    def unregister(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def _take(self, message: TransformStamped) -> None:
        q = message.transform.rotation
        self._buffer.parents[message.child_frame_id] = (
            message.header.frame_id,
            Rotation.from_quat([q.x, q.y, q.z, q.w]),
        )
