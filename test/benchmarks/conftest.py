"""A face model, heads in known poses, and a tracker that answers with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_state import HeadState, Status

StateMaker = Callable[..., HeadState]


class KnownTracker:
    """Answers every call with the next of a list of states, and keeps what it was asked."""

    def __init__(self, states: list[HeadState]) -> None:
        self._states = list(states)
        self._next = 0
        self.boxes: list[tuple[float, ...] | None] = []
        self.cameras: list[PinholeCamera | None] = []

    def fit(self, image, box=None, camera=None) -> HeadState:
        self.boxes.append(box)
        self.cameras.append(camera)
        return self._answer()

    def update(self, image, stamp, camera=None) -> HeadState:
        return replace(self._answer(), stamp=stamp)

    def _answer(self) -> HeadState:
        state = self._states[self._next % len(self._states)]
        self._next += 1
        return state


@pytest.fixture(scope="session")
def model(shipped_model: FaceModel) -> FaceModel:
    return shipped_model


@pytest.fixture(scope="session")
def camera() -> PinholeCamera:
    return PinholeCamera(500.0, 500.0, 159.5, 119.5, 320, 240)


@pytest.fixture(scope="session")
def state_of(model: FaceModel, camera: PinholeCamera) -> StateMaker:
    """``state_of(rotation, position)``: the mean face, tracked in that pose by a 320x240 camera."""

    def make(rotation: Array, position=(0.0, 0.0, 0.6), seen_by: PinholeCamera = camera) -> HeadState:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, position
        vertices = model.mean.astype(float) @ rotation.T + pose[:3, 3]
        landmarks = np.asarray(model.at(model.landmarks, vertices))
        empty = HeadState.without_head(0.0, Status.TRACKING, "", seen_by, len(vertices), 3)
        return replace(
            empty,
            pose=pose,
            pose_raw=pose,
            landmarks_2d=seen_by.project(landmarks),
            landmarks_3d=landmarks,
            landmark_visible=np.ones(68, dtype=bool),
            vertices=vertices,
            eye_openness=(0.9, np.nan),
        )

    return make


@pytest.fixture(scope="session")
def lost(model: FaceModel, camera: PinholeCamera) -> HeadState:
    return HeadState.without_head(0.0, Status.SEARCHING, "no face found", camera, len(model.mean), 3)


@pytest.fixture(scope="session")
def known_tracker() -> type[KnownTracker]:
    return KnownTracker
