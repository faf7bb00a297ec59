"""Faces and backgrounds that the face finder learns from, as they lie in folders; drawn by the test itself."""

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import training.backgrounds  # noqa: E402
from training.backgrounds import Backgrounds  # noqa: E402
from training.face_finder.photographs import head_pose, load_backgrounds, load_faces  # noqa: E402
from training.photographs.collection import FOLDERS, read_photographs  # noqa: E402


def test_head_pose_of_turned_meshes() -> None:
    rng = np.random.default_rng(0)
    head = rng.normal(0, 50, (478, 3))
    head[:, 2] = np.abs(head[:, 2])
    head -= head.mean(axis=0)

    def turned(yaw: float, roll: float) -> np.ndarray:
        c, s = np.cos(yaw), np.sin(yaw)
        about_vertical = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])  # the face, at -z, moves to +x
        c, s = np.cos(roll), np.sin(roll)
        clockwise = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        return head @ (clockwise @ about_vertical).T

    mesh = np.array([turned(0, 0)] * 8 + [turned(0.3, 0), turned(-0.3, 0), turned(0, 0.2), turned(0, -0.2)], np.float32)
    roll, yaw = head_pose(mesh)
    assert yaw[8:10] == pytest.approx([0.3, -0.3], abs=0.02)
    assert roll[10:12] == pytest.approx([0.2, -0.2], abs=0.02)
    assert roll[:10] == pytest.approx(np.zeros(10), abs=0.02)


def write_turned(data: Path, name: str, yaws: np.ndarray) -> None:
    """A folder of one head, turned by ``yaws`` (n,) radians to the image's right, or unlabelled where NaN."""
    head = np.random.default_rng(0).normal(0, 5, (478, 3))
    head[:, 2] = np.abs(head[:, 2])
    head -= head.mean(axis=0)
    c, s, zero, one = np.cos(yaws), np.sin(yaws), 0 * yaws, 0 * yaws + 1
    turns = np.stack([[c, zero, -s], [zero, one, zero], [s, zero, c]]).transpose(2, 0, 1)
    (data / name / "images").mkdir(parents=True)
    cv2.imwrite(str(data / name / "images" / "a.png"), np.full((32, 32, 3), 90, np.uint8))
    np.savez(
        data / name / "landmarks.npz",
        name=np.array(["a.png"] * len(yaws)),
        mesh478=np.nan_to_num(head @ turns.transpose(0, 2, 1) + 16.0).astype(np.float32),
        has_mesh478=np.isfinite(yaws),
        split=np.array(["train"] * len(yaws)),
    )


def test_a_folder_filmed_from_one_side_looks_aside(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    write_turned(tmp_path, "press_photos", np.resize([0.3, -0.3], 40))
    write_turned(tmp_path, "mine", np.array([0.4, 0.4]))
    write_turned(tmp_path, "nobody", np.full(3, np.nan))
    yaws = [face.yaw for face in load_faces(tmp_path, "train")]
    assert yaws[-2:] == pytest.approx([0.4, 0.4], abs=0.04)
    assert yaws[:40] == pytest.approx(np.resize([0.3, -0.3], 40), abs=0.04)
    assert not recwarn.list


def write_collections(data: Path, count: int) -> None:
    """As many pictures of noise in every folder, none of which has a split."""
    rng = np.random.default_rng(0)
    for folder in FOLDERS:
        (data / folder / "images").mkdir(parents=True)
        for i in range(count):
            noise = cv2.resize(rng.integers(0, 256, (8, 8, 3), np.uint8), (32, 32), interpolation=cv2.INTER_NEAREST)
            cv2.imwrite(str(data / folder / "images" / f"{i}.png"), noise)
        np.savez(
            data / folder / "landmarks.npz",
            name=np.array([f"{i}.png" for i in range(count)]),
            mesh478=rng.uniform(0, 31, (count, 478, 3)).astype(np.float16),
            has_mesh478=np.ones(count, bool),
        )


def test_faces_have_the_split_of_the_photographs(tmp_path: Path) -> None:
    write_collections(tmp_path, 40)
    photographs = read_photographs(tmp_path)
    assert photographs.validation.any()
    for split in ("train", "val"):
        of_split = np.flatnonzero(photographs.validation == (split == "val"))
        expected = [photographs.paths[i].read_bytes() for i in of_split]
        assert [face.file for face in load_faces(tmp_path, split)] == expected


def test_a_split_without_faces_is_an_error(tmp_path: Path) -> None:
    write_collections(tmp_path, 2)
    for folder in FOLDERS:
        labels = dict(np.load(tmp_path / folder / "landmarks.npz"))
        np.savez(tmp_path / folder / "landmarks.npz", **labels, split=np.array(["train", "train"]))
    assert len(load_faces(tmp_path, "train")) == 6
    with pytest.raises(ValueError, match="no photograph with mesh478 in the split 'val'"):
        load_faces(tmp_path, "val")


def test_what_was_cut_from_one_picture_stays_in_one_split(tmp_path: Path) -> None:
    (tmp_path / "backgrounds").mkdir()
    for number in range(40):  # 20 pictures, two numbered cuts of each
        (tmp_path / "backgrounds" / f"city_{number // 2:02d}_{number:04d}.jpg").write_bytes(bytes([number]))
    kept = {split: [ord(file) // 2 for file in load_backgrounds(tmp_path, split)] for split in ("train", "val")}
    assert kept["val"] == [0, 0, 10, 10]
    assert len(kept["train"]) == 36 and not set(kept["train"]) & set(kept["val"])


def test_backgrounds_may_lie_in_folders(tmp_path: Path) -> None:
    for number, folder in enumerate(("a", "b")):
        (tmp_path / "backgrounds" / folder).mkdir(parents=True)
        (tmp_path / "backgrounds" / folder / "1.jpg").write_bytes(bytes([number]))
    assert load_backgrounds(tmp_path, "val") == [b"\0"] and load_backgrounds(tmp_path, "train") == [b"\1"]
    (tmp_path / "backgrounds" / "b" / "1.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="none for 'train'; copy more there"):
        load_backgrounds(tmp_path, "train")


def test_no_background_shows_people_or_is_kept_for_validation(tmp_path: Path) -> None:
    listed = (Path(training.backgrounds.__file__).parent / "backgrounds_with_people.txt").read_text().split()
    people = next(name for name in listed if name.endswith(".jpg"))
    (tmp_path / "backgrounds").mkdir()
    for name, shade in (("0.jpg", 0), ("1.jpg", 100), (people, 250)):
        cv2.imwrite(str(tmp_path / "backgrounds" / name), np.full((120, 120, 3), shade, np.uint8))
    backgrounds, rng = Backgrounds(tmp_path), np.random.default_rng(0)
    assert {int(backgrounds.draw(rng).mean()) for _ in range(20)} == {100}
