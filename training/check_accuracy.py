"""Whether a benchmark's result is as good as the recorded one.

python -m training.evaluate aflw2000 FOLDER --json result.json
python -m training.check_accuracy result.json docs/accuracy.json            # exit code 1 when it has become worse
python -m training.check_accuracy result.json docs/accuracy.json --record   # from now on, this is the mark
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.whole_files import write_json
from training.result_files import Result, read_result

#: Figures that are kept, and by how much each may rise. NME in % of the box, angles in degrees, failed in images.
TOLERANCES = {
    "failed": 0.0,
    "nme68_mean_of_bins": 0.15,
    "nme51_mean_of_bins": 0.15,
    "pose_mae": 0.3,
    "pose_geodesic": 0.5,
}


def worsened(result: Result, recorded: Result) -> list[str]:
    """What has become worse than recorded by more than its tolerance, one line each.

    Raises:
        ValueError: when the two cannot be compared.
    """
    for name in ("benchmark", "n"):
        if result.get(name) != recorded.get(name):
            raise ValueError(f"{name} is {result.get(name)} now and {recorded.get(name)} in the record; record it anew")
    lines = []
    for name, tolerance in TOLERANCES.items():
        now, then = _figure(result, name), _figure(recorded, name)
        if not now <= then + tolerance:  # NaN is worse than anything
            lines.append(f"{name} is {now:.3f}, recorded is {then:.3f}, tolerance {tolerance}")
    return lines


def record(result: Result) -> Result:
    """The part of a result that is kept; ValueError when it lacks a part."""
    kept = {"benchmark": result.get("benchmark"), "n": int(_figure(result, "n"))}
    return kept | {name: _figure(result, name) for name in TOLERANCES}


def _figure(figures: Result, name: str) -> float:
    value = figures.get(name)
    if not isinstance(value, (int, float)):
        raise ValueError(f"{name} is {value}; it must be a number")
    return float(value)


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """0 when nothing has become worse, 1 when something has, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.check_accuracy", description=__doc__.splitlines()[0])
    parser.add_argument("result", type=Path, help="what training.evaluate --json wrote")
    parser.add_argument("recorded", type=Path, help="the record")
    parser.add_argument("--record", action="store_true", help="write the record instead of checking against it")
    options = parser.parse_args(arguments)
    result = read_result(options.result)
    if options.record:
        write_json(options.recorded, record(result))
        return 0
    lines = worsened(result, read_result(options.recorded))
    print("\n".join(lines) or f"{result['benchmark']}: as accurate as recorded")
    return 1 if lines else 0


if __name__ == "__main__":
    raise SystemExit(main())
