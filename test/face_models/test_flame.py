"""Reading FLAME from a pickle in the exact layout, chumpy objects included."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from face_models.published import SHIFT, Ch, Published
from scipy.sparse import csc_matrix

from dense_face_ros.face_model import FaceModel
from training.face_models.flame import read_flame
from training.face_models.inert_pickle import as_array, read_pickle
from training.face_models.source import to_head_axes


def write_flame(path: Path, published: Published) -> None:
    """``generic_model.pkl``: the skin and two eyeballs of four vertices, five joints; 2 of the 100 expressions."""
    person, ours = published.person, published.ours
    balls = []
    for name in ("eye_left", "eye_right"):
        cap = person[ours.regions == ours.region_names.index(name)]
        centre = np.array([cap[:, 0].max() - 0.012, *cap[:, 1:].mean(axis=0)])
        balls.append(centre + 0.012 * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0.0]]))
    eyes = published.axes(np.concatenate(balls)) + SHIFT
    template = np.concatenate([published.points(), eyes])
    count = len(template) - 8
    shapes = np.zeros((len(template), 3, 302), np.float32)
    shapes[:count, :, :3] = published.axes(published.cut(published.identity)).transpose(1, 2, 0)
    shapes[:count, :, 300:302] = published.axes(published.cut(published.expression)).transpose(1, 2, 0)
    regressor, weights = np.zeros((5, len(template))), np.zeros((len(template), 5))
    regressor[3, count : count + 4] = regressor[4, count + 4 :] = 0.25
    regressor[2, published.keypoints[[0, 16]]] = 0.5
    chin = published.points()[:, 1] < published.points()[published.keypoints[57], 1]
    weights[:count, 1], weights[:count, 2] = ~chin, chin
    weights[count : count + 4, 3] = weights[count + 4 :, 4] = 1.0
    balls_faces = count + np.array([[0, 2, 3], [4, 6, 7]])
    path.write_bytes(pickle.dumps({
        "v_template": Ch(template), "shapedirs": Ch(shapes), "f": np.concatenate([published.triangles, balls_faces]),
        "J_regressor": csc_matrix(regressor), "weights": weights, "posedirs": Ch(np.zeros((2, 3, 36))),
        "kintree_table": np.zeros((2, 5), np.int64), "bs_style": "lbs", "bs_type": "lrotmin",
    }, protocol=2))  # fmt: skip


@pytest.fixture(scope="module")
def published(shipped_model: FaceModel) -> Published:
    return Published(shipped_model, fine=False)


def test_flame(tmp_path: Path, published: Published, chumpy: None) -> None:
    write_flame(tmp_path / "generic_model.pkl", published)
    source = read_flame(tmp_path / "generic_model.pkl")
    count = len(published.points())
    np.testing.assert_allclose(source.mean[:count], to_head_axes(published.points()), atol=1e-9)
    assert source.identity_modes.shape == (300, count + 8, 3)
    identity = to_head_axes(published.axes(published.cut(published.identity)))
    np.testing.assert_allclose(source.identity_modes[:3, :count], identity, atol=1e-7)
    assert source.triangles.max() < count, "no eyeballs"
    assert source.eyes is not None and source.eyes[0, 1] > source.eyes[1, 1], "left first"
    np.testing.assert_allclose(source.eyes[0], source.mean[count : count + 4].mean(axis=0))
    assert source.expression_names[:2] == ("mode01+", "mode01-") and source.expression_names[-1] == "jawOpen"


def test_the_jaw_falls(tmp_path: Path, published: Published, chumpy: None) -> None:
    write_flame(tmp_path / "generic_model.pkl", published)
    source = read_flame(tmp_path / "generic_model.pkl")
    fall = source.expressions[source.expression_names.index("jawOpen")]
    chin, brow = published.keypoints[8], published.keypoints[19]
    assert fall[chin, 2] < -0.015 and abs(fall[chin, 1]) < 1e-6, "down, not sideways"
    np.testing.assert_array_equal(fall[brow], 0.0)


@pytest.mark.parametrize("suffix", [".pkl", ".npz"])
def test_the_published_embedding(tmp_path: Path, published: Published, chumpy: None, suffix: str) -> None:
    write_flame(tmp_path / "generic_model.pkl", published)
    rows = [int(np.flatnonzero((published.triangles == v).any(axis=1))[0]) for v in published.keypoints[17:]]
    weights = (published.triangles[rows] == published.keypoints[17:, None]).astype(float)
    data = {"lmk_face_idx": np.array(rows, np.uint32), "lmk_b_coords": weights}
    embedding = tmp_path / f"embedding{suffix}"
    if suffix == ".npz":
        np.savez(embedding, **data)
    else:
        embedding.write_bytes(pickle.dumps(data, protocol=2))
    source = read_flame(tmp_path / "generic_model.pkl", embedding)
    assert sorted(source.marks) == list(range(17, 68))
    np.testing.assert_allclose(source.marks[30], source.mean[published.keypoints[30]])


def test_other_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps({"v_template": np.zeros((4, 3))}))
    with pytest.raises(ValueError, match=r"other\.pkl' lacks shapedirs, f, J_regressor, weights"):
        read_flame(path)
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match=r"other\.pkl' lacks v_template"):
        read_flame(path)


def changed(path: Path, published: Published, **changes: object) -> Path:
    """The model with other values; ``Record`` objects of its file are replaced by what they were made of."""
    write_flame(path, published)
    data = read_pickle(path)
    plain = {name: as_array(data[name]) for name in ("v_template", "shapedirs", "f", "J_regressor", "weights")}
    path.write_bytes(pickle.dumps({**plain, **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"f": np.array([[0, 1, 100000]])}, "is damaged, or another file .*triangles name vertices outside"),
        ({"f": np.array([[0, 1, -1]])}, "triangles name vertices outside"),
        ({"weights": np.zeros((3, 5))}, "is damaged"),
        ({"weights": np.zeros(3)}, "is damaged"),
        ({"J_regressor": np.zeros((5, 4))}, "is damaged"),
        ({"shapedirs": np.zeros(3)}, "is damaged"),
        ({"shapedirs": np.zeros((5, 3, 20))}, "it has 20 shape directions; FLAME has 300"),
        ({"v_template": [[1, 2, 3], [4]]}, "holds an array that cannot be made"),
    ],
)
def test_damaged_models_are_named(
    tmp_path: Path, published: Published, chumpy: None, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=rf"model\.pkl'.*{message}"):
        read_flame(changed(tmp_path / "model.pkl", published, **changes))


def test_damaged_embeddings_are_named(tmp_path: Path, published: Published, chumpy: None) -> None:
    write_flame(tmp_path / "model.pkl", published)
    embedding = tmp_path / "embedding.npz"
    embedding.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"embedding\.npz' is no \.npz file, or was cut short"):
        read_flame(tmp_path / "model.pkl", embedding)
    np.savez(embedding, lmk_face_idx=np.full(51, 10**6), lmk_b_coords=np.zeros((51, 3)))
    with pytest.raises(ValueError, match=r"embedding\.npz' is damaged"):
        read_flame(tmp_path / "model.pkl", embedding)
