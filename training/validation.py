"""What a network is chosen by: photographs and portraits kept for validation, and rendered heads drawn for it alone.

    python -m training.validation --data DATA [--network FILE] [--fits FILE] [--skins FILE] [--json FILE]

Of each kind the same crops are shown to every network. Their labels are what training has for labels, so a benchmark is
something else: these people are none of training's, but what is wrong with the labels is held against the network too.
Photographs or portraits that ``DATA`` does not hold are left out, and a line says so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.alignment import Aligner, AlignmentFailure
from dense_face_ros.angles import wrap_degrees
from dense_face_ros.backends import CROP_SIZE, CorrespondenceNetwork, NetworkOutput
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.correspondence import cell_pixels, correspondences
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array, PinholeCamera, yaw_pitch_roll_from_rotation
from dense_face_ros.template import Template
from training.benchmarks.conventions import along_line_of_sight
from training.data import Mixture, SampleMaker
from training.face_model import face_model, network_for, own_model
from training.loss import UNKNOWN
from training.options import check_least
from training.photographs.collection import has_photographs
from training.photographs.heads import FITS, NumberedHeads, PhotographHeads
from training.photographs.portrait_heads import PortraitHeads
from training.photographs.portraits import load_skins
from training.rendered import RenderedHeads, Sample
from training.rendering.fields import FloatArray
from training.result_files import check_destination, write_result

#: A face turned further than this (degrees) is looked at from the side it is turned to.
TURNED = 15.0
_SEED = 77


def kinds(
    template: Template, stride: int, data: Path, fits: Path, skins: FloatArray | None, count: int
) -> Iterator[tuple[str, Iterator[Sample]]]:
    """Name and samples, ``count`` of each but where there are fewer heads: the photographs of each folder, as they are
    and turned far aside; the portraits likewise, each several times; rendered heads. Without :func:`absent` ones.

    Args:
        stride: crop pixels a cell of the network's answers, and so of the samples' targets.
    Raises:
        FileNotFoundError, ValueError: naming what is missing in ``data``, or a file of no use.
    """
    listed: list[tuple[str, NumberedHeads, list[int]]] = []
    lacking = absent(data)
    if "photographs" not in lacking:
        photographs = PhotographHeads(data, fits, template.model, validation=True)
        folders = np.array([path.parent.parent.name for path in photographs.paths])[photographs.usable]
        for name in np.unique(folders).tolist():
            listed.append((name, photographs, photographs.usable[folders == name].tolist()))
    if "portraits" not in lacking:
        portraits = PortraitHeads(data, template.model, validation=True)
        everybody = portraits.usable.tolist()
        listed.append(("portraits", portraits, everybody * -(-count // len(everybody))))
    maker = SampleMaker(listed[0][1], data, template, Mixture(), stride)  # of any heads that it is given
    for name, heads, usable in listed:
        shown = np.random.default_rng(_SEED).permutation(usable)[:count].tolist()
        for turned in (False, True):
            yield f"{name}, turned" if turned else name, _photographs(maker, heads, shown, turned)
    rendered = RenderedHeads(template, _SEED, stride, skins, held_out=True)
    yield "renderings", (rendered.make(np.random.default_rng((_SEED, 2, i))) for i in range(count))


def absent(data: Path) -> dict[str, str]:
    """What ``data`` holds none of, "photographs" or "portraits", and what would have to be there.

    Raises:
        FileNotFoundError: it holds neither: renderings alone would not tell how a network sees people.
    """
    held = {
        "photographs": (has_photographs(data), "folder with images/ and landmarks.npz"),
        "portraits": ((data / "london_portraits").is_dir(), "folder london_portraits"),
    }
    lacking = {name: needed for name, (there, needed) in held.items() if not there}
    if len(lacking) == len(held):
        raise FileNotFoundError(
            f"--data '{data}' has no {' and no '.join(lacking.values())}; give the folder that holds either, see "
            "docs/training.md"
        )
    return lacking


def _photographs(maker: SampleMaker, heads: NumberedHeads, shown: Sequence[int], turned: bool) -> Iterator[Sample]:
    """The heads ``shown``, without occluders or another light; one that comes again is seen otherwise."""
    for i, index in enumerate(shown):
        rng = np.random.default_rng((_SEED, int(turned), i))
        yield maker.photograph(rng, heads.labelled(index), turned, clean=True)


def measure(network: CorrespondenceNetwork, template: Template, samples: Iterator[Sample]) -> dict[str, Any]:
    """What a network makes of samples of one kind.

    Returns:
        ``n`` and ``failed``, those to which no head is fitted; of all of them ``error_mean`` and ``error_median``,
        means over the samples of the distance in template pixels between the cells' points and the true ones, and
        ``overlap``, intersection over union of the cells said to be matchable and the true ones; of the fits, to the
        correspondences without the outline, ``bias`` and ``within90`` in degrees of yaw, pitch and roll (found minus
        true, along the line of sight; the mean, and what nine of ten errors lie within), and ``turned``, how many are
        turned by more than :data:`TURNED` with ``outward``, by how much more than the truth, in the mean. None where
        there is nothing to tell.
    """
    aligner = Aligner(template.model)
    of_flow, errors, true = [], [], []
    for sample in samples:
        output = network.run(np.ascontiguousarray(sample["image"]))
        of_flow.append(_flow_errors(output, sample))
        angles = _angles(np.asarray(sample["rotation"], np.float64), sample)
        camera = _camera(sample)
        try:
            fit = aligner.align(correspondences(output, FacingView.whole(camera), template), camera)
        except AlignmentFailure:
            continue
        errors.append(wrap_degrees(_angles(fit.pose[:3, :3], sample) - angles))
        true.append(angles)
    error, median, overlap = np.mean(of_flow, axis=0).tolist()
    told: dict[str, Any] = {
        "n": len(of_flow), "failed": len(of_flow) - len(errors),
        "error_mean": error, "error_median": median, "overlap": overlap,
    }  # fmt: skip
    return {**told, **_of_poses(np.array(errors).reshape(-1, 3), np.array(true).reshape(-1, 3))}


def _of_poses(errors: Array, true: Array) -> dict[str, Any]:
    turned = np.abs(true[:, 0]) > TURNED
    outward = np.sign(true[turned, 0]) * errors[turned, 0]
    return {
        "bias": errors.mean(axis=0).tolist() if len(errors) else None,
        "within90": np.quantile(np.abs(errors), 0.9, axis=0).tolist() if len(errors) else None,
        "turned": int(turned.sum()),
        "outward": float(outward.mean()) if len(outward) else None,
    }


def _flow_errors(output: NetworkOutput, sample: Sample) -> tuple[float, float, float]:
    """Mean and median distance over the matchable cells, and overlap of the masks."""
    matchable = np.asarray(sample["matchable"])
    true, known = matchable == 1, matchable != UNKNOWN
    said = (output.matchability > 0.5) & known
    points = np.moveaxis(cell_pixels(*true.shape, CROP_SIZE), 2, 0) + output.flow
    distance = np.hypot(*(points - np.asarray(sample["template"], np.float32))[:, true])
    return float(distance.mean()), float(np.median(distance)), float((said & true).sum() / (said | true).sum())


def _angles(rotation: Array, sample: Sample) -> Array:
    """Yaw, pitch and roll (degrees) of a head turned so, along the line of sight to the middle of the sample's face."""
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation, np.asarray(sample["surface"]).mean(axis=(1, 2))
    return np.asarray(np.degrees(yaw_pitch_roll_from_rotation(along_line_of_sight(pose))))


def _camera(sample: Sample) -> PinholeCamera:
    focal, cx, cy = np.asarray(sample["camera"], np.float64).tolist()
    return PinholeCamera(focal, focal, cx, cy, CROP_SIZE, CROP_SIZE)


@tells_bad_input(ImportError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.validation", description="What networks are chosen by.")
    parser.add_argument("--data", type=Path, required=True, help="folder of photographs or portraits, and backgrounds")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--fits", type=Path, default=FITS, help=f"labels of the photographs (default {FITS})")
    parser.add_argument("--skins", type=Path, help="skins for the renderings, from training.photographs.portraits")
    parser.add_argument("--count", type=int, default=400, help="samples of each kind at most (default 400)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    check_least("--count", options.count)
    check_destination(options.json)
    network, template = network_for(face_model(), options.network)
    skins = None if options.skins is None else load_skins(options.skins, template.model)
    result: dict[str, Any] = {"benchmark": "validation", "kinds": {}}
    for name, needed in absent(options.data).items():
        print(f"{name}: left out, as '{options.data}' has no {needed}", file=sys.stderr)
    stride = int(network.metadata["stride"])
    for name, samples in kinds(template, stride, options.data, options.fits, skins, options.count):
        told = result["kinds"][name] = measure(network, template, samples)
        print(f"{name}: {_line(told)}", flush=True)
    write_result(options.json, result, options.network, own_model())
    return 0


def _line(told: dict[str, Any]) -> str:
    text = (
        f"{told['n']}, {told['failed']} failed; error {told['error_mean']:.2f} (median {told['error_median']:.2f}) "
        f"template pixels, overlap {told['overlap']:.3f}"
    )
    if told["bias"] is not None:
        yaw, pitch, roll = (
            "{:+.1f} (nine of ten within {:.1f})".format(*pair)
            for pair in zip(told["bias"], told["within90"], strict=True)
        )
        text += f"; yaw {yaw}, pitch {pitch}, roll {roll} deg"
    return text + ("" if told["outward"] is None else f"; turned {told['turned']}: outward {told['outward']:+.1f} deg")


if __name__ == "__main__":
    raise SystemExit(main())
