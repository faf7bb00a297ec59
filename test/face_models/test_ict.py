"""Reading the ICT model: error messages, and the OBJ layout on a tiny folder in the original format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from training.face_models import ict
from training.face_models.expressions import groups, spread


def write_folder(folder: Path, vertices: int = 4) -> None:
    folder.mkdir()
    base = "\n".join(f"v {i} {2 * i} 0.5" for i in range(vertices)) + "\nf 1/1 2/2 3/3 4/4\n"
    (folder / "generic_neutral_mesh.obj").write_text("# made\n" + base)
    moved = base.replace("v 1 2 0.5", "v 1 2 0.75")
    for name in ("identity000", "jawOpen"):
        (folder / f"{name}.obj").write_text(moved)
    index = {"expressions": ["browDown_L", "jawOpen"], "idx_to_landmark_verts": [0] * 68}
    (folder / "vertex_indices.json").write_text(json.dumps(index))


def test_obj_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "FaceXModel")
    monkeypatch.setattr(ict, "_VERTICES", 4)
    model = ict.read_ict(tmp_path / "FaceXModel")
    np.testing.assert_array_equal(model.triangles, [[0, 1, 2], [0, 2, 3]])
    np.testing.assert_allclose(model.mean[2], [2, 4, 0.5])
    np.testing.assert_allclose(model.identity_modes[0], [[0, 0, 0], [0, 0, 0.25], [0, 0, 0], [0, 0, 0]])
    assert model.expression_names == ("jawOpen",), "expressions without a file are left out"


def test_another_topology_is_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "FaceXModel")
    with pytest.raises(ValueError, match="has 4 vertices; the ICT Face Model Light has 26719"):
        ict.read_ict(tmp_path / "FaceXModel")


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere' does not exist"):
        ict.read_ict(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"generic_neutral_mesh\.obj"):
        ict.read_ict(tmp_path / "empty")
    np.savez(tmp_path / "other", mean=np.zeros((4, 3)))
    with pytest.raises(ValueError, match="lacks identity_modes"):
        ict.read_ict(tmp_path / "other.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"bad\.npz' is no \.npz file, or was cut short"):
        ict.read_ict(tmp_path / "bad.npz")


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "FaceXModel")
    for line in (b"v 1 2 x\n", b"v 1 2\n", b"v 1 2 \xff\n"):
        (tmp_path / "FaceXModel" / "jawOpen.obj").write_bytes(line)
        with pytest.raises(ValueError, match=r"jawOpen\.obj' line 1"):
            ict.read_ict(tmp_path / "FaceXModel")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"expressions": 1}'])
def test_a_broken_index_is_named(tmp_path: Path, text: str) -> None:
    write_folder(tmp_path / "FaceXModel")
    (tmp_path / "FaceXModel" / "vertex_indices.json").write_text(text)
    with pytest.raises(ValueError, match=r"vertex_indices\.json' is damaged"):
        ict.read_ict(tmp_path / "FaceXModel")


def test_triangles_beyond_the_vertices_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "FaceXModel")
    monkeypatch.setattr(ict, "_VERTICES", 4)
    neutral = tmp_path / "FaceXModel" / "generic_neutral_mesh.obj"
    neutral.write_text(neutral.read_text() + "f 1 2 5\n")
    with pytest.raises(ValueError, match=r"FaceXModel' is damaged.*triangles name vertices outside 0\.\.3"):
        ict.read_ict(tmp_path / "FaceXModel")


def test_expressions_are_grouped_by_name() -> None:
    names, index = groups(("browInnerUp_R", "jawOpen", "browInnerUp_L", "PupilDilate_L"))
    assert dict(zip(names, index, strict=True)) == {"browInnerUp": [2, 0], "jawOpen": [1]}
    assert spread(("jawOpen", "mouthPucker"))[0] > spread(("jawOpen", "mouthPucker"))[1]
    with pytest.raises(ValueError, match="none of the expressions"):
        groups(("A", "B"))
