"""Fixtures shared by all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings
from small_face import small_face

from dense_face_ros.face_model import FaceModel

# How long an example takes is the machine's affair.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def small_model() -> FaceModel:
    """A synthetic head of a few hundred vertices: fast, and independent of the shipped model."""
    return small_face()


@pytest.fixture(scope="session")
def shipped_model() -> FaceModel:
    """The face model in the package."""
    return FaceModel.load()
