"""The 3D morphable model: ``S = mean + identity . a_id + expression . a_exp`` (paper Eq. 1), its file and its queries.

All coordinates are metres in the head frame (x out of the face, y to the person's left, z up), whose origin lies
midway between the eyeball centres of every shape: the learning tools take that motion out of the identity modes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from math import prod
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dense_face_ros.whole_files import whole_file

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]
Indices = npt.NDArray[np.integer]

FORMAT_VERSION = 1
DEFAULT_MODEL = "face_model.npz"


@dataclass(frozen=True)
class SurfacePoints:
    """N points on the mesh: ``triangle`` (N,) indices into ``FaceModel.triangles``, ``weights`` (N, 3) barycentric."""

    triangle: IntArray
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.triangle)


def vertex_normals(vertices: npt.NDArray[np.floating], triangles: IntArray) -> FloatArray:
    """Unit outward normals (V, 3) of a mesh, each the mean of its triangles' weighted by their area."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    out = np.zeros((len(vertices), 3))
    for i in range(3):
        for axis in range(3):
            out[:, axis] += np.bincount(triangles[:, i], face[:, axis], minlength=len(vertices))
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def hash_of(*arrays: npt.NDArray[np.generic], kind: str = "") -> str:
    """sha256 over the name of what the arrays describe, and their bytes in order."""
    digest = hashlib.sha256(kind.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class FaceModel:
    """A morphable face. V vertices, T triangles, K identity modes, E expressions, R regions.

    Attributes:
        mean: (V, 3) metres.
        identity_basis: (K, V, 3), one standard deviation each: coefficients are N(0, 1).
        expression_basis: (E, V, 3), displacement at full activation: coefficients lie in [0, 1].
        expression_names: E names.
        expression_spread: (E,) standard deviation of each activation over everyday faces.
        triangles: (T, 3), counter-clockwise seen from outside.
        regions: (V,) index into ``region_names``.
        region_names: R names.
        landmarks: the 68 landmarks as surface points, at the positions of ``docs/conventions.md``.
        contour_candidates: (17, C) vertices along which tools fit the visible contour of the jaw; nothing here slides.
        template_coordinates: (V, 2) unrolled (cylindrical) coordinates: longitude and height in [0, 1].
        mirror: (V,) index of each vertex's left-right mirror image.
        albedo: (V, 3) mean skin colour, RGB in [0, 1], for pictures of the mean face.
        source: what the model was learned from, one line.
        licence: the terms of the file, with the notices its sources ask for.
    """

    mean: FloatArray
    identity_basis: FloatArray
    expression_basis: FloatArray
    expression_names: tuple[str, ...]
    expression_spread: FloatArray
    triangles: IntArray
    regions: npt.NDArray[np.uint8]
    region_names: tuple[str, ...]
    landmarks: SurfacePoints
    contour_candidates: IntArray
    template_coordinates: FloatArray
    mirror: IntArray
    albedo: FloatArray
    source: str
    licence: str

    @property
    def identity_size(self) -> int:
        """K, the number of identity modes."""
        return len(self.identity_basis)

    @property
    def expression_size(self) -> int:
        """E, the number of expressions."""
        return len(self.expression_basis)

    @cached_property
    def basis(self) -> FloatArray:
        """(V, 3, K + E): displacement of each vertex per unit of each coefficient, identity first."""
        return np.ascontiguousarray(self._modes.reshape(-1, *self.mean.shape).transpose(1, 2, 0), dtype=np.float32)

    @cached_property
    def _modes(self) -> FloatArray:
        """(K + E, 3 V): the basis with what one coefficient moves side by side, for products in half the time."""
        return np.concatenate([self.identity_basis, self.expression_basis]).reshape(-1, self.mean.size)

    @cached_property
    def content_hash(self) -> str:
        """sha256 over the geometry: two models with the same hash give the same shapes."""
        return hash_of(self.mean, self.identity_basis, self.expression_basis, self.triangles, self.template_coordinates)

    def shape(self, coefficients: npt.NDArray[np.floating] | None = None) -> FloatArray:
        """Vertices (V, 3) for coefficients (K + E,), identity first (paper Eq. 1); the mean face without."""
        if coefficients is None:
            return self.mean
        moved = np.asarray(coefficients, dtype=np.float32) @ self._modes
        return np.asarray(self.mean + moved.reshape(self.mean.shape), dtype=np.float32)

    @cached_property
    def _landmark_corners(self) -> npt.NDArray[np.intp]:
        """(68, 3) vertices between which the landmarks lie."""
        return self.triangles[self.landmarks.triangle].astype(np.intp)

    def landmarks_of(self, vertices: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """The landmarks (68, 3) of vertices (V, 3); fastest where these lie column by column in memory."""
        corners = vertices.T.take(self._landmark_corners, axis=1)
        return np.einsum("xnk,nk->nx", corners, self.landmarks.weights, dtype=np.float64)

    def at(self, points: SurfacePoints, values: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Interpolate per-vertex ``values`` (V, ...) at N surface points -> (N, ...)."""
        corners = values.take(self.triangles.take(points.triangle, axis=0), axis=0)
        flat = corners.reshape(len(points), 3, prod(values.shape[1:]))
        return np.asarray(np.matmul(points.weights[:, None], flat).reshape(len(points), *values.shape[1:]))

    def normals(self, vertices: npt.NDArray[np.floating]) -> FloatArray:
        """Unit outward normals (V, 3) of vertices (V, 3)."""
        return vertex_normals(vertices, self.triangles)

    def save(self, path: str | Path) -> None:
        """Write the ``.npz`` file; bases are stored in half precision (error below 0.02 mm).

        ``path`` is at any moment either the old file or the new one, whole.
        """
        with whole_file(Path(path)) as file:
            np.savez_compressed(
                file,
                format_version=np.int32(FORMAT_VERSION),
                mean=self.mean.astype(np.float32),
                identity_basis=self.identity_basis.astype(np.float16),
                expression_basis=self.expression_basis.astype(np.float16),
                expression_names=np.array(self.expression_names),
                expression_spread=self.expression_spread.astype(np.float32),
                triangles=self.triangles.astype(np.int32),
                regions=self.regions.astype(np.uint8),
                region_names=np.array(self.region_names),
                landmark_triangle=self.landmarks.triangle.astype(np.int32),
                landmark_weights=self.landmarks.weights.astype(np.float32),
                contour_candidates=self.contour_candidates.astype(np.int32),
                template_coordinates=self.template_coordinates.astype(np.float32),
                mirror=self.mirror.astype(np.int32),
                albedo=self.albedo.astype(np.float32),
                source=np.array(self.source),
                licence=np.array(self.licence),
            )

    @classmethod
    def load(cls, path: str | Path | None = None) -> FaceModel:
        """Read a face model file; without a path the shipped one.

        Raises:
            FileNotFoundError: naming the path.
            ValueError: naming the file and what in it is missing, of another version, shape or range.
        """
        where = Path(str(resources.files("dense_face_ros") / "models" / DEFAULT_MODEL)) if path is None else Path(path)
        if not where.is_file():
            raise FileNotFoundError(f"face model '{where}' does not exist; make one with training.face_models")
        try:
            with np.load(where, allow_pickle=False) as file:
                data = {name: file[name] for name in file.files}
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(f"face model '{where}' cannot be read ({error}); is it a face model .npz file?") from error
        except Exception as error:  # zipfile and zlib raise their own kinds on damaged files
            raise ValueError(f"face model '{where}' is damaged ({error}); make or copy it again") from error
        try:
            return cls._from_arrays(data)
        except (TypeError, ValueError, IndexError) as error:  # numpy's own, too, on arrays of another kind
            raise ValueError(f"face model '{where}' cannot be used: {error}; make or copy it again") from error

    @classmethod
    def _from_arrays(cls, data: dict[str, npt.NDArray[np.generic]]) -> FaceModel:
        missing = sorted(_FIELDS - data.keys())
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        version = int(data["format_version"])
        if version != FORMAT_VERSION:
            raise ValueError(f"it has format version {version}, this package reads {FORMAT_VERSION}")
        model = cls(
            mean=data["mean"].astype(np.float32),
            identity_basis=data["identity_basis"].astype(np.float32),
            expression_basis=data["expression_basis"].astype(np.float32),
            expression_names=tuple(map(str, data["expression_names"])),
            expression_spread=data["expression_spread"].astype(np.float32),
            triangles=data["triangles"].astype(np.int32),
            regions=data["regions"].astype(np.uint8),
            region_names=tuple(map(str, data["region_names"])),
            landmarks=SurfacePoints(
                data["landmark_triangle"].astype(np.int32), data["landmark_weights"].astype(np.float32)
            ),
            contour_candidates=data["contour_candidates"].astype(np.int32),
            template_coordinates=data["template_coordinates"].astype(np.float32),
            mirror=data["mirror"].astype(np.int32),
            albedo=data["albedo"].astype(np.float32),
            source=str(data["source"]),
            licence=str(data["licence"]),
        )
        model._check()
        return model

    def _check(self) -> None:
        v, k, e = len(self.mean), len(self.identity_basis), len(self.expression_basis)
        wanted: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
            "mean": (self.mean.shape, (v, 3)),
            "identity_basis": (self.identity_basis.shape, (k, v, 3)),
            "expression_basis": (self.expression_basis.shape, (e, v, 3)),
            "expression_names": ((len(self.expression_names),), (e,)),
            "expression_spread": (self.expression_spread.shape, (e,)),
            "triangles": (self.triangles.shape, (len(self.triangles), 3)),
            "regions": (self.regions.shape, (v,)),
            "landmark_weights": (self.landmarks.weights.shape, (68, 3)),
            "landmark_triangle": (self.landmarks.triangle.shape, (68,)),
            "contour_candidates": (self.contour_candidates.shape, (17, max(self.contour_candidates.shape[-1], 1))),
            "template_coordinates": (self.template_coordinates.shape, (v, 2)),
            "mirror": (self.mirror.shape, (v,)),
            "albedo": (self.albedo.shape, (v, 3)),
        }
        for name, (found, expected) in wanted.items():
            if found != expected:
                raise ValueError(f"{name} has shape {found}, expected {expected}")
        indices: dict[str, tuple[npt.NDArray[np.integer], int]] = {
            "triangles": (self.triangles, v),
            "regions": (self.regions, len(self.region_names)),
            "landmark_triangle": (self.landmarks.triangle, len(self.triangles)),
            "contour_candidates": (self.contour_candidates, v),
            "mirror": (self.mirror, v),
        }
        for name, (index, count) in indices.items():
            if index.min(initial=0) < 0 or index.max(initial=0) >= count:
                raise ValueError(f"{name} has indices outside 0..{count - 1}")
        finite: dict[str, FloatArray] = {
            "mean": self.mean,
            "identity_basis": self.identity_basis,
            "expression_basis": self.expression_basis,
            "expression_spread": self.expression_spread,
            "landmark_weights": self.landmarks.weights,
            "template_coordinates": self.template_coordinates,
            "albedo": self.albedo,
        }
        for name, values in finite.items():
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds values that are not finite")
        if not (self.expression_spread > 0).all():
            raise ValueError(f"expression_spread is {self.expression_spread.min()}, must be above 0")


_FIELDS = {
    "format_version", "mean", "identity_basis", "expression_basis", "expression_names", "expression_spread",
    "triangles", "regions", "region_names", "landmark_triangle", "landmark_weights", "contour_candidates",
    "template_coordinates", "mirror", "albedo", "source", "licence",
}  # fmt: skip
