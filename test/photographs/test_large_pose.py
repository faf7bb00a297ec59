"""Reading 300W-LP from files in the exact layout: a painted head, labelled by the data set's own formula."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from face_models.published import SHIFT, Published
from face_models.test_basel import write_3ddfa
from painted_face import agreement
from scipy.io import loadmat, savemat

from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training.data import Mixture, SampleMaker, make_dataset
from training.photographs.large_pose import LargePoseHeads, LargePoseLabels, draw_sheet, main
from training.recipes import RECIPES
from training.rendering.rasteriser import interpolate, rasterise
from training.shards import pack, shard_labels

_SIZE = 450
_SHAPE = np.array([1.5, -1.0, 0.5])  # standard deviations of the made-up modes
_YAWS = (0.1, 0.9)


@pytest.fixture(scope="module")
def published(shipped_model: FaceModel) -> Published:
    return Published(shipped_model, fine=False)


@pytest.fixture(scope="module")
def template(shipped_model: FaceModel) -> Template:
    return Template(shipped_model)


def place(vertices: np.ndarray, pose: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (N, 2) and nearness of vertices (N, 3) in micrometres, x left, y up: as the data set's sample code."""
    phi, gamma, theta = pose[:3]
    about_x = np.array([[1, 0, 0], [0, np.cos(phi), np.sin(phi)], [0, -np.sin(phi), np.cos(phi)]])
    about_y = np.array([[np.cos(gamma), 0, -np.sin(gamma)], [0, 1, 0], [np.sin(gamma), 0, np.cos(gamma)]])
    about_z = np.array([[np.cos(theta), np.sin(theta), 0], [-np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    projected = pose[6] * vertices @ (about_x @ about_y @ about_z).T + pose[3:6]
    from_one = np.column_stack([projected[:, 0], _SIZE + 1 - projected[:, 1]])
    return from_one - 1.0, projected[:, 2]


@pytest.fixture(scope="module")
def truth(published: Published) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Per photograph its pose and where each of our vertices is."""
    person = published.person + np.tensordot(_SHAPE, published.identity, 1)
    vertices = (published.axes(person) + SHIFT) * 1e6
    out = []
    for yaw in _YAWS:
        pose = np.array([0.1, yaw, -0.05, 230.0, 210.0, -50.0, 1.2e-3])
        out.append((pose, *place(vertices, pose)))
    return out


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, published: Published, template: Template, truth: list[tuple]
) -> Path:
    """``300W_LP/AFW`` and ``AFW_Flip`` with two turned copies of one photograph and one of 20 more; Basel's files."""
    root = tmp_path_factory.mktemp("300W_LP")
    write_3ddfa(root, published)
    shape, faces = loadmat(root / "Model_Shape.mat"), loadmat(root / "Model_Exp.mat")
    deviation = shape["sigma"].ravel()
    shape["w"] = np.pad(shape["w"], ((0, 0), (0, 196)))
    faces["w_exp"] = np.pad(faces["w_exp"], ((0, 0), (0, 27)))
    savemat(root / "Model_Shape.mat", {k: v for k, v in shape.items() if k[0] != "_" and k != "sigma"})
    savemat(root / "Model_Exp.mat", {k: v for k, v in faces.items() if k[0] != "_" and k != "sigma_exp"})
    label = {
        "Shape_Para": np.pad(_SHAPE * deviation, (0, 196))[:, None], "Exp_Para": np.zeros((29, 1)),
        "pt2d": np.zeros((2, 68)), "roi": np.array([[1, 1, _SIZE, _SIZE]], np.int16),
        "Illum_Para": np.zeros((1, 10)), "Color_Para": np.ones((1, 7), np.float32), "Tex_Para": np.zeros((199, 1)),
    }  # fmt: skip
    for name in ("AFW", "AFW_Flip"):
        (root / name).mkdir()
        for i, (pose, pixels, near) in enumerate(truth):
            values = np.column_stack([np.full(len(pixels), 255.0), 2.0 * template.coordinates[:, ::-1]])
            seen = rasterise(pixels, 500.0 - near, template.model.triangles, _SIZE)
            image = np.rint(interpolate(seen, template.model.triangles, values)).astype(np.uint8)
            cv2.imwrite(str(root / name / f"AFW_00_{i}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 100])
            savemat(root / name / f"AFW_00_{i}.mat", {**label, "Pose_Para": pose[None].astype(np.float32)})
        for k in range(1, 21):
            savemat(root / name / f"AFW_{k:02d}_0.mat", {**label, "Pose_Para": truth[0][0][None].astype(np.float32)})
    (root / "backgrounds").mkdir()
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(root / "backgrounds" / name), np.zeros((160, 240, 3), np.uint8))
    arguments = [str(root), "--basel", str(root / "Model_Shape.mat"), "--out", str(root / "labels.npz")]
    assert main([*arguments, "--folders", "AFW"]) == 0
    return root


def heads(folder: Path, model: FaceModel, validation: bool) -> LargePoseHeads:
    return LargePoseHeads(folder, folder / "labels.npz", model, validation)


def test_our_vertices_are_where_the_fit_puts_them(folder: Path, published: Published, truth: list[tuple]) -> None:
    found = heads(folder, published.ours, validation=True)
    skin = np.unique(published.ours.triangles[published.skin])
    for i, (pose, pixels, _) in enumerate(truth):
        head = found.labelled(i)
        assert found.paths[i] == folder / "AFW" / f"AFW_00_{i}.jpg"
        gap = np.linalg.norm(head.pixels - pixels, axis=1)[skin] / (1e3 * pose[6])  # millimetres on the head
        assert np.median(gap) < 1.0 and np.quantile(gap, 0.95) < 3.0
        assert np.median((head.pixels - pixels)[skin], axis=0) == pytest.approx([0.0, 0.0], abs=0.4), "counted from 0"
        far = head.points[:, :2] * (head.focal / head.points[:, 2:])
        assert np.ptp(far - head.pixels, axis=0).max() < 1.5, "the pinhole from far away is the weak perspective"
        facing = head.rotation[:, 0]
        assert np.degrees(np.arcsin(-facing[0])) == pytest.approx(np.degrees(_YAWS[i]), abs=6.0), "to the image's left"


def test_samples_carry_the_labels(folder: Path, published: Published, template: Template) -> None:
    """What a cell is painted with is what its label says; hidden cells are not matchable."""
    found = heads(folder, published.ours, validation=True)
    make = SampleMaker(found, folder, template, Mixture(turned=0.0, synthetic=0.0), 2)
    rng = np.random.default_rng(0)
    for i in range(len(_YAWS)):
        for _ in range(3):
            sample = make.photograph(rng, found.labelled(i), turned=False, clean=True)
            assert agreement(sample) > 0.9
    (sample,) = make.make(rng)
    seen = {"repeats", "surface", "rotation", "camera"}
    assert set(sample) == {"image", "template", "matchable", "weight"} | seen


def test_shards_of_them_are_trained_on(
    folder: Path, published: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, shards = folder / "labels.npz", tmp_path / "shards"
    found = heads(folder, published.ours, validation=True)
    found.usable = np.array([i for i in found.usable if found.paths[i].is_file()])
    for split in ("train", "validation"):  # the few there are, for either
        assert pack(found, shards, split) == 1
    published.ours.save(tmp_path / "ours.npz")
    monkeypatch.setenv("DENSE_FACE_MODEL", str(tmp_path / "ours.npz"))
    recipe = replace(RECIPES["best"], synthetic_share=0.0, turned_share=0.0, faceless_share=0.0, validation_samples=4)
    monkeypatch.setattr("training.shards._MIXED", 2)
    train, kept = (
        make_dataset(recipe, folder, split, 0, 2, shards=shards, large_pose=labels) for split in ("train", "validation")
    )
    assert agreement(kept[0]) > 0.9 and next(iter(train))["matchable"].any()
    with pytest.raises(ValueError, match="recipe 'free' learns from portraits; it takes no --shards"):
        make_dataset(RECIPES["free"], folder, "train", 0, 2, shards=shards)
    without = make_dataset(recipe, folder, "validation", 0, 2, shards=shards)
    with pytest.raises(ValueError, match=r"validation-000000\.tar': photograph .* 300W-LP; give .* as --large-pose"):
        without[0]


def test_shards_of_other_photographs_take_no_labels_of_300w_lp(folder: Path, published: Published) -> None:
    make_head = shard_labels(published.ours, folder / "labels.npz")
    with pytest.raises(ValueError, match="its label is none of 300W-LP; leave out --large-pose"):
        make_head(np.zeros((8, 8, 3), np.uint8), {"pose": np.eye(4), "focal": np.array(900.0)})


def test_copies_of_a_photograph_stay_on_one_side(folder: Path, published: Published) -> None:
    labels = LargePoseLabels.load(folder / "labels.npz", published.ours)
    kept = set(labels.name[labels.validation])
    assert {f"AFW{end}/AFW_00_{i}" for end in ("", "_Flip") for i in range(2)} <= kept
    assert len(kept) == 6 and len(labels.name) == 44
    trained = heads(folder, published.ours, validation=False)
    assert not {trained.paths[i] for i in trained.usable} & {folder / f"{name}.jpg" for name in kept}


def test_sheets_show_labels(folder: Path, published: Published, tmp_path: Path) -> None:
    draw_sheet(heads(folder, published.ours, validation=True), published.ours, [0, 1], tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (256, 8 * 256, 3)
    with pytest.raises(OSError, match="none"):
        draw_sheet(heads(folder, published.ours, True), published.ours, [0], tmp_path / "none" / "sheet.png")


def test_what_is_wrong_is_named(
    folder: Path, published: Published, small_model: FaceModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(FileNotFoundError, match=r"training\.photographs\.large_pose"):
        LargePoseLabels.load(tmp_path / "none.npz", published.ours)
    with pytest.raises(ValueError, match="made for another face model; make it again"):
        LargePoseLabels.load(folder / "labels.npz", small_model)
    np.savez(tmp_path / "fits.npz", pose=np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match=r"fits\.npz' lacks name, shape, .*; make it with python"):
        LargePoseLabels.load(tmp_path / "fits.npz", published.ours)
    (tmp_path / "AFW").mkdir()
    basel = ["--basel", str(folder / "Model_Shape.mat"), "--out", str(tmp_path / "labels.npz"), "--folders", "AFW"]
    assert main([str(tmp_path), *basel]) == 2
    assert "AFW' holds no .mat labels" in capsys.readouterr().err
    assert main([str(folder), *basel, "--out", str(tmp_path)]) == 2
    assert "is a folder; give a file" in capsys.readouterr().err
    assert main([str(folder), *basel, "--sheet", str(tmp_path / "none" / "sheet.png")]) == 2
    assert "--sheet: folder" in capsys.readouterr().err
    savemat(tmp_path / "AFW" / "AFW_1_0.mat", {"Pose_Para": np.zeros((1, 7)), "Shape_Para": np.zeros((199, 1))})
    (tmp_path / "AFW_Flip").symlink_to(tmp_path / "AFW")
    assert main([str(tmp_path), *basel]) == 2
    assert "AFW_1_0.mat' has nothing for Exp_Para, expected (29, 1)" in capsys.readouterr().err
