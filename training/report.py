"""All results as one page: ``python -m training.report [docs/results] [--output docs/results.md]``.

Reads the JSON files of ``training.evaluate``, ``.evaluate_peers``, ``.benchmark``, ``.benchmark_node``,
``.benchmark_tensorrt``, ``.cold_start``, ``.check_precision``, ``.photographs.label_error``, ``.new_heads``,
``.validation``, ``.ablation``; of ``consistency``, ``steadiness``, ``light``, ``occlusion``, ``passing``, ``finding``
and ``blinks`` in ``training.benchmarks``; of ``demo.drive`` and of ``evaluate_bag`` (its ``summary.json``, under any
name). Writes Markdown tables beside the figures of the paper and of other systems. The same files give the same page.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.whole_files import whole_file
from training.reporting.aims import aims
from training.reporting.sections import SECTIONS
from training.result_files import Result, read_result

#: Kind of result -> a key that no other kind has.
_KEYS = {
    "times": "sizes", "node": "node", "recording": "times_real_time", "cold_start": "cold_start",
    "precision": "precision", "gpu": "network",
}  # fmt: skip


def kind_of(result: Result) -> str | None:
    """The benchmark's name, or the kind that a key of it tells; None for anything else."""
    if "benchmark" in result:
        return str(result["benchmark"]) if result["benchmark"] in SECTIONS else None
    for kind, key in _KEYS.items():
        if key in result:
            return kind
    return None


def read_results(folder: Path) -> dict[str, list[tuple[str, Result]]]:
    """Kind -> (file name, result), in the order of the names.

    Raises:
        FileNotFoundError: no folder, or no result in it.
        ValueError: naming a file that is no result.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise FileNotFoundError(f"'{folder}' holds no results (*.json); write some with training.evaluate --json")
    found: dict[str, list[tuple[str, Result]]] = {}
    for file in files:
        result = read_result(file)
        kind = kind_of(result)
        if kind is None:
            raise ValueError(f"'{file}' is no result of the commands that training/report.py names")
        found.setdefault(kind, []).append((file.name, result))
    return found


def markdown(found: dict[str, list[tuple[str, Result]]]) -> str:
    """The whole page."""
    head = ["# Results", "Written by `python -m training.report`; do not edit. NME is in % of the true points' box."]
    parts: list[str] = []
    for kind, section in SECTIONS.items():
        if kind in found:
            try:
                parts += section(found[kind])
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                names = ", ".join(name for name, _ in found[kind])
                raise ValueError(f"{names}: not as this version writes {kind} results ({error!r})") from error
    return "\n\n".join([*head, *aims(found), *parts]) + "\n"


@tells_bad_input()
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.report", description="Results as Markdown tables.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("docs/results"), help="folder of JSON results")
    parser.add_argument("--output", type=Path, default=Path("docs/results.md"))
    options = parser.parse_args(arguments)
    text = markdown(read_results(options.folder))
    with whole_file(options.output) as file:
        file.write(text.encode("utf-8"))
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
