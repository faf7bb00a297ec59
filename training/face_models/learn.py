"""Learn the shipped face model from the ICT Face Model Light.

    python -m training.face_models.learn ICT --convention aflw2000_3d_mean_shape68.npz --out face_model.npz

``ICT`` is the FaceXModel folder or the gathered .npz. Prints the error against the source and can draw it (--picture).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel
from training.face_models import expressions, ict, landmarks, regions, report
from training.face_models.decimation import Array, IntArray
from training.face_models.topology import Topology, build_topology
from training.result_files import check_destination

IDENTITY_MODES = 50
_AXIS = -0.06  # metres: the unrolling axis stands this far behind the eyes
_SIDE_SQUEEZE = 1.8  # longitudes are divided by this before the sine
_LATITUDE_CENTRE = -0.02  # metres: height of the middle of the unrolled face


def unroll(mean: Array) -> Array:
    """(V, 3) metres -> (V, 2) in [0, 1]: longitude and latitude about a vertical axis behind the eyes, each stretched
    to fill the template.

    Latitude, not height, keeps the underside of the chin from folding onto its front; the sine gives the front of the
    face, where the fine features are, a quarter more pixels than the ears.
    """
    x, y, z = (mean - [_AXIS, 0.0, _LATITUDE_CENTRE]).T
    longitude = np.arctan2(y, x)
    latitude = np.arctan2(z, np.hypot(x, y))
    flat = np.column_stack([np.sin(longitude / _SIDE_SQUEEZE), latitude])
    low, high = flat.min(axis=0), flat.max(axis=0)
    return np.asarray((flat - low) / (high - low))


def learn(source: ict.IctModel, convention68: Array, modes: int = IDENTITY_MODES) -> FaceModel:
    """Our face model: coarse symmetric mesh, principal identity modes, named expressions, landmarks, template."""
    mesh = build_topology(source)
    origin = ict.eyeball_midpoint(source.mean)
    mean = ict.to_head_frame(mesh.gather(source.mean) - origin)
    identity = without_turns(principal_modes(centred_identities(source, mesh), modes), mean)
    names, groups = expressions.groups(source.expression_names)
    raw = ict.to_head_frame(mesh.gather(source.expressions))
    raw[:, mesh.eyeball] = 0.0  # eyes may turn, the ball stays: gaze is not part of this model
    blendshapes = np.stack([raw[group].sum(axis=0) for group in groups])

    own68 = _own_landmarks(mesh, source.landmarks68)
    both = np.concatenate([identity, blendshapes])
    coefficients, target = landmarks.fit_convention(mean[own68], both[:, own68], convention68)
    fitted = mean + np.tensordot(coefficients, both, 1)
    skin = np.flatnonzero(~mesh.eyeball[mesh.triangles].any(axis=1))
    own = landmarks.at_vertices(mesh.triangles[skin], own68)
    marks = landmarks.place_landmarks(fitted, mesh.triangles[skin], own, target, landmarks.JAW_AND_BROWS)
    marks = type(marks)(skin[marks.triangle].astype(np.int32), marks.weights)

    template = unroll(mean)
    at_marks = (template[mesh.triangles[marks.triangle]] * marks.weights[:, :, None]).sum(axis=1)
    labels, region_names = regions.label(mean, own68, mesh.eyeball)
    return FaceModel(
        mean=mean.astype(np.float32),
        identity_basis=identity.astype(np.float32),
        expression_basis=blendshapes.astype(np.float32),
        expression_names=names,
        expression_spread=expressions.spread(names),
        triangles=mesh.triangles,
        regions=labels,
        region_names=region_names,
        landmarks=marks,
        contour_candidates=landmarks.contour_candidates(template, at_marks[:17], at_marks[33], ~mesh.eyeball),
        template_coordinates=template.astype(np.float32),
        mirror=mesh.mirror,
        albedo=regions.albedo(labels, region_names, mean),
        source="ICT Face Model Light (USC Institute for Creative Technologies)",
        licence=ict.NOTICE,
    )


def centred_identities(source: ict.IctModel, mesh: Topology) -> Array:
    """Identity modes on our mesh (K, V, 3) in metres, with the motion of the eyes' midpoint taken out."""
    moved = ict.eyeball_midpoint(source.mean + source.identity_modes) - ict.eyeball_midpoint(source.mean)
    return ict.to_head_frame(mesh.gather(source.identity_modes) - moved[:, None, :])


def principal_modes(modes: Array, count: int) -> Array:
    """The ``count`` strongest directions of the Gaussian spanned by independent unit modes (K, V, 3)."""
    flat = modes.reshape(len(modes), -1)
    _, strength, directions = np.linalg.svd(flat, full_matrices=False)
    return np.asarray((strength[:count, None] * directions[:count]).reshape(count, *modes.shape[1:]))


def without_turns(modes: Array, mean: Array) -> Array:
    """Identity modes (K, V, 3) that do not turn the face: the head frame of every person is the one in which the face
    lies best on the mean face (V, 3), up to a shift.

    What is taken out of each mode is ``w x mean``, about the eyes' midpoint, the origin, for the rotation vector w and
    the shift t that minimise ``sum_v |mode_v - w x mean_v - t|^2``. How a scan was held, or where a skull's own axes
    point, cannot be seen on a face: left in the modes, it would be a doubt of the head's pose.
    """
    offset = mean - mean.mean(axis=0)
    spread = (offset**2).sum() * np.eye(3) - offset.T @ offset
    turns = np.linalg.solve(spread, np.cross(offset, modes).sum(axis=1).T).T
    return np.asarray(modes - np.cross(turns[:, None], mean))


def _own_landmarks(mesh: Topology, landmarks68: IntArray) -> IntArray:
    where = {int(v): i for i, v in enumerate(mesh.sources[:, 0])}
    return np.array([where[int(v)] for v in landmarks68], dtype=np.int32)


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ict", type=Path, help="FaceXModel folder or gathered .npz")
    parser.add_argument("--convention", type=Path, required=True, help="mean 68 points of AFLW2000-3D (.npz, points68)")
    parser.add_argument("--out", type=Path, required=True, help="face model to write")
    parser.add_argument("--picture", type=Path, help="PNG of the mesh and of the error against the source")
    options = parser.parse_args(arguments)
    check_destination(options.out, "--out")
    check_destination(options.picture, "--picture")
    source = ict.read_ict(options.ict)
    convention = landmarks.viewer_to_head(landmarks.read_convention(options.convention))
    model = learn(source, convention)
    model.save(options.out)
    print(f"{options.out}: {len(model.mean)} vertices, {len(model.triangles)} triangles, "
          f"{model.identity_size} identity modes, {model.expression_size} expressions, "
          f"{options.out.stat().st_size / 1e6:.2f} MB")  # fmt: skip
    for name, value in report.surface_errors(model, source).items():
        print(f"{name:40s} {value:8.3f}")
    if options.picture:
        report.draw(model, options.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
