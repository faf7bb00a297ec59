"""What the tracker node's parameters stand for. Needs no ROS installation."""

from __future__ import annotations

from typing import Any

from dense_face_ros.driver import Seat
from dense_face_ros.head_fitting import FitLimits
from dense_face_ros.smoothing import PoseFilterSettings
from dense_face_ros.tracker import FaceTracker
from dense_face_ros.tracker_settings import TrackerSettings


def tracker_settings(values: dict[str, Any]) -> TrackerSettings:
    """The settings that the node's parameters stand for; the camera is given with every frame."""
    return TrackerSettings(
        image_rotation=values["image_rotation"],
        seat=Seat(values["seat_left"], values["seat_top"], values["seat_right"], values["seat_bottom"]),
        remember_person=values["remember_person"],
        interpupillary_distance=values["interpupillary_distance"],
        limits=FitLimits(min_inliers=values["min_inliers"], min_coverage=values["min_coverage"]),
        smoothing=PoseFilterSettings(
            enabled=values["filter_enabled"],
            position_agility=values["filter_position_agility"],
            rotation_agility=values["filter_rotation_agility"],
        ),
    )


def face_tracker(values: dict[str, Any]) -> FaceTracker:
    """A ``FaceTracker`` after the node's parameters."""
    return FaceTracker(
        tracker_settings(values),
        model_path=values["model"] or None,
        network_path=values["network"] or None,
        finder_path=values["finder"] or None,
        backend=values["backend"],
        threads=values["threads"],
    )
