"""Self-training: labels for photographs that the labelling network gets wrong, from our own network where it is sure.

    python -m training.photographs.self_labels --data DATA --fits runs/photograph_fits.npz --out runs/self_labels.npz

Photographs of heads turned further aside than ``heads.MAX_YAW``, and those whose mesh points fit no face, are not
learned from by their mesh points. Here our network's correspondences are fitted to each, and to its mirror image. Where
both tell the same head, the network sees it alike on either side, and its fit becomes the label. People kept for
validation stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from dense_face_ros.alignment import Alignment
from dense_face_ros.backends import CROP_SIZE, CorrespondenceNetwork
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.crop import Crop
from dense_face_ros.facing_view import FacingView, TooFarAside
from dense_face_ros.geometry import Array, PinholeCamera, yaw_pitch_roll_from_rotation
from dense_face_ros.head_fitting import MARGIN, FitLimits, HeadFit, HeadFitter, NoHead
from dense_face_ros.template import Template
from training.benchmarks.metrics import box_of, box_size, geodesic
from training.face_model import face_model, network_for
from training.photographs.collection import Photographs, read_image, read_photographs
from training.photographs.fit import MIN_FACE, PhotographFits, draw_sheet
from training.photographs.heads import FITS, MAX_YAW
from training.photographs.mesh478 import POINTS, face_width, photograph_camera
from training.photographs.views import mirrored_rotation
from training.result_files import check_destination, make_destination

_SURE = FitLimits(min_inliers=0.75, min_coverage=0.5, max_residual=3.0)
_SHEET = 48
_MAX_SIGMA = 2.0  # crop pixels: HeadFit.quality["sigma"]
_SAME_ROTATION = 4.0  # degrees between the head and its mirror image's
_SAME_PLACE = 0.02  # of the face's size, mean distance of their vertices

Image = npt.NDArray[np.uint8]


class SelfLabeller:
    """Labels photographs with one network, which was trained for ``template``."""

    def __init__(self, network: CorrespondenceNetwork, template: Template) -> None:
        self.model = template.model
        self._fitter = HeadFitter(self.model, template, network, _SURE)

    def label(self, photograph: Image, box: Array, camera: PinholeCamera) -> Alignment | None:
        """The head in a photograph (H, W, 3) RGB; None where the network is not sure of it.

        box: (x0, y0, x1, y1) about where the face is. The principal point of ``camera`` need not be in the middle.
        """
        seen = _fit(self._fitter, photograph, box, camera)
        if seen is None:
            return None
        width = photograph.shape[1]
        mirrored_box = np.array([width - 1 - box[2], box[1], width - 1 - box[0], box[3]])
        mirrored = replace(camera, cx=width - 1 - camera.cx)
        twin = _fit(self._fitter, np.ascontiguousarray(photograph[:, ::-1]), mirrored_box, mirrored)
        if twin is None:
            return None
        turned = mirrored_rotation(twin.alignment.pose[:3, :3])
        there = mirrored.project(twin.vertices.astype(np.float64))[self.model.mirror] * [-1.0, 1.0] + [width - 1.0, 0.0]
        apart = float(
            np.linalg.norm(there - camera.project(seen.vertices.astype(np.float64)), axis=1).mean()
        ) / box_size(seen.box)
        same = geodesic(seen.alignment.pose[:3, :3], turned) <= _SAME_ROTATION and apart <= _SAME_PLACE
        return seen.alignment if same else None


def _fit(fitter: HeadFitter, photograph: Image, box: Array, camera: PinholeCamera) -> HeadFit | None:
    """The head in a photograph RGB, looked at twice; None where there is none or the network doubts it."""
    image = np.ascontiguousarray(photograph[:, :, ::-1])
    try:
        first = fitter.fit(image, FacingView.of(Crop.around_box(box, MARGIN, CROP_SIZE), camera))
        fit = fitter.fit(image, first.next_view(camera))
    except (NoHead, TooFarAside):
        return None
    return fit if fit.quality["sigma"] <= _MAX_SIGMA else None


def left_out(fits: PhotographFits, photographs: Photographs) -> npt.NDArray[np.intp]:
    """Photographs of the training people with mesh points that nothing is learned from."""
    yaw = np.abs(yaw_pitch_roll_from_rotation(fits.pose[:, :3, :3].astype(np.float64))[:, 0])
    known = np.isfinite(photographs.mesh478[:, :POINTS, :2]).all(axis=(1, 2))
    return np.flatnonzero(known & ~photographs.validation & (~fits.accepted | (yaw > np.radians(MAX_YAW))))


def self_labelled(
    labeller: SelfLabeller, photographs: Photographs, fits: PhotographFits
) -> tuple[PhotographFits, npt.NDArray[np.intp]]:
    """``fits`` with the network's own where it is sure, and which those are."""
    out = deepcopy(fits)
    done = []
    for i in tqdm(left_out(fits, photographs), desc="self-labelling", unit="photo", mininterval=5):
        mesh = photographs.mesh478[i, :POINTS].astype(np.float64)
        if face_width(mesh) < MIN_FACE:
            continue
        camera = photograph_camera(mesh)
        label = labeller.label(read_image(photographs.paths[i]), box_of(mesh[:, :2]), camera)
        if label is not None:
            out.pose[i], out.coefficients[i], out.focal[i] = label.pose, label.coefficients, camera.fx
            out.accepted[i], out.own[i] = True, True
            done.append(i)
    return out, np.array(done, np.intp)


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.photographs.self_labels", description="Own labels.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fits", type=Path, default=FITS, help="what training.photographs.fit wrote")
    parser.add_argument("--network", type=Path, help="correspondence network (.onnx); default: the shipped one")
    parser.add_argument("--out", type=Path, required=True, help="file of fits to write, for training.train --fits")
    parser.add_argument("--sheet", type=Path, help="PNG of random ones")
    options = parser.parse_args(arguments)
    make_destination(options.out)
    check_destination(options.sheet, "--sheet")
    model = face_model()
    labeller = SelfLabeller(*network_for(model, options.network))
    photographs = read_photographs(options.data)
    fits = PhotographFits.load_for(options.fits, model, photographs)
    out, own = self_labelled(labeller, photographs, fits)
    out.save(options.out)
    if options.sheet and not len(own):
        print(f"--sheet: no photograph has a label of the network, so '{options.sheet}' is not written")
    elif options.sheet:
        draw_sheet(model, photographs, out, np.random.default_rng(0).permutation(own)[:_SHEET].tolist(), options.sheet)
    asked = len(left_out(fits, photographs))
    print(f"{options.out}: {len(own)} of {asked} photographs left out before have labels of the network now")
    return 0


if __name__ == "__main__":
    sys.exit(main())
