"""Whether less precision costs accuracy: ``python -m training.check_precision AFLW2000_FOLDER [--json FILE]``.

The AFLW2000-3D protocol is run with the network at full precision, by ONNX Runtime on the CPU, and again with its file
in bytes and its half-precision file. On the CPU the weights of that one are halves but not all of the arithmetic: on a
machine with a GPU, ``--backend tensorrt`` runs it as the car does. Exit code 1: an NME became worse by more than
:data:`TOLERANCE`, or an image failed that did not before. 2: bad input, or no head was found in any image.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dense_face_ros import FaceTracker
from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.backends.choose import REPRODUCIBLE_BACKENDS, wait_until_running
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path
from dense_face_ros.bad_input import tells_bad_input
from training.benchmarks import aflw2000
from training.face_model import own_model
from training.options import check_least
from training.result_files import check_destination, write_result

#: Largest loss of a mean NME, in percent of the box. Rounding moves single images by chance, which 16 do not average
#: out: that of bytes by a few tenths of a percent.
TOLERANCE = {"half": 0.02, "bytes": 0.1}
FIGURES = ("nme68_mean_of_bins", "nme51_mean_of_bins")


def evaluate(folder: Path, network: Path, backend: str, limit: int | None) -> dict[str, Any]:
    """Figures of AFLW2000-3D with true boxes, and the name of what ran.

    Args:
        network: the file to run, whatever lies beside it.
        backend: one of ``REPRODUCIBLE_BACKENDS``.
        limit: use the first labels only.
    Raises:
        OSError, ValueError: the network or the folder is of no use, or the network cannot run.
    """
    with tempfile.TemporaryDirectory() as alone:
        file = Path(alone) / "network.onnx"  # under its own name another would be looked for
        shutil.copy(network, file)
        with _told_of(network, file):
            tracker = FaceTracker(model_path=own_model(), network_path=file, backend=backend)
        try:
            with _told_of(network, file):
                wait_until_running(tracker.network)
            result = aflw2000.evaluate(tracker, folder, tracker.model, limit)
            told = {name: result[name] for name in ("failed", *FIGURES)}
            return {**told, "images": result["images"], "backend": tracker.network.name}
        finally:
            tracker.close()


@contextmanager
def _told_of(network: Path, copied: Path) -> Iterator[None]:
    """Errors about the copy are told of the file itself, which the user knows."""
    try:
        yield
    except (OSError, ValueError, NetworkUnavailable) as error:
        raise ValueError(str(error).replace(str(copied), str(network))) from error


def compare(full: dict[str, Any], other: dict[str, Any], tolerance: float) -> dict[str, Any]:
    """What the other precision changed, and whether that is allowed (``allowed``)."""
    rows = list(zip(full["images"], other["images"], strict=True))
    failed = [two["name"] for one, two in rows if two["failed"] and not one["failed"]]
    return {
        "backend": other["backend"],
        "failed": other["failed"],
        **{name: other[name] for name in FIGURES},
        "largest_change_of_an_image": max(abs(two["nme68"] - one["nme68"]) for one, two in rows),
        "failed_now": failed,
        "allowed": not failed and all(other[name] - full[name] <= tolerance for name in FIGURES),
    }


@tells_bad_input(ImportError, NetworkUnavailable)
def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.check_precision", description="Less against full.")
    parser.add_argument("folder", type=Path, help="folder of AFLW2000-3D")
    parser.add_argument("--network", type=Path, help="network file (.onnx); default: the one in the package")
    parser.add_argument("--backend", choices=REPRODUCIBLE_BACKENDS, default="onnxruntime-cpu", help="of the half")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--limit", type=int, help="use the first N images only")
    options = parser.parse_args(arguments)
    check_least("--limit", options.limit)
    check_destination(options.json)
    path = network_path(options.network)
    beside = {
        "half": (gpu_network_path(path), options.backend),
        "bytes": (cpu_network_path(path), "onnxruntime-cpu"),
    }
    beside = {name: (file, backend) for name, (file, backend) in beside.items() if file != path}
    if not beside:
        raise ValueError(f"'{path}' has no file of less precision beside it; write one with training.export")
    full = evaluate(options.folder, path, "onnxruntime-cpu", options.limit)
    count = len(full["images"])
    if full["failed"] == count:  # all precisions would seem alike, each image counting as the mean face
        raise ValueError(
            f"'{path}' finds no head in any of the {count} images of '{options.folder}' at full precision: there is "
            "nothing to compare; train it longer, or give another network with --network"
        )
    others = {
        name: compare(full, evaluate(options.folder, file, backend, options.limit), TOLERANCE[name])
        for name, (file, backend) in beside.items()
    }
    result = {"n": count, "full": {name: full[name] for name in ("failed", *FIGURES)}, "others": others}
    write_result(options.json, {"precision": result}, options.network, own_model())
    print(f"{count} images, {full['failed']} failed at full precision")
    for kind, other in others.items():
        print(f"{kind}, by {other['backend']}:")
        for name in FIGURES:
            print(f"  {name}: full {full[name]:.4f}, {kind} {other[name]:.4f} %")
        print(f"  largest change of an image: {other['largest_change_of_an_image']:.4f} %")
        print(f"  failed: {other['failed']}")
        if other["failed_now"]:
            print(f"  failed with less precision only: {', '.join(other['failed_now'])}")
        if not other["allowed"]:
            print(f"  TOO MUCH LOST: at most {TOLERANCE[kind]} % is allowed")
    return 0 if all(other["allowed"] for other in others.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
