"""Reading the Basel Face Model in its three layouts, from files made in the exact format."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from face_models.published import Published
from scipy.io import loadmat, savemat

from training.face_models import basel
from training.face_models.source import SourceModel, to_head_axes

_SIGMA = np.array([7.0, 4.0, 2.0])
_SIGMA_EXP = np.array([1.5, 0.5])


def columns(vectors: np.ndarray, per_metre: float) -> np.ndarray:
    """(K, S, 3) -> (3 S, K)."""
    return vectors.reshape(len(vectors), -1).T * per_metre


def split(published: Published, per_metre: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Identity columns of unit length and their deviations, and expression columns."""
    full = columns(published.axes(published.cut(published.identity)), per_metre)
    length = np.linalg.norm(full, axis=0)
    return full / length, length, columns(published.axes(published.cut(published.expression)), per_metre)


def write_3ddfa(folder: Path, published: Published) -> Path:
    """``Model_Shape.mat`` and ``Model_Exp.mat``."""
    w, sigma, faces = split(published, 1e6)
    mean = (published.points() * 1e6).reshape(-1, 1)
    colour = np.tile([[200.0], [150.0], [130.0]], (len(mean) // 3, 1))
    savemat(folder / "Model_Shape.mat", {
        "mu_shape": mean - 5.0, "w": w, "sigma": sigma[:, None], "tri": published.triangles.T[::-1] + 1,
        "keypoints": published.keypoints[None] + 1, "mu_tex": colour,
    })  # fmt: skip
    savemat(folder / "Model_Exp.mat", {
        "mu_exp": np.full_like(mean, 5.0), "w_exp": faces / _SIGMA_EXP, "sigma_exp": _SIGMA_EXP[:, None],
    })  # fmt: skip
    return folder / "Model_Shape.mat"


def write_bfm2009(path: Path, published: Published) -> None:
    """``01_MorphableModel.mat``: all 53490 vertices, of which most lie in no triangle; clockwise, from 1."""
    pc, sigma, _ = split(published, 1e6)
    rng = np.random.default_rng(0)
    count = len(published.points())
    row = rng.choice(53490, count, replace=False)
    for i, vertex in basel._MARKS_2009.items():
        taken = np.flatnonzero(row == vertex)
        row[taken], row[published.keypoints[i]] = row[published.keypoints[i]], vertex
    flat = (3 * row[:, None] + np.arange(3)).ravel()
    mean, modes = np.zeros((160470, 1), np.float32), np.zeros((160470, 3), np.float32)
    mean[flat, 0], modes[flat] = published.points().ravel() * 1e6, pc
    savemat(path, {
        "shapeMU": mean, "shapePC": modes, "shapeEV": sigma[:, None].astype(np.float32),
        "texMU": np.full((160470, 1), 127.5, np.float32), "tl": row[published.triangles][:, ::-1] + 1,
    })  # fmt: skip


def write_h5(path: Path, published: Published, named: bool = False) -> None:
    """The layout of 2017 and 2019; ``named``: landmarks as an object in plain bytes instead of a list in a text."""
    pc, sigma, faces = split(published, 1e3)
    mean = published.points().ravel() * 1e3
    marks = {name: published.points()[published.keypoints[i]] * 1e3 for name, i in basel._NAMED.items()}
    marks["left.ear.tragus.tip"] = np.zeros(3)
    listed = [{"id": name, "coordinates": point.tolist()} for name, point in marks.items()]
    text = json.dumps({name: point.tolist() for name, point in marks.items()} if named else listed)
    with h5py.File(path, "w") as file:
        for part, basis, variance in (
            ("shape", pc, sigma**2), ("expression", faces / _SIGMA_EXP, _SIGMA_EXP**2),
        ):  # fmt: skip
            file[f"{part}/model/mean"] = mean if part == "shape" else np.zeros_like(mean)
            file[f"{part}/model/pcaBasis"] = basis.astype(np.float32)
            file[f"{part}/model/pcaVariance"] = variance.astype(np.float32)
        file["color/model/mean"] = np.full_like(mean, 0.5)
        file["shape/representer/cells"] = published.triangles.T.astype(np.int32)
        stored = np.frombuffer(text.encode(), np.uint8) if named else np.array([text], dtype=h5py.string_dtype())
        file["metadata/landmarks/json"] = stored


def check(source: SourceModel, published: Published, vertices: np.ndarray | slice = slice(None)) -> None:
    """Mean, modes and winding are those that were written."""
    points = to_head_axes(published.points())
    np.testing.assert_allclose(source.mean[vertices], points, atol=1e-7)
    identity = to_head_axes(published.axes(published.cut(published.identity)))
    np.testing.assert_allclose(source.identity_modes[:, vertices], identity, atol=1e-7)
    a, b, c = (source.mean[source.triangles[:, i]] for i in range(3))
    assert np.cross(b - a, c - a)[:, 0].sum() > 0


def test_3ddfa(tmp_path: Path, published: Published) -> None:
    source = basel.read_3ddfa(write_3ddfa(tmp_path, published))
    check(source, published)
    assert source.expression_names == ("mode01+", "mode01-", "mode02+", "mode02-")
    expression = to_head_axes(published.axes(published.cut(published.expression)))
    np.testing.assert_allclose(source.expressions[0] * source.expression_spread[0], expression[0], atol=1e-7)
    np.testing.assert_allclose(source.expressions[3], -3.0 * expression[1], atol=1e-7)
    np.testing.assert_allclose(source.marks[30], source.mean[published.keypoints[30]])
    assert source.colour is not None
    np.testing.assert_allclose(source.colour[7] * 255.0, [200.0, 150.0, 130.0])


def test_2009(tmp_path: Path, published: Published) -> None:
    write_bfm2009(tmp_path / "01_MorphableModel.mat", published)
    source = basel.read_bfm2009(tmp_path / "01_MorphableModel.mat")
    points = to_head_axes(published.points())
    used = np.unique(source.triangles)
    assert len(used) == len(points) and len(source.expressions) == 0
    np.testing.assert_allclose(np.sort(source.mean[used], axis=0), np.sort(points, axis=0), atol=1e-7)
    for i, point in source.marks.items():
        np.testing.assert_allclose(point, points[published.keypoints[i]], atol=1e-7)


@pytest.mark.parametrize("named", [False, True])
def test_2017_and_2019(tmp_path: Path, published: Published, named: bool) -> None:
    write_h5(tmp_path / "model2019_bfm.h5", published, named)
    source = basel.read_bfm_h5(tmp_path / "model2019_bfm.h5")
    check(source, published)
    assert set(source.marks) == set(basel._NAMED.values())
    np.testing.assert_allclose(source.marks[45], source.mean[published.keypoints[45]], atol=1e-9)


def test_what_is_missing_is_named(tmp_path: Path, published: Published) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mat' does not exist"):
        basel.read_3ddfa(tmp_path / "nowhere.mat")
    savemat(tmp_path / "Model_Shape.mat", {"mu_shape": np.zeros((3, 1)), "w": np.zeros((3, 1))})
    with pytest.raises(ValueError, match=r"Model_Shape\.mat' lacks tri, keypoints"):
        basel.read_3ddfa(tmp_path / "Model_Shape.mat")
    (tmp_path / "bad.mat").write_bytes(b"MATLAB 7.3 MAT-file" + bytes(200))
    with pytest.raises(ValueError, match=r"bad\.mat' is not a whole MATLAB 5 file"):
        basel.read_bfm2009(tmp_path / "bad.mat")
    shape = write_3ddfa(tmp_path, published)
    (tmp_path / "Model_Exp.mat").unlink()
    with pytest.raises(FileNotFoundError, match=r"holds no Model_Exp\.mat or Model_Expression\.mat"):
        basel.read_3ddfa(shape)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["shape/model/mean"] = np.zeros(3)
    with pytest.raises(ValueError, match=r"other\.h5' lacks shape/model/pcaBasis"):
        basel.read_bfm_h5(tmp_path / "other.h5")
    with pytest.raises(ValueError, match=r"bad\.mat' cannot be read"):
        basel.read_bfm_h5(tmp_path / "bad.mat")


@pytest.mark.parametrize(
    "change",
    [
        {"tri": [[1], [2], [10**6]]},
        {"keypoints": [[10**6]]},
        {"w": np.zeros((6, 1))},
        {"tri": np.ones((5, 3))},
        {"mu_shape": "nan"},
    ],
)
def test_what_does_not_fit_together_is_named(tmp_path: Path, published: Published, change: dict[str, object]) -> None:
    shape = write_3ddfa(tmp_path, published)
    data = {name: array for name, array in loadmat(shape).items() if not name.startswith("_")}
    if "mu_shape" in change:
        change = {"mu_shape": np.full_like(data["mu_shape"], np.nan)}
    savemat(shape, {**data, **change})
    with pytest.raises(ValueError, match=r"Model_Shape\.mat' is damaged, or another file"):
        basel.read_3ddfa(shape)


@pytest.mark.parametrize("broken", ["shape/model/mean", "metadata/landmarks/json"])
def test_a_group_where_an_array_should_be_is_named(tmp_path: Path, published: Published, broken: str) -> None:
    write_h5(tmp_path / "model.h5", published)
    with h5py.File(tmp_path / "model.h5", "a") as file:
        del file[broken]
        file.create_group(broken)
    with pytest.raises(ValueError, match=rf"model\.h5' lacks {broken}"):
        basel.read_bfm_h5(tmp_path / "model.h5")


@pytest.mark.parametrize("part", ["shape/model/pcaBasis", "expression/model/pcaVariance", "shape/model/mean"])
def test_what_is_not_finite_is_named(tmp_path: Path, published: Published, part: str) -> None:
    write_h5(tmp_path / "model.h5", published)
    with h5py.File(tmp_path / "model.h5", "a") as file:
        file[part][...] = np.nan
    with pytest.raises(ValueError, match=r"model\.h5' is damaged, or another file"):
        basel.read_bfm_h5(tmp_path / "model.h5")


def test_a_landmark_of_two_coordinates_is_named(tmp_path: Path, published: Published) -> None:
    write_h5(tmp_path / "model.h5", published)
    name = next(iter(basel._NAMED))
    with h5py.File(tmp_path / "model.h5", "a") as file:
        text = json.dumps([{"id": name, "coordinates": [1.0, 2.0]}])
        file["metadata/landmarks/json"][...] = np.array([text], dtype=h5py.string_dtype())
    with pytest.raises(ValueError, match=r"model\.h5': metadata/landmarks/json cannot be read"):
        basel.read_bfm_h5(tmp_path / "model.h5")
