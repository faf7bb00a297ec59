"""Dense facial correspondences and driver head tracking (after Yu et al. 2017), free of ROS except in `ros`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dense_face_ros.face_model import FaceModel
    from dense_face_ros.geometry import PinholeCamera
    from dense_face_ros.head_state import HeadState, Status
    from dense_face_ros.tracker import FaceTracker
    from dense_face_ros.tracker_settings import TrackerSettings

__all__ = ["FaceModel", "FaceTracker", "HeadState", "PinholeCamera", "Status", "TrackerSettings"]

_HOME = {
    "FaceModel": "face_model",
    "PinholeCamera": "geometry",
    "HeadState": "head_state",
    "Status": "head_state",
    "FaceTracker": "tracker",
    "TrackerSettings": "tracker_settings",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for: a node that only plays images must not pay for the solver's imports."""
    if name not in _HOME:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
