"""Whether half precision costs accuracy: ``python -m training.check_half_precision AFLW2000_FOLDER [--json FILE]``.

The AFLW2000-3D protocol is run with the network at full precision, by ONNX Runtime on the CPU, and again with its
half-precision file. On the CPU the weights of that one are halves but not all of the arithmetic: on a machine with a
GPU, ``--backend tensorrt`` runs it as the car does. Exit code 1: an NME changed by more than 0.02 % of the box, or
other images failed. 2: bad input.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from dense_face_ros import FaceTracker
from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.backends.choose import REPRODUCIBLE_BACKENDS, wait_until_running
from dense_face_ros.backends.gpu_model_file import gpu_network_path
from dense_face_ros.backends.model_file import network_path
from training.benchmarks import aflw2000
from training.result_files import check_destination, write_result

#: Largest change of a mean NME, in percent of the box.
TOLERANCE = 0.02
FIGURES = ("nme68_mean_of_bins", "nme51_mean_of_bins")


def evaluate(folder: Path, network: Path, backend: str, limit: int | None) -> dict[str, Any]:
    """Figures of AFLW2000-3D with true boxes, and the name of what ran.

    Args:
        network: the file to run.
        backend: one of ``REPRODUCIBLE_BACKENDS``.
        limit: use the first labels only.
    """
    tracker = FaceTracker(network_path=network, backend=backend)
    try:
        wait_until_running(tracker.network)
        result = aflw2000.evaluate(tracker, folder, tracker.model, limit)
        return {**{name: result[name] for name in FIGURES}, "images": result["images"], "backend": tracker.network.name}
    finally:
        tracker.close()


def compare(full: dict[str, Any], half: dict[str, Any]) -> dict[str, Any]:
    """What half precision changed, and whether that is allowed (``equal``)."""
    rows = list(zip(full["images"], half["images"], strict=True))
    failed = [one["name"] for one, other in rows if one["failed"] != other["failed"]]
    changes = {name: abs(half[name] - full[name]) for name in FIGURES}
    return {
        "n": len(rows),
        "backend": half["backend"],
        "full": {name: full[name] for name in FIGURES},
        "half": {name: half[name] for name in FIGURES},
        "largest_change_of_an_image": max(abs(other["nme68"] - one["nme68"]) for one, other in rows),
        "failed_otherwise": failed,
        "equal": not failed and all(change <= TOLERANCE for change in changes.values()),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.check_half_precision", description="Half against full.")
    parser.add_argument("folder", type=Path, help="folder of AFLW2000-3D")
    parser.add_argument("--network", type=Path, help="network file (.onnx); default: the one in the package")
    parser.add_argument("--backend", choices=REPRODUCIBLE_BACKENDS, default="onnxruntime-cpu", help="of the half")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--limit", type=int, help="use the first N images only")
    options = parser.parse_args(arguments)
    try:
        check_destination(options.json)
        full, half = network_path(options.network), gpu_network_path(options.network)
        if full == half:
            raise ValueError(f"'{full}' has no half-precision file beside it; write one with training.export --half")
        results = (evaluate(options.folder, full, "onnxruntime-cpu", options.limit),
                   evaluate(options.folder, half, options.backend, options.limit))  # fmt: skip
        result = compare(*results)
        write_result(options.json, {"half_precision": result}, options.network)
    except (OSError, ValueError, ImportError, NetworkUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{result['n']} images, half precision by {result['backend']}")
    for name in FIGURES:
        print(f"{name}: full {result['full'][name]:.4f}, half {result['half'][name]:.4f} %")
    print(f"largest change of an image: {result['largest_change_of_an_image']:.4f} %")
    if result["failed_otherwise"]:
        print(f"failed with one of them only: {', '.join(result['failed_otherwise'])}")
    if not result["equal"]:
        print(f"TOO DIFFERENT: at most {TOLERANCE} % is allowed")
    return 0 if result["equal"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
