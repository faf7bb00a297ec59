"""Labels for photographs of one's own: ``landmarks.npz`` beside ``images/``, by the network that labelled the others.

    python -m training.photographs.label DATA/mine --environments peers

MediaPipe's face mesh runs in an environment of its own (``training.peers``). Its 468 points are what fits, training and
the face finder need; the ten of the irises, which that network does not tell, stay NaN.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.geometry import Array
from dense_face_ros.whole_files import whole_file
from training.peers.programs import PeerError, environment, said
from training.photographs.collection import read_image
from training.photographs.cut import LARGEST, listed
from training.photographs.mesh478 import POINTS

_LARGER = 2  # than the photograph is what the network sees: it wants more pixels than the collections kept
_AT_ONCE = 500  # photographs in one run of the network, which has only so much time

Image = npt.NDArray[np.uint8]


def labels(images: Sequence[Image], environments: Path) -> list[Array | None]:
    """The labelling network's points (468, 3) in each image (h, w, 3) BGR: u, v and depth in pixels; None where it
    finds no face.

    Args:
        environments: folder for the network's own Python.
    Raises:
        PeerError: the network cannot be installed or run.
    """
    python = environment("mediapipe", environments)
    out: list[Array | None] = []
    with tqdm(total=len(images), desc="labelling", unit="photo") as bar:
        for start in range(0, len(images), _AT_ONCE):
            out += _labelled(images[start : start + _AT_ONCE], python)
            bar.update(len(out) - start)
    return out


def _labelled(images: Sequence[Image], python: Path) -> list[Array | None]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i:05d}.png" for i in range(len(images))]
        for path, image in zip(paths, images, strict=True):
            large = cv2.resize(image, None, fx=_LARGER, fy=_LARGER, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(path), large)
        answers = [json.loads(line)["points"] for line in said("mediapipe", python, paths, 1, 1)]
    centre = 0.5 * (1.0 - 1.0 / _LARGER)  # pixel centres of the larger picture -> of the photograph
    return [None if points is None else np.array(points) / _LARGER - [centre, centre, 0.0] for points in answers]


def label(folder: Path, environments: Path) -> tuple[int, int]:
    """Write ``folder/landmarks.npz`` for all JPEG and PNG files in ``folder/images``; returns how many show a face, and
    how many there are.

    Raises:
        OSError, ValueError: there are labels already, or no photographs; naming one that is larger than 192 pixels or
            cannot be read; none shows a face.
        PeerError: as :func:`labels`.
    """
    out = folder / "landmarks.npz"
    if out.exists():
        raise FileExistsError(f"'{out}' exists; move it away to label the photographs again")
    paths = listed(folder / "images")
    images = [_read(path) for path in paths]
    found = labels(images, environments)
    has = np.array([points is not None for points in found])
    if not has.any():
        raise ValueError(f"none of the {len(paths)} photographs in '{folder / 'images'}' shows a face")
    mesh = np.full((len(paths), POINTS + 10, 3), np.nan, np.float32)
    for row, points in zip(mesh, found, strict=True):
        if points is not None:
            row[:POINTS] = points
    with whole_file(out) as file:
        np.savez_compressed(file, name=np.array([path.name for path in paths]), mesh478=mesh, has_mesh478=has)
    return int(has.sum()), len(paths)


def _read(path: Path) -> Image:
    image = np.ascontiguousarray(read_image(path)[:, :, ::-1])
    height, width = image.shape[:2]
    if max(height, width) > LARGEST:
        # Fits take the middle of a square of this size for the camera's axis.
        raise ValueError(
            f"'{path}' is {width} x {height} pixels, at most {LARGEST} are of use; cut the faces out with "
            "python -m training.photographs.cut"
        )
    return image


@tells_bad_input(PeerError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the photographs, which lie in images/ in it")
    parser.add_argument("--environments", type=Path, required=True, help="folder for the network's own Python")
    options = parser.parse_args(arguments)
    faces, photographs = label(options.folder, options.environments)
    print(f"{options.folder / 'landmarks.npz'}: a face in {faces} of {photographs} photographs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
