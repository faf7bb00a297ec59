"""The camera's mounting from tf."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.time import Time

from dense_face_ros.geometry import Array
from dense_face_ros.ros.attention_messages import rotation_of


class CarTransform:
    """Rotations car <- camera, by the newest transforms.

    Raises:
        ValueError: tf2_ros is not installed.
    """

    def __init__(self, node: Node, car_frame: str) -> None:
        try:
            import tf2_ros
        except ImportError as error:
            raise ValueError(
                "parameter 'mounting' is 'tf' and tf2_ros is not installed "
                "(apt install ros-$ROS_DISTRO-tf2-ros-py); or use 'parameters' or 'learned'"
            ) from error
        self._unavailable = tf2_ros.TransformException
        self._car_frame = car_frame
        self._buffer = tf2_ros.Buffer(node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def rotation(self, camera_frame: str) -> Array | None:
        """(3, 3); None where tf does not connect the frames."""
        try:
            found = self._buffer.lookup_transform(self._car_frame, camera_frame, Time())
        except self._unavailable:
            return None
        return rotation_of(found.transform.rotation)

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
