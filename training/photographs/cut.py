"""Squares around the faces of one's own photographs, as training takes them.

    python -m training.photographs.cut PHOTOGRAPHS DATA/mine

writes ``DATA/mine/images/*.jpg``, one file per face: the face half the side, at most 192 pixels, black where the
photograph ends. The package's own finder finds the faces.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_finder import FaceCandidate, FaceFinder
from training.benchmarks.metrics import box_size
from training.photographs.collection import read_image

LARGEST = 192  #: pixels of a photograph's sides, at most
_ENDINGS = (".jpg", ".jpeg", ".png")
_SURE = 0.5  # the finder's score: what it doubts may be no face
_SMALLEST = 40.0  # pixels of a face, below which its fit is not trained on (``training.photographs.fit``)
_SIDE = 2.0  # of a square, over the face's
_JPEG = 95

Image = npt.NDArray[np.uint8]


def listed(folder: Path) -> list[Path]:
    """The JPEG and PNG files in a folder, by name; FileNotFoundError when there are none."""
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in _ENDINGS)
    if not paths:
        raise FileNotFoundError(f"'{folder}' holds no photographs ({', '.join(_ENDINGS)})")
    return paths


def square(image: Image, candidate: FaceCandidate) -> Image | None:
    """The square of a photograph (h, w, 3) around a face; None where the face is too small."""
    box = np.array(candidate.box)
    size = float(box_size(box))
    if size < _SMALLEST:
        return None
    pixels = min(LARGEST, round(_SIDE * size))
    scale = pixels / (_SIDE * size)
    # Shrunk first and as a whole: a warp would skip pixels.
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1.0 else image
    ratio = np.array(small.shape[1::-1]) / image.shape[1::-1]
    middle = (0.5 * (box[:2] + box[2:]) + 0.5) * ratio - 0.5
    to_square = np.column_stack([np.eye(2), np.round(0.5 * (pixels - 1) - middle)])
    return np.asarray(cv2.warpAffine(small, to_square, (pixels, pixels), flags=cv2.INTER_NEAREST), np.uint8)


def squares(folder: Path) -> Iterator[tuple[str, Image]]:
    """File name and square (h, w, 3) RGB of every face in the photographs of a folder.

    Raises:
        OSError, ValueError: there are none, or naming one that cannot be read.
    """
    finder = FaceFinder()
    for path in tqdm(listed(folder), desc="cutting", unit="photo", mininterval=5):
        image = read_image(path)
        found = finder.find(np.ascontiguousarray(image[:, :, ::-1]), _SURE)
        for number, candidate in enumerate(found):
            cut = square(image, candidate)
            if cut is not None:
                # With its ending and dots: no two photographs share a name then.
                yield f"{path.name}_{number}.jpg", cut


@contextmanager
def _whole_folder(path: Path) -> Iterator[Path]:
    """A folder to write to, which becomes ``path`` in the end; an error leaves nothing behind."""
    unfinished = path.with_name(path.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)  # of one that was killed
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.rename(path)
    except BaseException:
        shutil.rmtree(unfinished)
        with suppress(OSError):  # it holds something else
            path.parent.rmdir()
        raise


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photographs", type=Path, help="folder of JPEG and PNG files of any size")
    parser.add_argument("folder", type=Path, help="folder to make: one of the data folder's")
    options = parser.parse_args(arguments)
    images = options.folder / "images"
    if images.exists():
        raise FileExistsError(f"'{images}' exists; move it away first")
    with _whole_folder(images) as unfinished:
        count = 0
        for name, cut in squares(options.photographs):
            jpeg = cv2.imencode(".jpg", cut[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG])[1]
            (unfinished / name).write_bytes(jpeg.tobytes())
            count += 1
        if not count:
            raise ValueError(f"'{options.photographs}' shows no face of {_SMALLEST:g} pixels or more")
    print(f"{images}: {count} faces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
