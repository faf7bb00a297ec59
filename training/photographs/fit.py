"""Dense labels for photographs: the face model fitted to each one's landmarks, as 300W-LP does for the paper.

python -m training.photographs.fit --data DATA --out runs/photograph_fits.npz [--sheet fits.png]
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from dense_face_ros.alignment import Aligner, AlignmentSettings
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.drawing import contact_sheet
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array
from dense_face_ros.whole_files import whole_file
from training.benchmarks.sheet import write_png
from training.face_model import face_model
from training.npz_files import read_npz
from training.photographs.collection import Photographs, read_image, read_photographs
from training.photographs.mesh478 import POINTS, face_width, fit_mesh, load_surface
from training.result_files import check_destination, make_destination

#: Fits whose landmarks miss by more than this (root mean square, face widths) are not trained on.
MAX_RESIDUAL = 0.022
#: Smaller faces (pixels) are mostly mistakes of the labels.
MIN_FACE = 40.0
_OVERLAP = 0.3  # share of the 468 mesh points taken as independent
_RANDOM, _WORST, _REJECTED = 24, 16, 8  # how many of each a sheet shows
_CURE = "make it with python -m training.photographs.fit"


@dataclass(frozen=True)
class PhotographFits:
    """N fits of the face model with the hash ``model`` to the photographs ``name`` (N,).

    pose (N, 4, 4) camera <- head and coefficients (N, K + E); focal (N,) pixels with the principal point at
    (95.5, 95.5), the assumed camera of ``mesh478.photograph_camera``; residual (N,) face widths; accepted (N,) bool;
    own (N,) bool, those that our network labelled (``training.photographs.self_labels``).
    """

    name: npt.NDArray[np.str_]
    model: str
    pose: npt.NDArray[np.float32]
    coefficients: npt.NDArray[np.float32]
    focal: npt.NDArray[np.float32]
    residual: npt.NDArray[np.float32]
    accepted: npt.NDArray[np.bool_]
    own: npt.NDArray[np.bool_]

    def save(self, path: Path) -> None:
        """Write the ``.npz`` file and, where it has none, its folder."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            np.savez_compressed(file, **vars(self))

    @classmethod
    def load(cls, path: Path) -> PhotographFits:
        """Raises FileNotFoundError or ValueError saying how to make the file."""
        file = read_npz(path, tuple(cls.__dataclass_fields__), _CURE)
        model = str(file.pop("model"))
        return cls(model=model, **file)

    @classmethod
    def load_for(cls, path: Path, model: FaceModel, photographs: Photographs) -> PhotographFits:
        """The fits of ``model`` to just these photographs in just this order; else ValueError, as :meth:`load` does."""
        fits, names = cls.load(path), photographs.names
        if fits.model != model.content_hash:
            raise ValueError(f"'{path}' has fits of another face model; {_CURE}")
        if len(fits.name) != len(names):
            raise ValueError(f"'{path}' has {len(fits.name)} fits for {len(names)} photographs; {_CURE}")
        other = np.flatnonzero(fits.name != names)
        if len(other):
            i = other[0]
            raise ValueError(f"'{path}' has a fit of {fits.name[i]} where {names[i]} is photograph {i}; {_CURE}")
        return fits


def fit_photographs(model: FaceModel, photographs: Photographs, processes: int = 2) -> PhotographFits:
    """Fit all photographs. Residual is that of the points facing the camera."""
    count, size = len(photographs), model.identity_size + model.expression_size
    out = PhotographFits(
        photographs.names, model.content_hash, np.zeros((count, 4, 4), np.float32), np.zeros((count, size), np.float32),
        np.zeros(count, np.float32), np.full(count, np.inf, np.float32), np.zeros(count, bool), np.zeros(count, bool),
    )  # fmt: skip
    work = partial(_fit_one, model)
    with ProcessPoolExecutor(processes) as pool:
        results = pool.map(work, photographs.mesh478, chunksize=64)
        for i, result in enumerate(tqdm(results, total=count, desc="fitting", unit="photo", mininterval=5)):
            if result is not None:
                out.pose[i], out.coefficients[i], out.focal[i], out.residual[i] = result
    sizes = np.array([face_width(mesh.astype(np.float64)) for mesh in photographs.mesh478])
    out.accepted[:] = (out.residual < MAX_RESIDUAL) & (sizes >= MIN_FACE)
    return out


def label_settings() -> AlignmentSettings:
    """How the model is fitted to mesh points: until it moves no more, and accepting what labels miss by."""
    return AlignmentSettings(independent_share=_OVERLAP, max_iterations=60, tolerance=1.0, max_noise_scale=20.0)


def _fit_one(model: FaceModel, mesh: npt.NDArray[np.float32]) -> tuple[Array, Array, float, float] | None:
    if not np.isfinite(mesh[:POINTS, :2]).all():
        return None
    surface, sigma = load_surface()
    fitted = fit_mesh(Aligner(model, label_settings()), surface, sigma, mesh.astype(np.float64))
    if fitted is None:
        return None
    fit, camera = fitted
    shape = model.shape(fit.coefficients)
    at = model.at(surface, shape) @ fit.pose[:3, :3].T + fit.pose[:3, 3]
    normals = model.normals(shape)[model.triangles[surface.triangle, 0]] @ fit.pose[:3, :3].T
    facing = (normals * at).sum(axis=1) < 0
    gap = np.linalg.norm(camera.project(at) - mesh[:POINTS, :2], axis=1)[facing] / face_width(mesh.astype(np.float64))
    return fit.pose, fit.coefficients, camera.fx, float(np.sqrt((gap**2).mean()))


def project_fit(model: FaceModel, fits: PhotographFits, i: int) -> tuple[Array, Array]:
    """Pixels (V, 2) of the photograph and depths (V,) of the fitted vertices of photograph ``i``."""
    at = model.shape(fits.coefficients[i]) @ fits.pose[i, :3, :3].T + fits.pose[i, :3, 3]
    pixels = at[:, :2] * (fits.focal[i] / at[:, 2:]) + 95.5
    return pixels, at[:, 2]


def draw_sheet(model: FaceModel, photographs: Photographs, fits: PhotographFits, which: list[int], path: Path) -> None:
    """Photographs with the fitted mesh over them, eight in a row."""
    tiles = []
    for i in which:
        image = read_image(photographs.paths[i])[:, :, ::-1]
        zoom = 256 / image.shape[0]
        big = cv2.resize(image, None, fx=zoom, fy=zoom)
        pixels, _ = project_fit(model, fits, i)
        corners = np.rint((pixels[model.triangles] + 0.5) * zoom - 0.5).astype(np.int32)
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        seen = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0
        mesh = cv2.polylines(big.copy(), list(corners[seen][::2]), True, (0, 255, 0), 1)
        tile = cv2.resize(cv2.addWeighted(big, 0.6, mesh, 0.4, 0), (256, 256))
        cv2.putText(tile, f"{i} {fits.residual[i]:.3f}", (4, 14), 0, 0.45, (0, 0, 255), 1)
        tiles.append(tile)
    write_png(path, contact_sheet(tiles, 8, 8 * 256))


def for_sheet(fits: PhotographFits) -> list[int]:
    """Random accepted fits, then the worst accepted, then rejected ones, of each as many as there are."""
    by_residual = np.argsort(fits.residual)
    by_residual = by_residual[np.isfinite(fits.residual[by_residual])]  # others have no fit to be drawn
    accepted, rejected = (by_residual[fits.accepted[by_residual] == wanted] for wanted in (True, False))
    drawn = np.random.default_rng(0).permutation(accepted)[:_RANDOM]
    return [int(i) for i in (*drawn, *accepted[-_WORST:], *rejected[:_REJECTED])]


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/photograph_fits.npz"))
    parser.add_argument("--sheet", type=Path, help="PNG: random fits, then the worst accepted, then rejected ones")
    options = parser.parse_args(arguments)
    make_destination(options.out)
    check_destination(options.sheet, "--sheet")
    model, photographs = face_model(), read_photographs(options.data)
    fits = fit_photographs(model, photographs)
    if not fits.accepted.any():
        raise ValueError(f"'{options.data}': the face model fits none of the photographs; is mesh478 in pixels?")
    fits.save(options.out)
    good = fits.residual[fits.accepted]
    print(f"{options.out}: {len(good)} of {len(photographs)} accepted, "
          f"residual median {np.median(good):.4f}, 95 % {np.quantile(good, 0.95):.4f} face widths")  # fmt: skip
    if options.sheet:
        draw_sheet(model, photographs, fits, for_sheet(fits), options.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
