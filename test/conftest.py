"""Fixtures shared by all tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from small_face import small_face
from tracked_clip import FRAMES

from dense_face_ros import FaceTracker
from dense_face_ros.face_model import FaceModel

# How long an example takes is the machine's affair, and every run draws the same ones.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def small_model() -> FaceModel:
    """A synthetic head of a few hundred vertices: fast, and independent of the shipped model."""
    return small_face()


@pytest.fixture(scope="session")
def shipped_model() -> FaceModel:
    """The face model in the package."""
    return FaceModel.load()


@pytest.fixture(scope="session")
def truth() -> Any:
    """The ``Truth`` of the demo's clip."""
    pytest.importorskip("numba", reason="numba is not installed")
    from training.rendering.clip import clip_truth

    return clip_truth()


@pytest.fixture(scope="session")
def clip(shipped_model: FaceModel) -> list[npt.NDArray[np.uint8]]:
    """``FRAMES`` of it."""
    pytest.importorskip("numba", reason="numba is not installed")
    from training.rendering.clip import ClipRenderer

    renderer = ClipRenderer(shipped_model)
    return [renderer.frame(i) for i in FRAMES]


@pytest.fixture(scope="session")
def shared_tracker() -> FaceTracker:
    """With the shipped networks."""
    return FaceTracker(threads=1)


@pytest.fixture
def tracker(shared_tracker: FaceTracker) -> FaceTracker:
    """The same, with nothing remembered."""
    shared_tracker.reset()
    return shared_tracker
