"""Reading folders of labelled photographs: ``images/`` beside ``landmarks.npz``, as described in docs/training.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.npz_files import Arrays, read_npz
from training.photographs.copies import kept_for_validation

#: Collections that the shipped networks learned from; where they are there they come first, in this order.
FOLDERS = ("youtube_faces", "press_photos", "masked_faces")
#: Folders of the data folder that are something else, whatever lies in them: docs/training.md.
_OTHERS = ("backgrounds", "london_portraits")
_LABELS = "landmarks.npz"
_FORMAT = "see docs/training.md for its format"


@dataclass(frozen=True)
class Photographs:
    """N photographs: paths, mesh478 (N, 478, 3) pixels and points68 (N, 68, 2), both NaN where absent, which the irises
    alone may be; validation (N,) bool (people never trained on), folder (N,) names."""

    paths: tuple[Path, ...]
    mesh478: npt.NDArray[np.float32]
    points68: npt.NDArray[np.float32]
    validation: npt.NDArray[np.bool_]
    folder: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def names(self) -> npt.NDArray[np.str_]:
        """(N,) ``FOLDER/FILE``, wherever the data folder lies."""
        return np.array([f"{name}/{path.name}" for name, path in zip(self.folder, self.paths, strict=True)], np.str_)


def has_photographs(data: str | Path) -> bool:
    """Whether a folder under ``data`` holds photographs or labels, for :func:`collections` to take or to refuse."""
    found = (path for pattern in ("*/images", f"*/{_LABELS}") for path in Path(data).glob(pattern))
    return any(path.parent.name not in _OTHERS for path in found)


def collections(data: str | Path) -> tuple[str, ...]:
    """Names of the folders under ``data`` that hold labelled photographs: ``FOLDERS``, then the others by name. Never
    ``backgrounds`` and ``london_portraits``, which may hold folders of any name.

    Raises:
        FileNotFoundError: there is none, or one has photographs without labels, which would be left out unnoticed.
    """
    data = Path(data)
    cure = "python -m training.photographs.label makes it"
    unlabelled = sorted(
        path.parent
        for path in data.glob("*/images")
        if path.is_dir() and path.parent.name not in _OTHERS and not (path.parent / _LABELS).is_file()
    )
    if unlabelled:
        raise FileNotFoundError(
            f"'{unlabelled[0] / _LABELS}' does not exist beside images/; {cure}, or move the folder out of '{data}'"
        )
    found = {path.parent.name for path in data.glob(f"*/{_LABELS}")} - set(_OTHERS)
    if not found:
        here = "; give the folder above it" if (data / _LABELS).is_file() else ""
        raise FileNotFoundError(
            f"'{data}' has no folder that holds images/ and {_LABELS}{here}; {cure}, see docs/training.md"
        )
    return (*(name for name in FOLDERS if name in found), *sorted(found - set(FOLDERS)))


def read_photographs(data: str | Path, folders: tuple[str, ...] | None = None) -> Photographs:
    """Read the labels of ``folders`` under ``data``, of all its :func:`collections` without; images are read when they
    are needed.

    Raises:
        FileNotFoundError: naming the first file or folder that is missing.
        ValueError: naming the label file that is of another format.
    """
    parts = [_read_folder(Path(data) / name) for name in (collections(data) if folders is None else folders)]
    return Photographs(
        tuple(path for part in parts for path in part.paths),
        np.concatenate([part.mesh478 for part in parts]),
        np.concatenate([part.points68 for part in parts]),
        np.concatenate([part.validation for part in parts]),
        tuple(name for part in parts for name in part.folder),
    )


def _read_folder(folder: Path) -> Photographs:
    labels = folder / _LABELS
    if not labels.is_file():
        raise FileNotFoundError(f"'{labels}' does not exist; --data must be the folder that holds {folder.name}/")
    points68 = ("points68", "has_points68")
    file = read_npz(labels, ("name", "mesh478", "has_mesh478"), _FORMAT, (*points68, "split"))
    if len({name in file for name in points68}) > 1:
        raise ValueError(f"'{labels}' has only one of points68 and has_points68; {_FORMAT}")
    _check(labels, file)
    paths = tuple(folder / "images" / str(name) for name in file["name"])
    mesh = file["mesh478"].astype(np.float32)
    mesh[~file["has_mesh478"]] = np.nan
    points = np.full((len(paths), 68, 2), np.nan, dtype=np.float32)
    if "points68" in file:
        points[file["has_points68"]] = file["points68"][file["has_points68"]]
    validation = file["split"] == "val" if "split" in file else kept_for_validation(paths)
    return Photographs(paths, mesh, points, validation, (folder.name,) * len(paths))


def _check(labels: Path, file: Arrays) -> None:
    """ValueError naming an array of another type or shape than the format's, or a split that is none."""
    rows = file["name"].shape[:1]
    formats = {
        "name": ("U", "text", rows),
        "mesh478": ("f", "floating point", (*rows, 478, 3)),
        "has_mesh478": ("b", "bool", rows),
        "points68": ("f", "floating point", (*rows, 68, 2)),
        "has_points68": ("b", "bool", rows),
        "split": ("U", "text", rows),
    }
    for name, array in file.items():
        kind, words, shape = formats[name]
        if array.dtype.kind != kind or array.shape != shape or not shape:
            raise ValueError(
                f"'{labels}': {name} is {array.dtype} {array.shape}, needed is {words} {shape or '(N,)'}; {_FORMAT}"
            )
    if rows == (0,):
        raise ValueError(f"'{labels}' has no rows; {_FORMAT}")
    others = set(np.unique(file["split"]).tolist()) - {"train", "val"} if "split" in file else set()
    if others:
        raise ValueError(f"'{labels}': split has {', '.join(map(repr, sorted(others)))}; it must be 'train' or 'val'")


def read_image(path: str | Path) -> npt.NDArray[np.uint8]:
    """RGB (H, W, 3). Raises ValueError naming a file that is no image."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"image '{path}' cannot be read; is it there, and a JPEG or PNG?")
    return np.ascontiguousarray(image[:, :, ::-1])
