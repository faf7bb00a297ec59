"""Where the 468 points of the public face-mesh convention lie on our surface, learned on rendered people.

    python -m training.photographs.mesh478_surface --environments DIR

The labelling network looks at rendered people (:mod:`training.photographs.rendered_portraits`), whose shape and pose
are known. Each point goes where the pixels it is given are seen on them; then, in rounds, it is moved by the
displacement (in the head frame) that explains its residuals best, and dropped onto the surface. Photographs, to which
shape and pose are fitted with the positions themselves, could not tell them: points that all lie a little too low are
explained as well by heads that are all a little bowed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel, FloatArray, SurfacePoints
from dense_face_ros.geometry import Array, PinholeCamera
from dense_face_ros.head_size import eyeballs
from dense_face_ros.whole_files import whole_file
from training.face_model import face_model
from training.face_models.landmarks import nearest_surface_point
from training.options import check_least
from training.peers.programs import PeerError
from training.photographs.label import labels
from training.photographs.mesh478 import POINTS, face_width, surface_file
from training.photographs.rendered_portraits import portraits, random_angles
from training.result_files import check_destination

_SIGMAS = (0.004, 0.05)  # standard deviation of a mesh point, in face widths, at least and at most
_PULL = 4.0  # strength of the pull to the present position, in pictures' worth of evidence
_YAW, _VIEWS = 25.0, 3  # degrees to either side; views of every person
_FIRST_SEED = 20_000  # apart from the people of other benchmarks


@dataclass(frozen=True)
class SeenHead:
    """A head whose truth is known, and the labelling network's points on it.

    Attributes:
        shape: (V, 3) metres, head frame.
        pose: (4, 4) camera <- head.
        camera: of the picture.
        mesh: (468+, 2+) pixels.
    """

    shape: FloatArray
    pose: Array
    camera: PinholeCamera
    mesh: Array


def first_guess(model: FaceModel, heads: Sequence[SeenHead]) -> SurfacePoints:
    """For each point the middle of what is seen nearest to its pixels."""
    skin = _skin(model)
    places = np.empty((len(heads), POINTS, 3))
    for place, head in zip(places, heads, strict=True):
        seen = head.shape @ head.pose[:3, :3].T + head.pose[:3, 3]
        facing = np.einsum("ij,ij->i", model.normals(head.shape) @ head.pose[:3, :3].T, seen) < 0
        shown = skin[facing[skin]]
        nearest = cKDTree(head.camera.project(seen[shown])).query(head.mesh[:POINTS, :2])[1]
        place[:] = model.mean[shown[nearest]]
    return drop(model, np.median(places, axis=0))


def _skin(model: FaceModel) -> npt.NDArray[np.intp]:
    """Vertices apart from the eyeballs."""
    left, right = eyeballs(model)
    return np.flatnonzero(~(left | right))


def drop(model: FaceModel, points: Array) -> SurfacePoints:
    """Nearest points of the skin (eyeballs apart) to (N, 3) points in the head frame."""
    skin = np.flatnonzero(np.isin(model.triangles, _skin(model)).all(axis=1))
    found = [nearest_surface_point(model.mean.astype(np.float64), model.triangles[skin], p) for p in points]
    triangle = skin[[t for t, _ in found]].astype(np.int32)
    return SurfacePoints(triangle, np.array([w for _, w in found], dtype=np.float32))


def displacements(model: FaceModel, surface: SurfacePoints, heads: Sequence[SeenHead]) -> tuple[Array, Array]:
    """Least-squares move (468, 3) of each point in the head frame, and its residual spread (468,) in face widths."""
    normal = np.zeros((POINTS, 3, 3)) + _PULL * np.eye(3)
    right = np.zeros((POINTS, 3))
    residuals = []
    for head in heads:
        at = model.at(surface, head.shape).astype(np.float64) @ head.pose[:3, :3].T + head.pose[:3, 3]
        residual = head.mesh[:POINTS, :2] - head.camera.project(at)
        scale = head.camera.fx / at[:, 2]
        residuals.append(np.linalg.norm(residual, axis=1) / face_width(head.mesh))
        row = head.pose[:2, :3]  # weak perspective: a head-frame move shows through the first two rows of R
        normals = model.normals(head.shape) @ head.pose[:3, :3].T
        facing = -normals[model.triangles[surface.triangle, 0], 2]
        seen = np.clip(facing, 0.0, 1.0) ** 2 / (1.0 + (residuals[-1] / 0.03) ** 2)
        normal += seen[:, None, None] * (row.T @ row)
        right += (seen / scale)[:, None] * (residual @ row)
    spread = np.asarray(np.median(np.array(residuals), axis=0) / 1.1774, dtype=np.float64)
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0], dtype=np.float64), spread


def learn_surface(model: FaceModel, heads: Sequence[SeenHead], rounds: int = 5) -> tuple[SurfacePoints, Array]:
    """Surface points (468) and standard deviations (468,) in face widths."""
    surface = first_guess(model, heads)
    for turn in range(rounds):
        move, spread = displacements(model, surface, heads)
        moved = 1e3 * np.median(np.linalg.norm(move, axis=1))
        print(f"round {turn + 1}: residual {np.median(spread):.4f} face widths, move {moved:.2f} mm (medians)")
        surface = drop(model, model.at(surface, model.mean) + move)
    return surface, np.clip(spread, *_SIGMAS)


def rendered_heads(model: FaceModel, people: int, environments: Path) -> list[SeenHead]:
    """Rendered people within ``_YAW`` of the camera, where the labelling network errs least, as it labels them.

    Raises:
        PeerError: the labelling network cannot be installed or run.
    """
    views = []
    for seed in range(people):
        angles = random_angles(np.random.default_rng((seed, 4)), _YAW, _VIEWS)
        views += portraits(model, _FIRST_SEED + seed, angles)
    at_rest = np.zeros(model.expression_size)
    return [
        SeenHead(model.shape(np.concatenate([view.identity, at_rest])), view.pose, view.camera, mesh)
        for view, mesh in zip(views, labels([view.image for view in views], environments), strict=True)
        if mesh is not None
    ]


@tells_bad_input(PeerError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--environments", type=Path, required=True, help="folder for the network's own Python")
    parser.add_argument("--out", type=Path, help="default: that of the face model in use")
    options = parser.parse_args(arguments)
    check_least("--people", options.people)
    out = options.out or surface_file()
    check_destination(out, "--out")
    model = face_model()
    surface, sigma = learn_surface(model, rendered_heads(model, options.people, options.environments))
    sigmas = sigma.astype(np.float32)
    with whole_file(out) as file:
        np.savez_compressed(file, triangle=surface.triangle, weights=surface.weights, sigma=sigmas)
    print(f"{out}: {len(surface)} points")
    return 0


if __name__ == "__main__":
    sys.exit(main())
