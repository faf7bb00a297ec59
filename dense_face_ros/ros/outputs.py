"""The topics on which results leave the tracker node, and which of them a frame is worth."""

from __future__ import annotations

from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from dense_face_ros.coarse_mesh import coarse_triangles
from dense_face_ros.drawing import draw_overlay
from dense_face_ros.face_model import FaceModel
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros import messages
from dense_face_ros.ros.images import BgrImage
from dense_face_ros.ros.markers import MARKER_TRIANGLES, MarkerWriter
from dense_face_ros.ros.node_parameters import NodeParameters
from dense_face_ros.ros.pace import Pace

#: Reliable, so that RViz and recorders of either kind can subscribe.
_RELIABLE = QoSProfile(depth=5)
_PICTURES = QoSProfile(depth=1)
_TF_DEPTH = 100


class Outputs:
    """Publishers of one configured tracker. What nobody listens to is not computed."""

    def __init__(self, node: LifecycleNode, parameters: NodeParameters, model: FaceModel) -> None:
        self._node, self._parameters, self._model = node, parameters, model
        self._publishers: list[Publisher] = []
        self._pose = self._publisher(PoseWithCovarianceStamped, "head_pose", _RELIABLE)
        self._raw = self._publisher(PoseWithCovarianceStamped, "head_pose/raw", _RELIABLE)
        self._landmarks = self._publisher(PointCloud2, "landmarks", _RELIABLE)
        self._expression = self._publisher(JointState, "expression", _RELIABLE)
        self._markers = self._publisher(MarkerArray, "markers", _PICTURES)
        self._vertices = self._publisher(PointCloud2, "vertices", _PICTURES)
        self._overlay = self._publisher(Image, "overlay", _PICTURES)
        self._correspondences = self._publisher(Image, "correspondences", _PICTURES)
        self._correspondences_info = self._publisher(CameraInfo, "correspondences/camera_info", _PICTURES)
        self._tf = self._tf_publisher()
        self._marker_writer = MarkerWriter(coarse_triangles(model.mean, model.triangles, MARKER_TRIANGLES))
        self._markers_pace, self._overlay_pace = Pace(), Pace()

    def publish_head(self, state: HeadState, header: Header, with_pose: bool) -> None:
        """What a driver-monitoring system waits for. Every frame is answered: without a head by empty messages.

        ``with_pose`` False withholds everything that rests on the camera: pose, tf and landmark positions.
        """
        if state.status is Status.TRACKING and with_pose:
            self._pose.publish(messages.pose_message(state, header))
            self._raw.publish(messages.pose_message(state, header, raw=True))
            self._publish_tf(state, header)
        self._landmarks.publish(messages.landmarks_message(state, header, with_positions=with_pose))
        self._expression.publish(messages.expression_message(state, header))

    def publish_pictures(self, state: HeadState, header: Header, image: BgrImage, with_pose: bool) -> None:
        """What people look at, each only while somebody listens."""
        due = self._overlay_pace.due(state.stamp, self._parameters.number("overlay_rate"))
        if due and self._overlay.get_subscription_count():
            self._overlay_pace.take(state.stamp)
            drawn = draw_overlay(image, state, self._model)
            self._overlay.publish(messages.overlay_message(drawn, header))
        if state.status is not Status.TRACKING:
            return
        rate = self._parameters.number("marker_rate")
        if with_pose and self._markers_pace.due(state.stamp, rate) and self._markers.get_subscription_count():
            self._markers_pace.take(state.stamp)
            self._markers.publish(self._marker_writer.write(state, header, rate))
        if with_pose and self._vertices.get_subscription_count():
            self._vertices.publish(messages.vertices_message(state, header))
        if self._correspondences.get_subscription_count():
            self._correspondences.publish(messages.correspondences_message(state, header))
            self._correspondences_info.publish(messages.correspondences_info(state, header))

    def forget(self) -> None:
        """Hold nothing of the head that was published last."""
        self._marker_writer.forget()

    def close(self) -> None:
        """Take the topics away."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def _publish_tf(self, state: HeadState, header: Header) -> None:
        if self._tf is None or not self._parameters.flag("publish_tf"):
            return
        # Unlike a pose with its covariance, a transform cannot tell that its distance is a guess.
        if not (state.camera.metric or self._parameters.flag("publish_tf_without_camera_info")):
            self._node.get_logger().info("no tf while the pose is not metric: no usable camera_info", once=True)
            return
        child = self._parameters.text("head_frame")
        if not header.frame_id or not child:
            self._node.get_logger().warning(
                "no tf: the images' frame_id or the parameter head_frame is empty", throttle_duration_sec=10.0
            )
            return
        transform = messages.transform_message(state, header, child)
        self._tf.publish(self._tf.msg_type(transforms=[transform]))

    def _tf_publisher(self) -> Publisher | None:
        try:
            from tf2_msgs.msg import TFMessage
        except ImportError:
            self._node.get_logger().info("no tf: tf2_msgs is not installed (apt install ros-$ROS_DISTRO-tf2-msgs)")
            return None
        return self._publisher(TFMessage, "/tf", QoSProfile(depth=_TF_DEPTH))

    def _publisher(self, kind: type, topic: str, qos: QoSProfile) -> Publisher:
        publisher = self._node.create_lifecycle_publisher(kind, topic, qos)
        self._publishers.append(publisher)
        return publisher
