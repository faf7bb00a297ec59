"""Where the 468 points of the public face-mesh convention lie on our surface, learned from the photographs themselves.

Alternating least squares: fit the model to a set of photographs with the present positions, then move each point by
the displacement (in the head frame) that explains its reprojection residuals best, and drop it onto the surface.

    python -m training.photographs.mesh478 --data DATA --out training/photographs/mesh478_surface.npz
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from dense_face_ros.alignment import Aligner, Alignment, AlignmentFailure, AlignmentSettings
from dense_face_ros.correspondence import Correspondences
from dense_face_ros.face_model import FaceModel, SurfacePoints
from dense_face_ros.geometry import Array, PinholeCamera
from training.face_models.landmarks import nearest_surface_point, similarity
from training.photographs.collection import Photographs, read_photographs

POINTS = 468  # the ten iris points follow the gaze and are left out

#: The mesh point at each of the 68 landmarks.
AT_LANDMARKS = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])  # fmt: skip

SHIPPED = Path(__file__).with_name("mesh478_surface.npz")
_FOCAL_PER_FACE = 10.0  # assumed focal length in face widths: a head about 1.4 m away fills its box
_SIGMA = 0.012  # standard deviation of a mesh point, in face widths, where nothing better is known
_PULL = 4.0  # strength of the pull to the present position, in photographs' worth of evidence


def photograph_camera(mesh: Array, size: tuple[int, int] = (192, 192)) -> PinholeCamera:
    """The camera assumed for a cropped photograph whose mesh points are (478, 2+): its true one is not known."""
    width = face_width(mesh)
    focal = _FOCAL_PER_FACE * width
    return PinholeCamera(focal, focal, 0.5 * (size[0] - 1), 0.5 * (size[1] - 1), *size, metric=False)


def face_width(mesh: Array) -> float:
    """Pixels: geometric mean of the sides of the box around the mesh points."""
    return float(np.sqrt(np.prod(np.ptp(mesh[:POINTS, :2], axis=0))))


def load_surface(path: Path = SHIPPED) -> tuple[SurfacePoints, Array]:
    """The 468 surface points and each one's standard deviation in face widths."""
    with np.load(path, allow_pickle=False) as file:
        return SurfacePoints(file["triangle"], file["weights"]), file["sigma"].astype(np.float64)


def first_guess(model: FaceModel, photographs: Photographs) -> SurfacePoints:
    """Mean of the frontal meshes, fitted by the model at the 51 inner landmarks, dropped onto the surface."""
    mesh = photographs.mesh478[:, :POINTS].astype(np.float64)
    mesh = mesh[np.isfinite(mesh).all(axis=(1, 2))]
    head = mesh[:, :, [2, 0, 1]] * [-1.0, 1.0, -1.0]  # image right is the person's left, z is towards the scene
    reference = head[0]
    for _ in range(3):
        aligned = np.empty_like(head)
        for i, points in enumerate(head):
            scale, rotation, shift = similarity(points, reference)
            aligned[i] = scale * points @ rotation.T + shift
        gap = np.linalg.norm(aligned - reference, axis=2).mean(axis=1)
        reference = np.median(aligned[gap <= np.quantile(gap, 0.3)], axis=0)
    inner = AT_LANDMARKS[17:]
    marks = model.at(model.landmarks, model.mean)[17:].astype(np.float64)
    scale, rotation, shift = similarity(reference[inner], marks)
    target = scale * reference @ rotation.T + shift
    # A smooth warp that takes the inner landmarks all the way; thin plates extend it over the face.
    from scipy.interpolate import RBFInterpolator

    unique = np.unique(inner, return_index=True)[1]
    warp = RBFInterpolator(target[inner[unique]], marks[unique] - target[inner[unique]], smoothing=1e-6)
    return drop(model, target + warp(target))


def drop(model: FaceModel, points: Array) -> SurfacePoints:
    """Nearest points of the skin (eyeballs apart) to (N, 3) points in the head frame."""
    eyes = [i for i, name in enumerate(model.region_names) if name.startswith("eye_")]
    skin = np.flatnonzero(~np.isin(model.regions, eyes)[model.triangles].any(axis=1))
    found = [nearest_surface_point(model.mean.astype(np.float64), model.triangles[skin], p) for p in points]
    triangle = skin[[t for t, _ in found]].astype(np.int32)
    return SurfacePoints(triangle, np.array([w for _, w in found], dtype=np.float32))


def fit_mesh(
    aligner: Aligner, surface: SurfacePoints, sigma: Array, mesh: Array
) -> tuple[Alignment, PinholeCamera] | None:
    """Fit the model to one photograph's mesh points (478, 3); None when it cannot be fitted."""
    camera = photograph_camera(mesh)
    pairs = Correspondences(mesh[:POINTS, :2].astype(np.float64), surface, np.ones(POINTS), sigma * face_width(mesh))
    try:
        return aligner.align(pairs, camera), camera
    except AlignmentFailure:
        return None


def displacements(
    model: FaceModel, surface: SurfacePoints, fits: list[tuple[Alignment, PinholeCamera]], meshes: list[Array]
) -> tuple[Array, Array]:
    """Least-squares move (468, 3) of each point in the head frame, and its residual spread (468,) in face widths."""
    normal = np.zeros((POINTS, 3, 3)) + _PULL * np.eye(3)
    right = np.zeros((POINTS, 3))
    residuals = []
    for (fit, camera), mesh in zip(fits, meshes, strict=True):
        shape = model.at(surface, model.shape(fit.coefficients)).astype(np.float64)
        at = shape @ fit.pose[:3, :3].T + fit.pose[:3, 3]
        residual = mesh[:POINTS, :2] - camera.project(at)
        scale = camera.fx / at[:, 2]
        residuals.append(np.linalg.norm(residual, axis=1) / face_width(mesh))
        row = fit.pose[:2, :3]  # weak perspective: a head-frame move shows through the first two rows of R
        normals = model.normals(model.shape(fit.coefficients)) @ fit.pose[:3, :3].T
        facing = -normals[model.triangles[surface.triangle, 0], 2]
        seen = np.clip(facing, 0.0, 1.0) ** 2 / (1.0 + (residuals[-1] / 0.03) ** 2)
        normal += seen[:, None, None] * (row.T @ row)
        right += (seen / scale)[:, None] * (residual @ row)
    spread = np.asarray(np.median(np.array(residuals), axis=0) / 1.1774, dtype=np.float64)
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0], dtype=np.float64), spread


def learn_surface(
    model: FaceModel, photographs: Photographs, count: int = 400, rounds: int = 5, seed: int = 0
) -> tuple[SurfacePoints, Array]:
    """Surface points (468) and standard deviations (468,) in face widths, from ``count`` photographs."""
    whole = np.flatnonzero(np.isfinite(photographs.mesh478[:, :POINTS]).all(axis=(1, 2)) & ~photographs.validation)
    chosen = np.random.default_rng(seed).choice(whole, min(count, len(whole)), replace=False)
    surface, sigma = first_guess(model, photographs), np.full(POINTS, _SIGMA)
    aligner = Aligner(model, AlignmentSettings(independent_share=0.3, max_iterations=60, max_noise_scale=20.0))
    for turn in range(rounds):
        fits, meshes = [], []
        for i in chosen:
            mesh = photographs.mesh478[i].astype(np.float64)
            fit = fit_mesh(aligner, surface, sigma, mesh)
            if fit is not None:
                fits.append(fit)
                meshes.append(mesh)
        move, spread = displacements(model, surface, fits, meshes)
        moved = 1e3 * np.median(np.linalg.norm(move, axis=1))
        print(f"round {turn + 1}: {len(fits)}/{len(chosen)} fitted, residual {np.median(spread):.4f} face widths, "
              f"move {moved:.2f} mm (medians)")  # fmt: skip
        surface = drop(model, model.at(surface, model.mean) + move)
        sigma = np.clip(spread, 0.004, 0.05)
    return surface, sigma


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="face model file; the shipped one without")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args(arguments)
    try:
        model = FaceModel.load(options.model)
        surface, sigma = learn_surface(model, read_photographs(options.data))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    np.savez_compressed(options.out, triangle=surface.triangle, weights=surface.weights, sigma=sigma.astype(np.float32))
    print(f"{options.out}: {len(surface)} points")
    return 0


if __name__ == "__main__":
    sys.exit(main())
