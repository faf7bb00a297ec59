"""Labels of our own network: on rendered people, whose pose is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.face_model import FaceModel
from training.benchmarks.metrics import box_of, geodesic
from training.face_model import network_for
from training.photographs.collection import read_photographs
from training.photographs.fit import PhotographFits
from training.photographs.heads import PhotographHeads
from training.photographs.mesh478 import POINTS
from training.photographs.rendered_portraits import Portrait, portraits
from training.photographs.self_labels import SelfLabeller, left_out, main

FOLDERS = ("youtube_faces", "press_photos", "masked_faces")


@pytest.fixture(scope="module")
def people(shipped_model: FaceModel) -> list[Portrait]:
    """One who looks ahead, and one who looks far aside."""
    return [portraits(shipped_model, seed, np.array([[yaw, 2.0, 1.0]]))[0] for seed, yaw in ((31, 5.0), (34, 55.0))]


@pytest.fixture(scope="module")
def labeller(shipped_model: FaceModel) -> SelfLabeller:
    return SelfLabeller(*network_for(shipped_model, None))


def mesh_of(person: Portrait) -> np.ndarray:
    """(478, 3): points whose box is the face's, which is all that is asked of them."""
    box = box_of(person.landmarks)
    corners = np.array([[u, v] for u in box[::2] for v in box[1::2]])
    return np.column_stack([np.resize(corners, (478, 2)), np.zeros(478)])


@pytest.fixture(scope="module")
def data(people: list[Portrait], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people and a picture of nobody in every folder."""
    folder = tmp_path_factory.mktemp("data")
    pictures = [*(person.image for person in people), np.full((192, 192, 3), 90, np.uint8)]
    mesh = np.stack([*(mesh_of(person) for person in people), mesh_of(people[0])]).astype(np.float32)
    for name in FOLDERS:
        (folder / name / "images").mkdir(parents=True)
        for number, picture in enumerate(pictures):
            cv2.imwrite(str(folder / name / "images" / f"{number}.png"), picture)
        names = np.array([f"{number}.png" for number in range(len(pictures))])
        split = np.array(["val" if name == "press_photos" else "train"] * len(pictures))
        np.savez(
            folder / name / "landmarks.npz",
            name=names,
            mesh478=mesh,
            has_mesh478=np.ones(len(names), bool),
            split=split,
        )
    return folder


def fits_of(people: list[Portrait], model: FaceModel, accepted: bool) -> PhotographFits:
    """Fits with the true poses; the picture of nobody has that of the first person."""
    pose = np.stack([people[i].pose for i in (0, 1, 0)] * len(FOLDERS)).astype(np.float32)
    size = model.identity_size + model.expression_size
    n = len(pose)
    names = np.array([f"{folder}/{i}.png" for folder in FOLDERS for i in range(3)])
    return PhotographFits(
        names, model.content_hash, pose, np.zeros((n, size), np.float32), np.full(n, 1000.0, np.float32),
        np.zeros(n, np.float32), np.full(n, accepted), np.zeros(n, bool),
    )  # fmt: skip


def test_heads_are_labelled_where_they_look(people: list[Portrait], labeller: SelfLabeller) -> None:
    for person in people:
        label = labeller.label(person.image[:, :, ::-1], box_of(person.landmarks), person.camera)
        assert label is not None
        assert geodesic(label.pose[:3, :3], person.pose[:3, :3]) < 8.0


def test_the_mirror_image_is_labelled_as_the_mirror_image(people: list[Portrait], labeller: SelfLabeller) -> None:
    person = people[1]
    x0, y0, x1, y1 = box_of(person.landmarks)
    mirrored = np.ascontiguousarray(person.image[:, ::-1, ::-1])
    label = labeller.label(mirrored, np.array([191 - x1, y0, 191 - x0, y1]), person.camera)
    assert label is not None
    flip = np.diag([-1.0, 1.0, 1.0]) @ person.pose[:3, :3] @ np.diag([1.0, -1.0, 1.0])
    assert geodesic(label.pose[:3, :3], flip) < 8.0


def test_nobody_has_no_label(people: list[Portrait], labeller: SelfLabeller) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (192, 192, 3), np.uint8)
    assert labeller.label(picture, box_of(people[0].landmarks), people[0].camera) is None


def test_photographs_left_out_come_in(
    data: Path, people: list[Portrait], shipped_model: FaceModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photographs = read_photographs(data)
    assert np.isfinite(photographs.mesh478[:, :POINTS]).all()
    trusted = fits_of(people, shipped_model, accepted=True)
    asked = left_out(trusted, photographs)
    assert [photographs.paths[i].name for i in asked] == ["1.png"] * (len(asked))
    assert not photographs.validation[asked].any() and len(asked) >= 1
    trusted.save(tmp_path / "fits.npz")
    files = ["--data", str(data), "--fits", str(tmp_path / "fits.npz"), "--out", str(tmp_path / "own.npz")]
    sheet = tmp_path / "sheet.png"
    assert main([*files, "--sheet", str(sheet)]) == 0
    assert len(asked) < 8 and cv2.imread(str(sheet)).shape == (256, 8 * 256, 3)
    assert f"{len(asked)} of {len(asked)} photographs" in capsys.readouterr().out
    own = PhotographFits.load(tmp_path / "own.npz")
    assert np.flatnonzero(own.own).tolist() == asked.tolist()
    np.testing.assert_array_equal(own.pose[~own.own], trusted.pose[~own.own])
    before, after = (
        PhotographHeads(data, tmp_path / name, shipped_model, validation=False) for name in ("fits.npz", "own.npz")
    )
    assert set(after.usable) - set(before.usable) == set(asked)
    drawn = [after.draw(np.random.default_rng(seed)) for seed in range(30)]
    assert {int(after.label(i)["often"]) for i in asked} == {8} and {int(before.label(i)["often"]) for i in asked} == {
        1
    }
    new = [after.labelled(int(index)).rotation for index in asked]
    share = np.mean([any(np.array_equal(head.rotation, rotation) for rotation in new) for head in drawn])
    assert share > 1.5 * len(asked) / len(after.usable), "they are drawn more often"


def test_a_sheet_of_no_label_is_told_of(
    data: Path, people: list[Portrait], shipped_model: FaceModel, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fits_of(people, shipped_model, accepted=True).save(tmp_path / "fits.npz")
    monkeypatch.setattr(SelfLabeller, "label", lambda *_: None)
    files = ["--data", str(data), "--fits", str(tmp_path / "fits.npz"), "--out", str(tmp_path / "own.npz")]
    assert main([*files, "--sheet", str(tmp_path / "sheet.png")]) == 0
    assert f"so '{tmp_path / 'sheet.png'}' is not written" in capsys.readouterr().out
    assert not (tmp_path / "sheet.png").exists()


def test_fits_of_other_photographs_are_refused(
    data: Path, people: list[Portrait], shipped_model: FaceModel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fits = fits_of(people, shipped_model, accepted=True)
    few = {field: value if field == "model" else value[:5] for field, value in vars(fits).items()}
    PhotographFits(**few).save(tmp_path / "fits.npz")
    files = ["--data", str(data), "--fits", str(tmp_path / "fits.npz"), "--out", str(tmp_path / "own.npz")]
    assert main(files) == 2
    assert "has 5 fits for 9 photographs; make it with python -m training.photographs.fit" in capsys.readouterr().err
    assert main([*files, "--sheet", str(tmp_path / "none" / "sheet.png")]) == 2
    assert "--sheet: folder" in capsys.readouterr().err


def test_what_is_missing_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "is a folder; give a file" in capsys.readouterr().err
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "own.npz")]) == 2
    assert "has no folder that holds images/ and landmarks.npz" in capsys.readouterr().err
