"""HeadState to messages. Headers are those of the image; a value that is not known is left out, never made up."""

from __future__ import annotations

import array

import numpy as np
import numpy.typing as npt
from geometry_msgs.msg import Pose, PoseWithCovarianceStamped, TransformStamped
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2, PointField
from std_msgs.msg import Header

from dense_face_ros.geometry import Array, quaternion_from_rotation
from dense_face_ros.head_state import HeadState
from dense_face_ros.ros.camera_info import fill_from_view
from dense_face_ros.ros.images import fill_image
from dense_face_ros.ros.message_content import LANDMARK_FIELDS, expression_values, landmark_rows, pose_covariance


def seconds(header: Header) -> float:
    """The stamp of a header in seconds."""
    return float(header.stamp.sec) + 1e-9 * float(header.stamp.nanosec)


def pose_message(state: HeadState, header: Header, raw: bool = False) -> PoseWithCovarianceStamped:
    """The filtered pose of a tracked head, or the one fitted to this frame, not smoothed."""
    message = PoseWithCovarianceStamped(header=header)
    _fill_pose(message.pose.pose, state.pose_raw if raw else state.pose)
    message.pose.covariance = pose_covariance(state, raw).ravel()
    return message


def _fill_pose(message: Pose, pose: Array) -> None:
    message.position.x, message.position.y, message.position.z = pose[:3, 3].tolist()
    x, y, z, w = quaternion_from_rotation(pose[:3, :3]).tolist()
    message.orientation.x, message.orientation.y, message.orientation.z, message.orientation.w = x, y, z, w


def transform_message(state: HeadState, header: Header, child_frame: str) -> TransformStamped:
    """The filtered pose of a tracked head as a transform, image frame <- head."""
    message = TransformStamped(header=header, child_frame_id=child_frame)
    pose = Pose()
    _fill_pose(pose, state.pose)
    message.transform.translation.x = pose.position.x
    message.transform.translation.y = pose.position.y
    message.transform.translation.z = pose.position.z
    message.transform.rotation = pose.orientation
    return message


def landmarks_message(state: HeadState, header: Header, with_positions: bool = True) -> PointCloud2:
    """The 68 landmarks, float32 ``x y z`` (metres) ``u v`` (pixels) ``visibility`` (probability) ``sigma`` (pixels).

    Without a head the cloud has no points. Without a trustworthy camera (``with_positions`` False) x, y, z are NaN.
    """
    return _cloud(landmark_rows(state, with_positions), LANDMARK_FIELDS, header)


def vertices_message(state: HeadState, header: Header) -> PointCloud2:
    """All vertices of a tracked head, float32 ``x y z`` (metres), in the order of the face model."""
    return _cloud(np.ascontiguousarray(state.vertices, dtype=np.float32), ("x", "y", "z"), header)


def _cloud(rows: npt.NDArray[np.float32], fields: tuple[str, ...], header: Header) -> PointCloud2:
    """Points (N, F) with values of these names."""
    step = 4 * len(fields)
    message = PointCloud2(header=header, height=1, width=len(rows), point_step=step, row_step=step * len(rows))
    message.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, name in enumerate(fields)
    ]
    message.is_dense = bool(np.isfinite(rows).all())
    message.data = array.array("B", rows.tobytes())
    return message


def expression_message(state: HeadState, header: Header) -> JointState:
    """Named activations in [0, 1], with ``eye_openness_left`` and ``_right``; only those known in this frame."""
    known = expression_values(state)
    return JointState(header=header, name=list(known), position=list(known.values()))


def correspondences_message(state: HeadState, header: Header) -> Image:
    """The network's output over its crop as 32FC4: flow u, flow v, matchability, sigma."""
    layers = np.stack([state.flow[0], state.flow[1], state.matchability, state.flow_sigma], axis=-1)
    message = Image(header=header)
    fill_image(message, layers.astype(np.float32), "32FC4")
    return message


def correspondences_info(state: HeadState, header: Header) -> CameraInfo:
    """Where the :func:`correspondences_message` of a tracked head lies: the camera's K and D, the crop's R and P."""
    assert state.view is not None
    message = CameraInfo(header=header)
    fill_from_view(message, state.view, len(state.matchability))
    return message


def overlay_message(image: np.ndarray, header: Header) -> Image:
    """A drawn-on (H, W, 3) BGR image."""
    message = Image(header=header)
    fill_image(message, image, "bgr8")
    return message
