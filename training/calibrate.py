"""Measure how far a network's word goes, on rendered people, and write it into the network's files.

    python -m training.calibrate network.onnx [--people 72] [--max-new-vagueness 0.055]

A new network errs otherwise than the one before: by this the tracker's covariances mean what they say again. Three
numbers make them do so (:class:`dense_face_ros.calibration.Calibration`): ``covariance_share``, with which the NEES of
the raw rotation is 1, ``distance_factor``, with which that of the raw depth is, and ``lasting_share``, with which that
of the filtered rotation is (:mod:`training.benchmarks.consistency`). The people are none that a benchmark shows.
``--max-new-vagueness`` is chosen by what :mod:`training.new_heads` tells, and kept where it is not given.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx

from dense_face_ros import FaceModel, FaceTracker, TrackerSettings
from dense_face_ros.backends.model_file import check_metadata, differing, network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path
from dense_face_ros.calibration import Calibration
from dense_face_ros.whole_files import whole_file
from training.benchmarks.consistency import PARTS, Track, errors_of, nees, run, unfollowed
from training.benchmarks.rendered_people import sequence
from training.exported import read_exported
from training.face_model import face_model, own_model
from training.options import check_least
from training.result_files import Result, answer

_WHAT = "Measure a network on rendered people, some twenty minutes, and write how it errs into its files, in place."
_FIRST_SEED = 100_000  # apart from the people of the benchmarks
_STEPS = 3


def calibrated(model: FaceModel, network: Path, people: int, before: Calibration) -> Calibration:
    """``before`` with the numbers by which the mean NEES of such a network is 1, raw and filtered.

    Raises:
        ValueError: it follows none of the people.
    """
    sequences = [sequence(model, _FIRST_SEED + i) for i in range(people)]
    found = before
    for _ in range(_STEPS):
        settings = TrackerSettings(calibration=found)
        tracker = FaceTracker(settings, model_path=own_model(), network_path=network, backend="onnxruntime-cpu")
        try:
            tracks = [run(tracker, shown) for shown in sequences]
        finally:
            tracker.close()
        lost = unfollowed(tracks, _FIRST_SEED)
        # Less information from the data means more spread, and nearly in proportion. Depth rests on the prior of head
        # sizes, whatever the data's weight: it must not decide over that.
        found = replace(
            found,
            covariance_share=min(found.covariance_share / _mean_nees(tracks, "rotation"), 1.0),
            distance_factor=max(found.distance_factor * _mean_nees(tracks, "depth"), 1.0),
        )

    if lost:
        print(f"{len(lost)} of {people} people were not followed, and tell nothing: seeds {lost}", file=sys.stderr)

    def filtered_nees(lasting: float) -> float:
        return _mean_nees([one.filtered_by(lasting) for one in tracks], "rotation", filtered=True)

    choices = np.round(np.arange(0.5, 1.0, 0.02), 2).tolist()
    return replace(found, lasting_share=min(choices, key=lambda choice: abs(np.log(filtered_nees(choice)))))


def _mean_nees(tracks: list[Track], part: str, filtered: bool = False) -> float:
    return float(nees(*errors_of(tracks, filtered), PARTS[part]).mean())


def files_of(network: Path) -> dict[Path, tuple[onnx.ModelProto, dict[str, str]]]:
    """The files of the network whose full-precision one is ``network``, of those that there are, with what they hold
    and their metadata.

    Raises:
        ValueError: one is no network of ours, or of other weights.
    """
    # Where there is no file of less precision, these are the network's own.
    paths = dict.fromkeys((network, gpu_network_path(network), cpu_network_path(network)))
    held = {path: read_exported(path) for path in paths}
    own = held[network][1]
    for path, (_, metadata) in held.items():
        check_metadata(metadata, path)
        different = [name for name in differing(own, metadata) if name not in Calibration().metadata]
        if different:
            raise ValueError(
                f"'{path}' is not of the same network as '{network}': {', '.join(different)} differ; export both from "
                "one checkpoint, or remove it"
            )
    return held


def write(calibration: Calibration, files: dict[Path, tuple[onnx.ModelProto, dict[str, str]]]) -> None:
    """Write it into the metadata of these files; the networks in them stay as they are."""
    for path, (model, metadata) in files.items():
        onnx.helper.set_model_props(model, {**metadata, **calibration.metadata})
        with whole_file(path) as file:
            file.write(model.SerializeToString())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=_WHAT)
    parser.add_argument("network", type=Path, help="exported network; its files beside it are written too")
    parser.add_argument("--people", type=int, default=72, help="rendered people, 4 seconds of each (default 72)")
    parser.add_argument("--max-new-vagueness", type=float, help="how vague a new head may be (default: as it was)")
    options = parser.parse_args(arguments)

    def measure() -> Result:
        check_least("--people", options.people)
        if not options.network.is_file():  # a bare name would be a shipped one's
            raise FileNotFoundError(f"network '{options.network}' does not exist; give the .onnx that is to be written")
        network = network_path(options.network)
        files = files_of(network)
        before = Calibration.of(files[network][1], network)
        if options.max_new_vagueness is not None:
            before = replace(before, max_new_vagueness=options.max_new_vagueness)
        # One that was exported again has lost what the others tell, and would not run beside them. It also shows now,
        # not at the end, whether they can be written.
        write(before, files)
        found = calibrated(face_model(), network, options.people, before)
        write(found, files)
        return {"written": [str(path) for path in files], **asdict(found)}

    return answer(measure, None, options.network)


if __name__ == "__main__":
    sys.exit(main())
