"""Reading folders of labelled photographs: ``images/`` beside ``landmarks.npz``, as described in docs/training.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

#: Folders of photographs under the data folder that may be trained on.
FOLDERS = ("youtube_faces", "press_photos", "masked_faces")
_VALIDATION_EVERY = 20  # folders without a split keep every 20th photograph for validation


@dataclass(frozen=True)
class Photographs:
    """N photographs: paths, mesh478 (N, 478, 3) pixels (NaN where absent), points68 (N, 68, 2) (NaN where absent),
    validation (N,) bool (people never trained on), folder (N,) names."""

    paths: tuple[Path, ...]
    mesh478: npt.NDArray[np.float32]
    points68: npt.NDArray[np.float32]
    validation: npt.NDArray[np.bool_]
    folder: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)


def read_photographs(data: str | Path, folders: tuple[str, ...] = FOLDERS) -> Photographs:
    """Read the labels of all ``folders`` under ``data``; images are read when they are needed.

    Raises:
        FileNotFoundError: naming the first file or folder that is missing.
        ValueError: naming the label file that is of another format.
    """
    parts = [_read_folder(Path(data) / name) for name in folders]
    return Photographs(
        tuple(path for part in parts for path in part.paths),
        np.concatenate([part.mesh478 for part in parts]),
        np.concatenate([part.points68 for part in parts]),
        np.concatenate([part.validation for part in parts]),
        tuple(name for part in parts for name in part.folder),
    )


def _read_folder(folder: Path) -> Photographs:
    labels = folder / "landmarks.npz"
    if not labels.is_file():
        raise FileNotFoundError(f"'{labels}' does not exist; --data must be the folder that holds {folder.name}/")
    with np.load(labels, allow_pickle=False) as file:
        missing = [name for name in ("name", "mesh478", "has_mesh478") if name not in file.files]
        if missing:
            raise ValueError(f"'{labels}' lacks {', '.join(missing)}; see docs/training.md for its format")
        names = [str(name) for name in file["name"]]
        mesh = file["mesh478"].astype(np.float32)
        mesh[~file["has_mesh478"]] = np.nan
        points = np.full((len(names), 68, 2), np.nan, dtype=np.float32)
        if "points68" in file.files:
            points[file["has_points68"]] = file["points68"][file["has_points68"]]
        every = np.arange(len(names)) % _VALIDATION_EVERY == 0
        validation = file["split"] == "val" if "split" in file.files else every
    paths = tuple(folder / "images" / name for name in names)
    return Photographs(paths, mesh, points, validation, (folder.name,) * len(names))


def read_image(path: str | Path) -> npt.NDArray[np.uint8]:
    """RGB (H, W, 3). Raises ValueError naming a file that is no image."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"image '{path}' cannot be read; is it there, and a JPEG or PNG?")
    return np.ascontiguousarray(image[:, :, ::-1])
