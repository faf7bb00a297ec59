"""The camera's mounting from tf."""

from __future__ import annotations

from rclpy.node import Node
from rclpy.time import Time

from dense_face_ros.geometry import Array
from dense_face_ros.ros.message_readers import rotation_of


class CarTransform:
    """Rotations car <- camera, by the newest transforms.

    Raises:
        ValueError: tf2_ros cannot be imported.
    """

    def __init__(self, node: Node, car_frame: str) -> None:
        try:
            import tf2_ros
        except ImportError as error:
            raise ValueError(
                f"parameter 'mounting' is 'tf' and tf2_ros cannot be imported ({error}); apt install "
                "ros-$ROS_DISTRO-tf2-ros-py, or use 'parameters' or 'learned'"
            ) from error
        self._unavailable = tf2_ros.TransformException
        self._car_frame = car_frame
        # Without the node: with it the buffer keeps a service and a clock callback on the node for good, and in earlier
        # releases of Jazzy that callback raises when a bag begins anew (ros2/geometry2 issue 710).
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)
        self._clock, self._newest = node.get_clock(), 0

    def rotation(self, camera_frame: str) -> Array | None:
        """(3, 3); None where tf does not connect the frames."""
        now = self._clock.now().nanoseconds
        if now < self._newest:  # what was told then would count as newer than all that comes
            self._buffer.clear()
        self._newest = now
        try:
            found = self._buffer.lookup_transform(self._car_frame, camera_frame, Time())
        except self._unavailable:
            return None
        return rotation_of(found.transform.rotation)

    def close(self) -> None:
        """Stop listening."""
        self._listener.unregister()
