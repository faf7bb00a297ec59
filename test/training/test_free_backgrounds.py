"""Backgrounds from packages that the test makes in the layout of the published ones."""

from __future__ import annotations

import base64
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.free_backgrounds import HEIGHT, WIDTH, main, view, window
from training.photographs.sources import learned_from
from training.recipes import RECIPES

exr = pytest.importorskip("OpenEXR")


def half_bright() -> np.ndarray:
    """An environment whose upper half is ten times brighter than the lower; RGB."""
    image = np.ones((32, 64, 3), np.float32)
    image[:16] = [10.0, 8.0, 6.0]
    return image


@pytest.fixture
def npm(tmp_path: Path) -> Path:
    picture = tmp_path / "room.exr"
    exr.File({"type": exr.scanlineimage}, {"RGB": exr.Channel("RGB", half_bright())}).write(str(picture))
    text = b"export default 'data:application/exr;base64," + base64.b64encode(picture.read_bytes()) + b"'\n"
    package = tmp_path / "assets.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name, content in (("package/hdri/room.exr.js", text), ("package/fonts/a.js", b"no")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return package


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb")
    root = tmp_path / "package"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(
        "Package: papers\nVersion: 1\nArchitecture: all\nMaintainer: nobody <a@b.c>\nDescription: x\n"
    )
    pictures = root / "usr" / "share" / "backgrounds"
    pictures.mkdir(parents=True)
    cv2.imwrite(str(pictures / "Hill_by_Some_Body.png"), np.full((700, 1000, 3), (10, 200, 30), np.uint8))
    cv2.imwrite(str(pictures / "logo.png"), np.zeros((700, 1000, 3), np.uint8))
    package = tmp_path / "papers.deb"
    subprocess.run(["dpkg-deb", "-b", str(root), str(package)], check=True, capture_output=True)
    return package


def test_packages_become_pictures(npm: Path, debian: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(npm), str(debian), "--out", str(tmp_path / "data")]) == 0
    files = sorted((tmp_path / "data" / "backgrounds").glob("*.jpg"))
    assert f"{len(files)} backgrounds" in capsys.readouterr().out
    rooms = [cv2.imread(str(file)) for file in files if file.name.startswith("room")]
    hills = [cv2.imread(str(file)) for file in files if file.name.startswith("Hill_by_Some_Body")]
    assert len(rooms) > 5 and len(hills) > 5 and len(rooms) + len(hills) == len(files), "no logo"
    assert all(picture.shape == (HEIGHT, WIDTH, 3) for picture in rooms + hills)
    assert np.allclose(hills[0].mean(axis=(0, 1)), (10, 200, 30), atol=4)
    # Up in the picture is up in the room, and its red stays red.
    assert all(picture[0].mean() > picture[-1].mean() + 50 for picture in rooms)
    assert np.mean([picture[..., 2].mean() - picture[..., 0].mean() for picture in rooms]) > 0


def test_they_tell_their_terms(npm: Path, tmp_path: Path) -> None:
    for _ in range(2):  # written again, too
        assert main([str(npm), "--out", str(tmp_path)]) == 0
    free = RECIPES["free"]
    assert learned_from("portraits", tmp_path) == (free.training_data, free.licence)


def test_pictures_of_others_are_not_told_to_be_free(
    npm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = tmp_path / "backgrounds" / "streets"
    others.mkdir(parents=True)
    (others / "a.jpg").write_bytes(b"not looked at")
    assert main([str(npm), "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: '{others.parent}' holds pictures that are not told to be of these packages; name")
    assert told.count("\n") == 1 and [path.name for path in others.parent.iterdir()] == ["streets"]


def test_views_look_around() -> None:
    environment = np.zeros((64, 128, 3), np.float32)
    environment[:, :32] = 1.0
    shares = [(view(environment, np.random.default_rng(seed)) > 128).mean() for seed in range(30)]
    assert min(shares) < 0.1 and max(shares) > 0.6
    assert np.mean(shares) == pytest.approx(0.25, abs=0.12)


def test_windows_are_parts_of_the_picture() -> None:
    ramp = np.tile(np.linspace(0, 255, 1600).astype(np.uint8)[None, :, None], (1000, 1, 3))
    ranges = [np.ptp(window(ramp, np.random.default_rng(seed))[0, :, 0].astype(int)) for seed in range(20)]
    assert min(ranges) < 120 < max(ranges)
    small = window(np.zeros((100, 100, 3), np.uint8), np.random.default_rng(0))
    assert small.shape == (HEIGHT, WIDTH, 3)


def test_other_packages_are_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with tarfile.open(tmp_path / "other.tgz", "w:gz"):
        pass
    assert main([str(tmp_path / "other.tgz"), "--out", str(tmp_path)]) == 2
    assert "other.tgz' holds no environments" in capsys.readouterr().err
    assert main([str(tmp_path / "none.tgz"), "--out", str(tmp_path)]) == 2
    assert "none.tgz" in capsys.readouterr().err


def test_files_that_are_no_packages_are_named_in_one_line(
    npm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.tgz").write_text("no archive")
    (tmp_path / "empty.tgz").write_bytes(b"")
    (tmp_path / "cut.tgz").write_bytes(npm.read_bytes()[:-200])
    for name in ("text.tgz", "empty.tgz", "cut.tgz"):
        assert main([str(tmp_path / name), "--out", str(tmp_path)]) == 2
        told = capsys.readouterr().err
        assert told == f"error: '{tmp_path / name}' is no archive, or was cut short; fetch it again\n"


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb")
def test_dpkg_says_what_is_wrong_with_its_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.deb").write_text("no archive, and long enough to be looked at\n")
    assert main([str(tmp_path / "text.deb"), "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: '{tmp_path}/text.deb' is no Debian package of use: dpkg-deb: error: ")
    assert told.count("\n") == 1
