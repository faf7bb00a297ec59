"""Every accuracy figure is one command: ``python -m training.evaluate <benchmark> <path> [--json FILE] [--pictures]``.

Benchmarks: ``aflw``, ``aflw_pifa``, ``aflw2000``, ``aflw2000_reannotated``, ``afw``, ``biwi``, ``ibug300w``,
``pointing04``, ``synthesis_ai`` (folders) and ``video`` (a file). Each module of ``training.benchmarks`` states its
protocol. The JSON result carries the commit, the models' hashes and the hardware; accuracy figures of two runs are the
same to the last digit. ``--pictures`` leaves error curves, error against yaw and the worst and best fits beside it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dense_face_ros import FaceTracker
from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.backends.choose import REPRODUCIBLE_BACKENDS, wait_until_running
from dense_face_ros.bad_input import tells_bad_input
from training.benchmarks import (
    aflw,
    aflw2000,
    aflw2000_reannotated,
    aflw_pifa,
    afw,
    biwi,
    ibug300w,
    pointing04,
    synthesis_ai,
    video,
)
from training.benchmarks.plots import WorstAndBest, write_plots
from training.benchmarks.sheet import Sheet
from training.benchmarks.subject import HeadTracker
from training.face_model import face_model, own_model
from training.options import check_least
from training.result_files import check_destination, write_result

_HEADLINE = (
    "n", "failed", "nme68", "nme51", "nme68_mean_of_bins", "nme51_mean_of_bins", "pose_mae", "pose_geodesic",
    "position_error_mm", "interocular68", "interocular51", "failure_rate_percent", "auc_percent", "tilt_mae", "pan_mae",
)  # fmt: skip
#: Benchmarks of labelled photographs.
BENCHMARKS = {
    "aflw": aflw.evaluate,
    "aflw_pifa": aflw_pifa.evaluate,
    "aflw2000": aflw2000.evaluate,
    "aflw2000_reannotated": aflw2000_reannotated.evaluate,
    "afw": afw.evaluate,
    "biwi": biwi.evaluate,
    "ibug300w": ibug300w.evaluate,
    "pointing04": pointing04.evaluate,
    "synthesis_ai": synthesis_ai.evaluate,
}


def evaluate(
    tracker: HeadTracker,
    benchmark: str,
    path: Path,
    limit: int | None = None,
    sheet: Path | None = None,
    table: Path | None = None,
    pictures: Path | None = None,
) -> dict[str, Any]:
    """Run one benchmark and return its figures; see the benchmark's module for their names.

    Args:
        sheet: a PNG of overlays to write, worst fits first.
        table: video only: a CSV to write, a row per frame.
        pictures: not for video: the stem of the plots and sheets to write, see :mod:`training.benchmarks.plots`.
    """
    model = face_model()
    if benchmark == "video":
        return video.evaluate(tracker, path, model, limit, sheet, table)
    drawn = WorstAndBest(model) if pictures is not None else Sheet(model) if sheet is not None else None
    result = BENCHMARKS[benchmark](tracker, path, model, limit, drawn)
    if drawn is not None and sheet is not None:
        drawn.write(sheet)
    if isinstance(drawn, WorstAndBest) and pictures is not None:
        drawn.write_both(pictures)
        write_plots(result, pictures)
    return result


@tells_bad_input(ImportError, NetworkUnavailable)
def main(arguments: list[str] | None = None, tracker: HeadTracker | None = None) -> int:
    """Run the command line; ``tracker`` stands in for ``FaceTracker()``. Returns the exit code, 2 for bad input."""
    options = _parser().parse_args(arguments)
    check_least("--limit", options.limit)
    if options.csv is not None and options.benchmark != "video":
        raise ValueError(f"--csv is for the video benchmark; {options.benchmark} writes its rows into --json")
    if options.pictures and (options.json is None or options.benchmark == "video"):
        raise ValueError("--pictures draws the rows of a labelled benchmark beside its --json; give both")
    for option in ("json", "sheet", "csv"):
        check_destination(getattr(options, option), f"--{option}")
    if tracker is None:
        tracker = FaceTracker(model_path=own_model(), network_path=options.network, backend=options.backend)
        wait_until_running(tracker.network)
    stem = options.json.with_suffix("") if options.pictures else None
    result = evaluate(tracker, options.benchmark, options.path, options.limit, options.sheet, options.csv, stem)
    write_result(options.json, result, options.network, own_model())
    _print(result)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description="Run a benchmark.")
    parser.add_argument("benchmark", choices=[*BENCHMARKS, "video"])
    parser.add_argument("path", type=Path, help="the data set's folder, or the video file")
    parser.add_argument("--json", type=Path, help="write all figures, per image too, to this file")
    parser.add_argument("--pictures", action="store_true", help="draw plots and sheets beside the --json file")
    parser.add_argument("--sheet", type=Path, help="write a PNG of overlays to this file, worst fits first")
    parser.add_argument("--csv", type=Path, help="video: write one row per frame to this file")
    parser.add_argument("--network", type=Path, help="correspondence network (.onnx) instead of the shipped one")
    parser.add_argument("--backend", choices=REPRODUCIBLE_BACKENDS, default="onnxruntime-cpu", help="inference engine")
    parser.add_argument("--limit", type=int, help="use the first N labels or frames only")
    return parser


def _print(figures: dict[str, Any], indent: str = "") -> None:
    """Print the figures, the headline of each variant on a line; rows per image are for the JSON file."""
    for name, value in figures.items():
        if isinstance(value, dict) and name in ("protocols", "subsets"):
            for variant, row in value.items():
                headline = ", ".join(f"{key} {_text(row[key])}" for key in _HEADLINE if key in row)
                print(f"{indent}{name}.{variant}: {headline}")
        elif isinstance(value, dict):
            print(f"{indent}{name}:")
            _print(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            print(f"{indent}{name}: {len(value)} rows")
        else:
            print(f"{indent}{name}: {_text(value)}")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return "none" if value is None else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
