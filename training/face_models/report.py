"""How far our face model is from its source: distances over random identities and every expression, and a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from dense_face_ros.face_model import FaceModel, vertex_normals
from training.face_models import ict
from training.face_models.decimation import Array
from training.face_models.expressions import KEPT


def surface_errors(model: FaceModel, source: ict.IctModel, samples: int = 100, seed: int = 0) -> dict[str, float]:
    """Millimetres from dense source vertices to our surface: rms and maximum, over identities and over expressions.

    Random identities N(0, 1) in the source's own modes are projected onto ours and turned, as a pose is free to. Each
    source vertex inside our mesh is tied once, on the mean face, to its nearest surface point, so that sliding along
    the surface counts as error too.
    """
    origin = ict.eyeball_midpoint(source.mean)
    dense = ict.to_head_frame(source.mean[: ict.FACE[1]] - origin)
    face = source.triangles[(source.triangles < ict.FACE[1]).all(axis=1)]
    inside, ties = _tie(model, dense, vertex_normals(dense, face).astype(np.float64))
    moved = ict.eyeball_midpoint(source.mean + source.identity_modes) - ict.eyeball_midpoint(source.mean)
    modes = ict.to_head_frame(source.identity_modes[:, inside] - moved[:, None, :])

    def ours(displacement: Array) -> Array:
        return np.asarray((displacement[model.triangles[ties[0]]] * ties[1][..., None]).sum(axis=1))

    base = dense[inside] - ours(model.mean.astype(np.float64))
    shapes = np.concatenate([model.identity_basis.astype(np.float64), np.cross(np.eye(3)[:, None], model.mean)])
    basis = np.stack([ours(shape) for shape in shapes]).reshape(len(shapes), -1)
    pseudo = np.linalg.pinv(basis)
    rng = np.random.default_rng(seed)
    squares, worst = [], 0.0
    for _ in range(samples):
        truth = np.tensordot(rng.standard_normal(len(modes)), modes, 1)
        gap = truth - (truth.ravel() @ pseudo @ basis).reshape(truth.shape) + base
        distance = np.linalg.norm(gap, axis=1)
        squares.append((distance**2).mean())
        worst = max(worst, float(distance.max()))
    out = {"mean face rms (mm)": 1e3 * float(np.sqrt((base**2).sum(axis=1).mean())),
           "mean face maximum (mm)": 1e3 * float(np.linalg.norm(base, axis=1).max()),
           "random identities rms (mm)": 1e3 * float(np.sqrt(np.mean(squares))),
           "random identities maximum (mm)": 1e3 * worst}  # fmt: skip
    index = {name: i for i, name in enumerate(source.expression_names)}
    for row, name in zip(model.expression_basis, model.expression_names, strict=True):
        truth = ict.to_head_frame(sum(source.expressions[index[p], inside] for p in KEPT[name]))
        distance = np.linalg.norm(truth - ours(row.astype(np.float64)) + base, axis=1)
        out[f"{name} rms (mm)"] = 1e3 * float(np.sqrt((distance**2).mean()))
        out[f"{name} maximum (mm)"] = 1e3 * float(distance.max())
    return out


def _tie(model: FaceModel, dense: Array, source_normals: Array) -> tuple[np.ndarray, tuple[np.ndarray, Array]]:
    """Dense vertices that lie on our mesh (within 1.5 mm), and their surface points (triangle, weights).

    Normals must agree, or the touching lips of the closed mouth would be tied to each other.
    """
    from training.face_models.landmarks import nearest_surface_point

    mean = model.mean.astype(np.float64)
    gap, _ = cKDTree(mean).query(dense)
    candidates = np.flatnonzero(gap < 0.008)
    found = [nearest_surface_point(mean, model.triangles, dense[v]) for v in candidates]
    triangle = np.array([t for t, _ in found])
    weights = np.array([w for _, w in found])
    on_surface = (mean[model.triangles[triangle]] * weights[..., None]).sum(axis=1)
    near = np.linalg.norm(on_surface - dense[candidates], axis=1) < 0.0015
    near &= (source_normals[candidates] * model.normals(mean)[model.triangles[triangle, 0]]).sum(axis=1) > 0.5
    return candidates[near], (triangle[near], weights[near])


def draw(model: FaceModel, path: Path) -> None:
    """Mesh from the front and the side, landmarks, regions, templates, and the reach of the identity modes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from dense_face_ros.template import Template

    figure, axes = plt.subplots(2, 3, figsize=(24, 18))
    mean, corners = model.mean, model.mean[model.triangles]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    marks = model.at(model.landmarks, model.mean)
    views = ((1, 2, normal[:, 0] > 0, "front"), (0, 2, normal[:, 1] > 0, "side"))
    for axis, (h, v, seen, title) in zip(axes[0], views, strict=False):
        axis.triplot(mean[:, h], mean[:, v], model.triangles[seen], lw=0.4)
        axis.scatter(marks[:, h], marks[:, v], c="r", s=18)
        for line in model.contour_candidates:
            axis.plot(mean[line, h], mean[line, v], "g.-", lw=0.5, ms=3)
        axis.set(title=title, aspect="equal")
    axes[0, 2].scatter(mean[:, 1], mean[:, 2], c=model.regions, s=8, cmap="tab20")
    axes[0, 2].set(title="regions", aspect="equal")
    for axis, kind in zip(axes[1], ("cylindrical", "frontal"), strict=False):
        template = Template(model, kind)
        axis.imshow(template.image)
        pixels = template.pixels(model.landmarks)
        axis.scatter(pixels[:, 0], pixels[:, 1], c="r", s=8)
        axis.set(title=f"template: {kind}")
    strong = np.linalg.norm(model.identity_basis, axis=2).max(axis=1) * 1e3
    axes[1, 2].plot(strong, ".-")
    axes[1, 2].set(title="largest displacement of each identity mode (mm)", yscale="log")
    figure.tight_layout()
    figure.savefig(path, dpi=60)
