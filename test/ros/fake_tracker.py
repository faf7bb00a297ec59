"""A stand-in for FaceTracker with a tiny face model: quick to load, and told by the image what to do.

Run as a script it is the tracker node with this tracker in it. A dark image shows no head; a first pixel of the
colours below makes it fail, or take its time.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from dense_face_ros.backends import CROP_SIZE
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import PinholeCamera, rotation_from_yaw_pitch_roll
from dense_face_ros.head_state import HeadState, Status

FAILING, SLOW = (255, 0, 255), (0, 255, 255)
SLOW_SECONDS = 1.5
SLOW_DONE, FORGOTTEN = "the slow image is done", "the driver is forgotten"  # what it prints
DISTANCE = 0.7  # metres
MATCHABILITY = 0.75


def make_model() -> FaceModel:
    """An octahedron of 10 cm with 68 landmarks on its first triangle, one identity mode and two expressions."""
    mean = 0.1 * np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, -1, 0], [0, 0, -1], [-1, 0, 0]], np.float32)
    triangles = [(0, 1, 2), (0, 2, 3), (0, 3, 4), (0, 4, 1), (5, 2, 1), (5, 3, 2), (5, 4, 3), (5, 1, 4)]
    first = np.linspace(0.1, 0.8, 68, dtype=np.float32)
    weights = np.column_stack([first, 0.5 * (1 - first), 0.5 * (1 - first)])
    return FaceModel(
        mean=mean,
        identity_basis=np.zeros((1, 6, 3), np.float32),
        expression_basis=np.zeros((2, 6, 3), np.float32),
        expression_names=("jawOpen", "mouthSmile"),
        expression_spread=np.ones(2, np.float32),
        triangles=np.array(triangles, np.int32),
        regions=np.zeros(6, np.uint8),
        region_names=("face",),
        landmarks=SurfacePoints(np.zeros(68, np.int32), weights),
        contour_candidates=np.zeros((17, 1), np.int32),
        template_coordinates=np.zeros((6, 2), np.float32),
        mirror=np.arange(6, dtype=np.int32),
        albedo=np.ones((6, 3), np.float32),
        source="made for tests",
        licence="Apache-2.0",
    )


def tracked_state(model: FaceModel, stamp: float, camera: PinholeCamera, yaw: float = 0.2) -> HeadState:
    """A tracked head at DISTANCE, slightly turned, its right eye unknown and half of its landmarks hidden."""
    pose = np.eye(4)
    pose[:3, :3] = rotation_from_yaw_pitch_roll((yaw, 0.1, -0.05))
    pose[:3, 3] = (0.05, -0.02, DISTANCE)
    raw = pose.copy()
    raw[2, 3] += 0.01
    vertices = model.mean @ pose[:3, :3].T + pose[:3, 3]
    landmarks = model.at(model.landmarks, vertices)
    view = FacingView.towards(pose[:3, 3], np.array([0.1, 1.0, 0.0]), 400.0, CROP_SIZE, camera)
    return HeadState(
        stamp=stamp,
        status=Status.TRACKING,
        reason="",
        camera=camera,
        pose=pose,
        pose_raw=raw,
        covariance=np.diag([1e-6, 1e-6, 4e-4, 1e-4, 1e-4, 1e-4]),
        covariance_raw=np.diag([2e-6, 2e-6, 8e-4, 2e-4, 2e-4, 2e-4]),
        coefficients=np.array([0.5, 0.3, 0.1]),
        expression={"jawOpen": 0.3, "mouthSmile": 0.1},
        landmarks_2d=camera.project(landmarks),
        landmarks_3d=landmarks.astype(np.float64),
        landmark_visible=np.arange(68) < 34,
        landmark_visibility=np.linspace(1.0, 0.0, 68),
        landmark_sigma=np.full(68, 0.8),
        eye_openness=(0.9, np.nan),
        vertices=vertices,
        matchability=np.full((64, 64), MATCHABILITY),
        flow=np.stack([np.full((64, 64), 1.0), np.full((64, 64), -2.0)]),
        flow_sigma=np.full((64, 64), 0.5),
        quality={"inliers": 0.9, "residual": 0.7, "coverage": 0.6},
        view=view,
    )


class FakeNetwork:
    """What the node reports of a network."""

    def __init__(self) -> None:
        self.name, self.metadata = "fake", {"architecture": "none"}


class FakeTracker:
    """See the module."""

    def __init__(self) -> None:
        self.model, self.network = make_model(), FakeNetwork()
        self.licences = {"network": "Apache-2.0", "finder": "Apache-2.0", "eyelids": "Apache-2.0"}

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
        assert camera is not None
        corner = tuple(image[0, 0].tolist())
        if corner == FAILING:
            raise RuntimeError("told to fail")
        if corner == SLOW:
            time.sleep(SLOW_SECONDS)
            print(SLOW_DONE)
        if image.mean() < 40:
            return HeadState.without_head(stamp, Status.SEARCHING, "no face found", camera, 6, 3)
        return tracked_state(self.model, stamp, camera)

    def reset(self) -> None:
        print(FORGOTTEN)

    def check_network(self) -> None:
        pass

    def close(self) -> None:
        pass


def make_fake(values: dict[str, object]) -> FakeTracker:
    """As the real one, refuses a model file that cannot be read."""
    if values["model"]:
        FaceModel.load(str(values["model"]))
    return FakeTracker()


if __name__ == "__main__":
    from dense_face_ros.ros.tracker_node import TrackerNode, run

    sys.exit(run(lambda: TrackerNode(make_fake, diagnostics_period=0.1)))
