"""Two results of the same benchmark, and which differences are noise: ``python -m training.compare A.json B.json``.

Accuracy (``training.evaluate``) is compared image by image: a mean difference within the 95 % interval of the paired
differences is noise, as other images of the same kind might turn it round. Times (``training.benchmark``,
``training.benchmark_node``) have no pairs: a difference within the sum of the spreads of both's repeats is noise.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.paired import paired_difference
from training.benchmarks.plots import column, rows_of
from training.result_files import Result, read_result

#: What, in A, in B, difference, margin, verdict on B.
Row = tuple[str, float, float, float, float | None, str]

_FIGURES = (
    "nme68", "nme51", "nme_visible_inner", "geodesic", "yaw_error", "orientation_error", "position_error_mm",
    "interocular68", "interocular51", "nme21", "tilt_error", "pan_error",
)  # fmt: skip


def compare(a: Result, b: Result) -> list[Row]:
    """Compare two results of one kind.

    Raises:
        ValueError: they are of different kinds, images or sizes, or of a kind without rows.
    """
    names = [_kind(result) for result in (a, b)]
    if names[0] != names[1]:
        raise ValueError(f"the files are of different benchmarks: {names[0]} and {names[1]}")
    if names[0] in _TIMED:
        return _TIMED[names[0]](a, b)
    rows_a, rows_b = rows_of(a), rows_of(b)
    if [_face(row) for row in rows_a] != [_face(row) for row in rows_b]:
        raise ValueError(f"the files are of different images ({len(rows_a)} and {len(rows_b)}); use the same data")
    out: list[Row] = []
    for name in _FIGURES:
        found = paired_difference(column(rows_a, name), column(rows_b, name))
        if found is not None:
            out.append((name, found.mean_a, found.mean_b, found.difference, found.margin, found.verdict))
    failed_a, failed_b = (float(sum(bool(row["failed"]) for row in rows)) for rows in (rows_a, rows_b))
    out.append(("failed", failed_a, failed_b, failed_b - failed_a, None, "a count"))
    return out


def _kind(result: Result) -> str:
    return str(result.get("benchmark", next((kind for kind, key in _KEYS.items() if key in result), "something else")))


def _face(row: Result) -> tuple[object, ...]:
    return (row["name"], row.get("subset"), *row.get("box", ()))


def _times(a: Result, b: Result) -> list[Row]:
    if a["threads"] != b["threads"]:
        raise ValueError(f"the files are of {a['threads']} and {b['threads']} threads; time both alike")
    common = [size for size in a["sizes"] if size in b["sizes"]]
    if not common:
        raise ValueError(f"the files have no image size in common: {', '.join(a['sizes'])}; {', '.join(b['sizes'])}")
    out: list[Row] = []
    for size in common:
        for stage, one in a["sizes"][size].items():
            two = b["sizes"][size].get(stage)
            if not (isinstance(one, dict) and isinstance(two, dict)):
                continue
            margin = one["median_spread"] + two["median_spread"]
            out.append(_row(f"{size} {stage}, ms", one["median"], two["median"], margin))
    return out


def _node(a: Result, b: Result) -> list[Row]:
    for setting in ("size", "rate", "threads"):
        if a[setting] != b[setting]:
            raise ValueError(f"the files are of {setting} {a[setting]} and {b[setting]}; measure both alike")
    flat = [{**r["node"], **(r["node"]["latency_ms"] or {})} for r in (a, b)]
    spread = [{**r["node"]["spread"], **(r["node"]["spread"]["latency_ms"] or {})} for r in (a, b)]
    titles = {"answered_hz": "answered, Hz", "p50": "stamp to head_pose p50, ms", "p99": "stamp to head_pose p99, ms",
              "processor_percent": "processor, %"}  # fmt: skip
    return [
        _row(title, flat[0][name], flat[1][name], spread[0][name] + spread[1][name])
        for name, title in titles.items()
        if name in flat[0] and name in flat[1]
    ]


def _row(title: str, one: float, two: float, margin: float) -> Row:
    verdict = "noise" if abs(two - one) <= margin else "lower" if two < one else "higher"
    return title, one, two, two - one, margin, verdict


#: Results of times: kind -> the key they are known by, and what compares them.
_KEYS = {"times": "sizes", "node": "node"}
_TIMED = {"times": _times, "node": _node}


def hardware_note(a: Result, b: Result) -> str:
    """A line about different machines, or empty."""
    one, two = (r["provenance"]["hardware"]["processor"] for r in (a, b))
    return "" if one == two else f"note: measured on different processors: {one}; {two}"


def read(path: Path) -> Result:
    """A result file with its provenance; ValueError naming it when it is none."""
    result = read_result(path)
    if "provenance" not in result:
        raise ValueError(f"'{path}' is no result of training.evaluate or training.benchmark")
    return result


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.compare", description="Compare two results.")
    parser.add_argument("a", type=Path, help="JSON file of the one")
    parser.add_argument("b", type=Path, help="JSON file of the other")
    options = parser.parse_args(arguments)
    try:
        a, b = read(options.a), read(options.b)
        rows, note = compare(a, b), hardware_note(a, b)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"'{options.a}' or '{options.b}' is not as this version writes it ({error!r})") from error
    print(f"{'':<34}{'A':>11}{'B':>11}{'B - A':>11}{'margin':>11}  B is")
    for name, one, two, difference, margin, verdict in rows:
        width = "" if margin is None else f"{margin:.3f}"
        print(f"{name:<34}{one:>11.3f}{two:>11.3f}{difference:>+11.3f}{width:>11}  {verdict}")
    if note:
        print(note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
