"""Backgrounds under free licences, for weights that anyone may use for anything.

    npm pack @pmndrs/assets@1.7.0
    apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04
    python -m training.free_backgrounds *.tgz *.deb --out FOLDER

writes ``FOLDER/backgrounds/*.jpg``, and beside them the ``SOURCE.txt`` that tells their terms. From the npm package
come views into its 18 environments (Poly Haven, CC0): rooms, halls, streets, nature, as sharp as what lies behind a
face in focus. From the Debian packages come windows of the photographs and drawings of Lomiri's wallpapers (CC0, CC-BY,
CC-BY-SA; their authors stand in the file names). None shows a face.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import io
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.geometry import FACING_CAMERA, rotation_from_yaw_pitch_roll
from training.photographs.sources import BEHIND, read_source, write_source
from training.terms import FREE_BACKGROUNDS

WIDTH, HEIGHT = 480, 320
_ENVIRONMENT_VIEWS, _WALLPAPER_WINDOWS = 16, 14
_FIELDS = (60.0, 110.0)  # degrees, of views into an environment
_PITCH = 12.0  # degrees, its standard deviation
_WHITE = (80.0, 99.0)  # percentile of a view's brightness that becomes white
_BRIGHTEST = 50.0  # radiance: suns are infinite
_SMALLEST = 0.15  # of a wallpaper's side: the closest window
_JPEG = 95
_ENVIRONMENT = re.compile(r"hdri/(\w+)\.exr\.js$")
_PHOTOGRAPH = re.compile(r"([\w-]+_by_[\w-]+)\.(jpg|png)$")

# What tarfile raises of a file that is none, or that was cut short; its messages have many lines and no name.
_NO_ARCHIVE = (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)

Image = npt.NDArray[np.uint8]
Radiance = npt.NDArray[np.float32]


def environments(package: Path) -> Iterator[tuple[str, Radiance]]:
    """Name and equirectangular radiance (h, 2 h, 3) RGB of every environment in the npm package.

    Raises:
        ImportError: OpenEXR is not installed.
    """
    with tarfile.open(package) as archive:
        for member in archive:
            found = _ENVIRONMENT.search(member.name)
            file = archive.extractfile(member) if found else None
            if found and file:
                text = file.read().decode()
                yield found[1], _exr(base64.b64decode(text[text.index("base64,") + 7 :].rstrip(" \n;'\"")))


def wallpapers(package: Path) -> Iterator[tuple[str, Image]]:
    """Name and picture (h, w, 3) BGR of every wallpaper in a Debian package, whose author its name tells.

    Raises:
        ValueError: naming a package that dpkg cannot read, with its reason.
    """
    unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(package)], check=False, capture_output=True)
    if unpacked.returncode:
        reason = (unpacked.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        raise ValueError(f"'{package}' is no Debian package of use: {reason}")
    with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as archive:
        for member in archive:
            found = _PHOTOGRAPH.search(member.name)
            file = archive.extractfile(member) if found and member.isfile() else None
            if found and file:
                image = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_COLOR)
                if image is not None:
                    yield found[1], np.asarray(image, np.uint8)


def view(environment: Radiance, rng: np.random.Generator) -> Image:
    """(HEIGHT, WIDTH, 3) BGR: what a camera somewhere in the environment sees, exposed somehow."""
    focal = 0.5 * WIDTH / np.tan(0.5 * np.radians(rng.uniform(*_FIELDS)))
    v, u = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    rays = np.stack([u - 0.5 * (WIDTH - 1), v - 0.5 * (HEIGHT - 1), np.full_like(u, focal)], axis=-1)
    yaw, pitch = rng.uniform(-np.pi, np.pi), np.radians(_PITCH) * rng.standard_normal()
    rays = rays @ (rotation_from_yaw_pitch_roll((yaw, pitch, 0.0)) @ FACING_CAMERA.T).T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    rows, columns = environment.shape[:2]
    column = (np.arctan2(rays[..., 0], rays[..., 2]) / (2 * np.pi) + 0.5) * columns - 0.5
    row = (np.arcsin(rays[..., 1]) / np.pi + 0.5) * rows - 0.5
    seen = cv2.remap(
        environment, column.astype(np.float32), row.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    white = max(float(np.percentile(seen, rng.uniform(*_WHITE))), 1e-6)
    return np.rint(255.0 * np.clip(seen[:, :, ::-1] / white, 0.0, 1.0) ** (1 / 2.2)).astype(np.uint8)


def window(wallpaper: Image, rng: np.random.Generator) -> Image:
    """(HEIGHT, WIDTH, 3) BGR: a random part of the picture."""
    rows, columns = wallpaper.shape[:2]
    largest = min(columns / WIDTH, rows / HEIGHT)
    zoom = max(largest * float(np.exp(rng.uniform(np.log(_SMALLEST), 0.0))), min(1.0, largest))
    w, h = int(WIDTH * zoom), int(HEIGHT * zoom)
    x, y = rng.integers(0, columns - w + 1), rng.integers(0, rows - h + 1)
    out = cv2.resize(wallpaper[y : y + h, x : x + w], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(out, np.uint8)


def write(packages: Sequence[Path], out: Path) -> int:
    """Write the backgrounds of all packages under ``out``; the same for the same packages. Returns how many.

    Raises:
        ImportError: OpenEXR is not installed.
        ValueError: naming a package that holds neither environments nor wallpapers, or cannot be read; or the folder
            holds pictures already, and not of these sources alone.
    """
    folder, count = out / "backgrounds", 0
    # Whatever lies there would be told to be free.
    if any(folder.rglob("*.jpg")) and read_source(folder, BEHIND) != FREE_BACKGROUNDS:
        raise ValueError(
            f"'{folder}' holds pictures that are not told to be of these packages; name an --out without backgrounds"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        rng, before = np.random.default_rng(0), count
        if package.suffix == ".deb":
            pictures = (
                (name, window(image, rng)) for name, image in wallpapers(package) for _ in range(_WALLPAPER_WINDOWS)
            )
        else:
            pictures = (
                (name, view(image, rng)) for name, image in environments(package) for _ in range(_ENVIRONMENT_VIEWS)
            )
        try:
            for name, picture in pictures:
                if not count:
                    write_source(folder, FREE_BACKGROUNDS, BEHIND)
                cv2.imwrite(str(folder / f"{name}_{count:04d}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG])
                count += 1
        except _NO_ARCHIVE as error:
            raise ValueError(f"'{package}' is no archive, or was cut short; fetch it again") from error
        if count == before:
            raise ValueError(f"'{package}' holds no environments (hdri/*.exr.js) and no wallpapers (*_by_*.jpg)")
    return count


def _exr(file: bytes) -> Radiance:
    """(h, w, 3) RGB of an OpenEXR file, which OpenCV cannot read where it is compressed with losses."""
    try:
        import OpenEXR
    except ImportError as error:
        raise ImportError("environments are OpenEXR files; install what reads them: pip install OpenEXR") from error
    with tempfile.NamedTemporaryFile(suffix=".exr") as copy:
        copy.write(file)
        copy.flush()
        (channel,) = OpenEXR.File(copy.name).channels().values()
        image = channel.pixels
    return np.clip(np.asarray(image[:, :, :3], np.float32), 0.0, _BRIGHTEST)


@tells_bad_input(ImportError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.free_backgrounds", description="Free backgrounds.")
    parser.add_argument("packages", type=Path, nargs="+", help="the npm package (.tgz) and Debian packages (.deb)")
    parser.add_argument("--out", type=Path, required=True, help="data folder; its backgrounds/ is written")
    options = parser.parse_args(arguments)
    count = write(options.packages, options.out)
    print(f"{options.out / 'backgrounds'}: {count} backgrounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
