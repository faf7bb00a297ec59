"""Dense facial correspondences and driver head tracking (after Yu et al. 2017), free of ROS except in `ros`."""

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.tracker import FaceTracker, TrackerSettings

__all__ = ["FaceModel", "FaceTracker", "HeadState", "PinholeCamera", "Status", "TrackerSettings"]
