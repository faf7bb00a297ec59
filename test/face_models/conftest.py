"""A made-up published model, shared by the tests of the importers."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from face_models.published import Ch, Published, Select

from dense_face_ros.face_model import FaceModel


@pytest.fixture(scope="session")
def published(shipped_model: FaceModel) -> Published:
    return Published(shipped_model)


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules under chumpy's names, so that its objects can be written to pickles."""
    monkeypatch.setitem(sys.modules, "chumpy", ModuleType("chumpy"))
    for module, kind in (("chumpy.ch", Ch), ("chumpy.reordering", Select)):
        monkeypatch.setattr(kind, "__module__", module)
        made = ModuleType(module)
        setattr(made, kind.__name__, kind)
        monkeypatch.setitem(sys.modules, module, made)
