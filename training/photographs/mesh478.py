"""The public face-mesh convention of 468 points: where they lie on our surface, and the face model fitted to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dense_face_ros.alignment import Aligner, Alignment, AlignmentFailure
from dense_face_ros.correspondence import Correspondences
from dense_face_ros.face_model import SurfacePoints
from dense_face_ros.geometry import Array, PinholeCamera
from training.face_model import own_model
from training.npz_files import read_npz

POINTS = 468  # the ten iris points follow the gaze and are left out

#: The mesh point at each of the 68 landmarks.
AT_LANDMARKS = np.array([
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
])  # fmt: skip

_SHIPPED = Path(__file__).with_name("mesh478_surface.npz")  # of training.photographs.mesh478_surface
_FOCAL_PER_FACE = 10.0  # assumed focal length in face widths: a head about 1.4 m away fills its box


def photograph_camera(mesh: Array, size: tuple[int, int] = (192, 192)) -> PinholeCamera:
    """The camera assumed for a cropped photograph whose mesh points are (478, 2+): its true one is not known."""
    width = face_width(mesh)
    focal = _FOCAL_PER_FACE * width
    return PinholeCamera(focal, focal, 0.5 * (size[0] - 1), 0.5 * (size[1] - 1), *size, metric=False)


def face_width(mesh: Array) -> float:
    """Pixels: geometric mean of the sides of the box around the mesh points."""
    return float(np.sqrt(np.prod(np.ptp(mesh[:POINTS, :2], axis=0))))


def surface_file() -> Path:
    """Where the 468 points lie on the face model in use: beside one's own, ``mine_mesh478.npz`` of ``mine.npz``.

    Raises:
        FileNotFoundError: as :func:`own_model`.
    """
    own = own_model()
    return _SHIPPED if own is None else own.with_name(f"{own.stem}_mesh478.npz")


def load_surface() -> tuple[SurfacePoints, Array]:
    """The 468 surface points and each one's standard deviation in face widths, of :func:`surface_file`.

    Raises:
        FileNotFoundError, ValueError: naming a file that is missing or of no use.
    """
    arrays = ("triangle", "weights", "sigma")
    file = read_npz(surface_file(), arrays, "make it with python -m training.photographs.mesh478_surface")
    return SurfacePoints(file["triangle"], file["weights"]), file["sigma"].astype(np.float64)


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
