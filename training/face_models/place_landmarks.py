"""Jaw, brows and nose where AFLW2000-3D and 300W-LP put them on the mean of the people in fitted photographs.

    python -m training.face_models.place_landmarks --fits runs/photograph_fits.npz --convention mean_shape68.npz \\
        --out face_model.npz

The convention's mean shape is that of a population in photographs. So it is laid on the mean of people in photographs,
not on the face model's own mean, which has another jaw and another nod. Eyes, nose and mouth, which both define alike,
lay it there; then jaw, brows and nose go to the surface points nearest to its own. Geometry stays as it is: networks
trained for the model still fit. The nod that is left between the two zero poses is printed, and written beside the
model (:mod:`training.benchmarks.zero_pose`), where the evaluation looks for it.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel
from dense_face_ros.head_size import eyeballs
from training.benchmarks.conventions import zero_pose_pitch
from training.benchmarks.zero_pose import write_zero_pitch
from training.face_model import VARIABLE, face_model
from training.face_models import landmarks
from training.face_models.decimation import Array
from training.photographs.fit import PhotographFits
from training.result_files import check_destination

_ALIKE = slice(27, 68)  # nose, eyes and mouth


def replace_landmarks(model: FaceModel, people: Array, points68: Array) -> FaceModel:
    """The model with jaw, brows and nose placed anew.

    Args:
        people: (V, 3) metres, head frame: the mean of the people in photographs.
        points68: (68, 3) the convention's points in head axes; any unit and origin.
    """
    own = model.at(model.landmarks, people).astype(np.float64)
    scale, rotation, shift = landmarks.similarity(points68[_ALIKE], own[_ALIKE])
    target = scale * points68 @ rotation.T + shift
    eyeball = np.logical_or(*eyeballs(model))
    skin = np.flatnonzero(~eyeball[model.triangles].any(axis=1))
    moved = [*landmarks.JAW_AND_BROWS, *landmarks.NOSE]
    marks = landmarks.place_landmarks(people, model.triangles[skin], model.landmarks, target, moved)
    marks.triangle[moved] = skin[marks.triangle[moved]]
    unrolled = model.template_coordinates.astype(np.float64)
    flat = model.at(marks, unrolled).astype(np.float64)
    contour = landmarks.contour_candidates(unrolled, flat[:17], flat[33], ~eyeball)
    return replace(model, landmarks=marks, contour_candidates=contour)


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=Path, required=True, help="what training.photographs.fit wrote for that model")
    parser.add_argument("--convention", type=Path, required=True, help="mean 68 points of AFLW2000-3D (.npz, points68)")
    parser.add_argument("--out", type=Path, required=True, help="face model to write")
    options = parser.parse_args(arguments)
    check_destination(options.out, "--out")
    model, fits = face_model(), PhotographFits.load(options.fits)
    if fits.model != model.content_hash:
        raise ValueError(f"'{options.fits}' has fits of another face model than the one in use ({VARIABLE})")
    viewed = landmarks.read_convention(options.convention)
    people = model.shape(fits.coefficients[fits.accepted].mean(axis=0)).astype(np.float64)
    placed = replace_landmarks(model, people, landmarks.viewer_to_head(viewed))
    placed.save(options.out)
    before, after = (m.at(m.landmarks, people).astype(np.float64) for m in (model, placed))
    nod = zero_pose_pitch(after, viewed)
    beside = write_zero_pitch(options.out, placed, nod)
    print(f"{options.out}: landmarks moved by {1e3 * np.linalg.norm(after - before, axis=1)[:36].mean():.1f} mm on "
          f"average; {beside}: AFLW2000-3D's zero pose looks up by {nod:.2f} degrees")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
