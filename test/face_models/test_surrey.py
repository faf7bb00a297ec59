"""Reading the Surrey model from files that eos itself writes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from face_models.published import Published

from training.face_models.source import to_head_axes
from training.face_models.surrey import MARKS, read_surrey


@pytest.fixture
def eos() -> Any:
    return pytest.importorskip("eos", reason="eos-py has no build for this Python")


def reordered(published: Published) -> tuple[np.ndarray, np.ndarray]:
    """For each vertex of the file the made-up model's, landmarks where the Surrey model has them; and triangles."""
    order = np.arange(len(published.points()))
    for i, vertex in MARKS.items():
        now = np.flatnonzero(order == published.keypoints[i])[0]
        order[[vertex, now]] = order[[now, vertex]]
    return order, np.argsort(order)[published.triangles]


def write_surrey(path: Path, published: Published, eos: Any, expressions: Any = None) -> np.ndarray:
    """A model file; returns the order of its vertices."""
    order, triangles = reordered(published)
    flat = (published.axes(published.cut(published.identity))[:, order] * 1e3).reshape(3, -1).T
    length = np.linalg.norm(flat, axis=0)
    shape = eos.morphablemodel.PcaModel(
        (published.points()[order] * 1e3).ravel().astype(np.float32), (flat / length).astype(np.float32),
        (length**2).astype(np.float32), triangles.tolist(),
    )  # fmt: skip
    colour = eos.morphablemodel.PcaModel()
    parts = (shape, colour) if expressions is None else (shape, expressions, colour)
    eos.morphablemodel.save_model(eos.morphablemodel.MorphableModel(*parts), str(path))
    return order


def blendshapes(published: Published, order: np.ndarray, eos: Any) -> list[Any]:
    full = 3e3 * published.axes(published.cut(published.expression))[:, order]
    return [eos.morphablemodel.Blendshape(name, shape.ravel().astype(np.float32))
            for name, shape in zip(("surprise", "joy"), full, strict=True)]  # fmt: skip


def test_shape_only(tmp_path: Path, published: Published, eos: Any) -> None:
    order = write_surrey(tmp_path / "sfm.bin", published, eos)
    source = read_surrey(tmp_path / "sfm.bin")
    np.testing.assert_allclose(source.mean, to_head_axes(published.points()[order]), atol=1e-7)
    identity = to_head_axes(published.axes(published.cut(published.identity))[:, order])
    np.testing.assert_allclose(source.identity_modes, identity, atol=1e-7)
    assert len(source.expressions) == 0 and source.colour is None
    np.testing.assert_allclose(source.marks[30], to_head_axes(published.points())[published.keypoints[30]], atol=1e-7)


@pytest.mark.parametrize("separate", [True, False])
def test_blendshapes(tmp_path: Path, published: Published, eos: Any, separate: bool) -> None:
    shapes = blendshapes(published, reordered(published)[0], eos)
    order = write_surrey(tmp_path / "sfm.bin", published, eos, None if separate else shapes)
    eos.morphablemodel.save_blendshapes(shapes, str(tmp_path / "blendshapes.bin"))
    source = read_surrey(tmp_path / "sfm.bin", tmp_path / "blendshapes.bin" if separate else None)
    assert source.expression_names == ("surprise", "joy")
    expected = 3.0 * to_head_axes(published.axes(published.cut(published.expression))[:, order])
    np.testing.assert_allclose(source.expressions, expected, atol=1e-7)


def test_what_cannot_be_read_is_named(tmp_path: Path, eos: Any) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.bin' does not exist"):
        read_surrey(tmp_path / "none.bin")
    (tmp_path / "bad.bin").write_bytes(b"nothing of a model")
    with pytest.raises(ValueError, match=r"bad\.bin' cannot be read"):
        read_surrey(tmp_path / "bad.bin")


@pytest.mark.parametrize("content", [b"", b"nothing of blendshapes", b"\xff" * 4000])
def test_damaged_blendshapes_are_named(tmp_path: Path, published: Published, eos: Any, content: bytes) -> None:
    write_surrey(tmp_path / "sfm.bin", published, eos)
    (tmp_path / "blendshapes.bin").write_bytes(content)
    with pytest.raises(ValueError, match=r"blendshapes\.bin' cannot be read .*is it a file that eos wrote"):
        read_surrey(tmp_path / "sfm.bin", tmp_path / "blendshapes.bin")


def test_without_eos_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "eos", None)
    with pytest.raises(ValueError, match="pip install eos-py"):
        read_surrey(tmp_path / "sfm.bin")
