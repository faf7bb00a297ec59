"""How wrong the photographs' labels are by how far a head looks aside: the labelling network judged on rendered people.

    python -m training.photographs.label_error --environments DIR [--json FILE]

The network that labelled the photographs labels rendered people (:mod:`training.photographs.rendered_portraits`), the
face model is fitted to what it says exactly as to a photograph (``training.photographs.fit``), and the fit is compared
with the truth.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.alignment import Aligner
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import Array, yaw_pitch_roll_from_rotation
from training.benchmarks.conventions import along_line_of_sight
from training.benchmarks.metrics import box_of, box_size
from training.face_model import face_model, own_model
from training.options import check_least
from training.peers.programs import PeerError
from training.photographs.fit import label_settings
from training.photographs.label import labels
from training.photographs.mesh478 import fit_mesh, load_surface
from training.photographs.rendered_portraits import Portrait, portraits, random_angles
from training.result_files import check_destination, write_result

#: Degrees of yaw between which errors are told.
BINS = (0, 10, 20, 30, 40, 50, 60, 75)
_VIEWS = 6  # of every person
_FIRST_SEED = 1000  # apart from the people of other benchmarks


def views_of(model: FaceModel, seed: int) -> list[Portrait]:
    """The views of the person that ``seed`` stands for, at random angles up to the last of ``BINS``."""
    return portraits(model, _FIRST_SEED + seed, random_angles(np.random.default_rng((seed, 2)), BINS[-1], _VIEWS))


def label_error(model: FaceModel, portrait: Portrait, mesh: Array) -> Array | None:
    """What a label says minus the truth: yaw (away from the camera), pitch, roll (to the side of the yaw) in degrees
    and the mean landmark error in % of the box size; None where no fit is found.

    Args:
        mesh: (468 or 478, 3) points of the labelling network.
    """
    surface, sigma = load_surface()
    fitted = fit_mesh(Aligner(model, label_settings()), surface, sigma, mesh)
    if fitted is None:
        return None
    fit, camera = fitted
    said_angles = np.degrees(yaw_pitch_roll_from_rotation(along_line_of_sight(fit.pose)))
    angles = np.degrees(yaw_pitch_roll_from_rotation(portrait.rotation))
    marks = model.at(model.landmarks, model.shape(fit.coefficients)) @ fit.pose[:3, :3].T + fit.pose[:3, 3]
    gap = np.linalg.norm(camera.project(marks) - portrait.landmarks, axis=1).mean()
    side = np.sign(angles[0])
    return np.array([*(said_angles - angles) * (side, 1.0, side), 100.0 * gap / box_size(box_of(portrait.landmarks))])


def summary(yaw: Array, errors: Array) -> list[dict[str, Any]]:
    """Per bin of ``|yaw|`` (N,) degrees: how many, and of ``errors`` (N, 4) medians and the spread of yaw."""
    rows = []
    for low, high in zip(BINS[:-1], BINS[1:], strict=True):
        among = errors[(np.abs(yaw) >= low) & (np.abs(yaw) < high)]
        if len(among):
            medians = np.median(among, axis=0).tolist()
            names = ("yaw", "pitch", "roll", "nme68")
            rows.append({"from": low, "to": high, "n": len(among), "yaw_spread": float(among[:, 0].std()),
                         **dict(zip(names, medians, strict=True))})  # fmt: skip
    return rows


def measure(model: FaceModel, people: int, environments: Path) -> dict[str, Any]:
    """Raises PeerError when the labelling network cannot be installed or run."""
    views = [view for seed in range(people) for view in views_of(model, seed)]
    yaw, errors, unfitted = [], [], 0
    for view, mesh in zip(views, labels([view.image for view in views], environments), strict=True):
        error = None if mesh is None else label_error(model, view, mesh)
        if error is None:
            unfitted += 1
            continue
        yaw.append(float(np.degrees(yaw_pitch_roll_from_rotation(view.rotation)[0])))
        errors.append(error)
    return {"people": people, "views": len(views), "not_labelled": unfitted,
            "bins": summary(np.array(yaw), np.array(errors).reshape(-1, 4))}  # fmt: skip


@tells_bad_input(PeerError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--environments", type=Path, required=True, help="folder for the network's own Python")
    parser.add_argument("--json", type=Path, help="write the result here")
    options = parser.parse_args(arguments)
    check_least("--people", options.people)
    check_destination(options.json)
    result = measure(face_model(), options.people, options.environments)
    write_result(options.json, {"benchmark": "label_error", **result}, model=own_model())
    print(f"{result['views']} views, {result['not_labelled']} not labelled")
    for row in result["bins"]:
        print("{from:2d}-{to:2d} deg, {n:3d}: yaw {yaw:+.1f} (spread {yaw_spread:.1f}), pitch {pitch:+.1f}, "
              "roll {roll:+.1f} deg, NME68 {nme68:.2f} %".format(**row))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
