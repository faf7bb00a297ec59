"""Skins measured from portraits: the colour of every vertex of the face model, for rendered heads.

    python -m training.photographs.portraits DATA --out runs/skins.npz

``DATA/london_portraits`` holds the evenly lit frontal portraits of the Face Research Lab London Set (DeBruine & Jones,
CC-BY 4.0) with 189 points placed by hand. The face model is fitted to them (:mod:`training.photographs.portrait_fit`);
each vertex that faces the camera takes its pixel's colour. What only one side of the face shows well is mirrored, and
the rest is filled in from around it. Light is even, so what is seen is taken for albedo. People kept for validation
lend no skin.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dense_face_ros.alignment import Alignment
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel, FloatArray
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.whole_files import whole_file
from training.benchmarks.metrics import box_of, box_size
from training.face_model import face_model
from training.npz_files import read_npz
from training.photographs.portrait_fit import PortraitFitter
from training.result_files import make_destination

CREDIT = "skins of the Face Research Lab London Set (DeBruine & Jones, CC-BY 4.0)"

_FACING = 0.5  # least cosine to the line of sight of a vertex whose pixel is its own
_SKIN_SPREAD = 0.3  # of the logarithm of brightness, to either side of the face's own
_INNER = 0.012  # metres from brows, eyes, nose and lips
_NEIGHBOURS = 24  # vertices whose colours fill in for one
_VALIDATION_EVERY = 10  # one in ten people is never trained on
_BLUR = 0.004  # of the face's size: a vertex stands for a few millimetres of skin

Image = npt.NDArray[np.uint8]


def credited(trained_on: str, skins: Path | None) -> str:
    """What a network learned from, told with the skins that its rendered heads wore, if any."""
    return trained_on if skins is None else f"{trained_on}; {CREDIT}"


@dataclass(frozen=True)
class Portraits:
    """Files of N portraits and their points (N, 189, 2), pixels."""

    paths: list[Path]
    points: Array

    @property
    def validation(self) -> npt.NDArray[np.bool_]:
        """(N,) people that nothing is learned from."""
        return np.arange(len(self.paths)) % _VALIDATION_EVERY == 0


def read_portraits(data: Path) -> Portraits:
    """Raises FileNotFoundError or ValueError naming what is missing."""
    folder = data / "london_portraits"
    file = folder / "points189.npz"
    if not file.is_file():
        raise FileNotFoundError(f"'{file}' does not exist; it holds the points of the London portraits")
    needed = "needed are name (N,) and points189 (N, 189, 2)"
    labels = read_npz(file, ("name", "points189"), needed)
    names, points = labels["name"], labels["points189"]
    if names.ndim != 1 or points.shape != (len(names), 189, 2):
        raise ValueError(f"'{file}' has name {names.shape} and points189 {points.shape}; {needed}")
    return Portraits([folder / str(name) for name in names], points.astype(np.float64))


def skin(model: FaceModel, image: Image, fit: Alignment, camera: PinholeCamera) -> Image:
    """(V, 3) sRGB of every vertex of the face model, from a portrait (H, W, 3) BGR."""
    shape = model.shape(fit.coefficients)
    seen = shape @ fit.pose[:3, :3].T + fit.pose[:3, 3]
    pixels = camera.project(seen)
    towards = -seen / np.linalg.norm(seen, axis=1, keepdims=True)
    facing = np.einsum("ij,ij->i", model.normals(shape) @ fit.pose[:3, :3].T, towards)
    size = box_size(box_of(pixels))
    smooth = cv2.GaussianBlur(image, (0, 0), _BLUR * size)
    u, v = (np.ascontiguousarray(c.astype(np.float32)) for c in pixels.T)
    colour = cv2.remap(smooth, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).reshape(-1, 3)[:, ::-1]
    known = (facing > _FACING) & _skin_like(model, colour, facing)
    borrow = ~known & known[model.mirror]
    colour = np.where(borrow[:, None], colour[model.mirror], colour)
    known |= borrow
    distance, nearest = cKDTree(model.mean[known]).query(model.mean[~known], k=_NEIGHBOURS)
    weight = 1.0 / (distance + 1e-3)
    filled = colour.astype(np.float64)
    filled[~known] = np.einsum("ij,ijk->ik", weight / weight.sum(axis=1, keepdims=True), filled[known][nearest])
    return np.rint(filled).astype(np.uint8)


def _skin_like(model: FaceModel, colour: Image, facing: Array) -> npt.NDArray[np.bool_]:
    """Whether a vertex shows the face: far from brows, eyes, nose and lips, what is no skin is hair or shadow."""
    bright = np.log(colour.mean(axis=1) + 1.0)
    tone = np.median(bright[facing > 2 * _FACING - 0.1])
    inner = model.at(model.landmarks, model.mean)[17:]
    return (np.abs(bright - tone) < _SKIN_SPREAD) | (cKDTree(inner).query(model.mean)[0] < _INNER)


def measure(model: FaceModel, portraits: Portraits) -> Image:
    """(N, V, 3) sRGB, of every portrait that may be trained on and that the model fits."""
    fitter = PortraitFitter(model)
    skins = []
    for index in np.flatnonzero(~portraits.validation):
        path, points = portraits.paths[index], portraits.points[index]
        image = cv2.imread(str(path))
        if image is None:
            raise FileNotFoundError(f"'{path}' is missing or no picture")
        fitted = fitter.fit(np.asarray(image, np.uint8), points)
        if fitted is not None:
            skins.append(skin(model, np.asarray(image, np.uint8), *fitted))
    if not skins:
        raise ValueError("the face model fits none of the portraits; are their points those of the London set?")
    return np.stack(skins)


def load_skins(path: Path, model: FaceModel) -> FloatArray:
    """(N, V, 3) sRGB in [0, 1] as :class:`training.rendering.looks.LookMaker` takes them.

    Raises:
        FileNotFoundError, ValueError: no such file, or one of another face model.
    """
    skins = read_npz(path, ("skin",), "make it with python -m training.photographs.portraits")["skin"]
    if skins.dtype != np.uint8 or skins.ndim != 3 or not len(skins) or skins.shape[1:] != (len(model.mean), 3):
        raise ValueError(
            f"'{path}' holds skins {skins.dtype} {skins.shape}; this face model needs uint8 (N, {len(model.mean)}, 3)"
        )
    return np.asarray(skins / 255.0, dtype=np.float32)


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.photographs.portraits", description="Skins of portraits.")
    parser.add_argument("data", type=Path, help="folder with london_portraits")
    parser.add_argument("--out", type=Path, required=True, help="file to write, e.g. runs/skins.npz")
    options = parser.parse_args(arguments)
    make_destination(options.out)
    portraits = read_portraits(options.data)
    skins = measure(face_model(), portraits)
    with whole_file(options.out) as file:
        np.savez_compressed(file, skin=skins, credit=np.array(CREDIT))
    kept = portraits.validation.sum()
    print(f"{options.out}: {len(skins)} skins of {len(portraits.paths)} portraits, {kept} of them kept for validation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
