"""How results become Markdown: tables, decimals, and the line that says how a file came to be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from dense_face_ros.evaluation.provenance import commit_of, model_hashes
from training.result_files import Result

Named = list[tuple[str, Result]]
"""File names and the results they hold."""


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(shown, row)) + " |" for row in rows]
    return "\n".join(lines)


def shown(value: object) -> str:
    """Decimals to two digits, unknown empty."""
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


#: Where a result names the network that was used; earlier results name it twice where none in bytes lay beside it.
_DEFAULT_NETWORK = ("correspondence.onnx", "correspondence_int8.onnx")


def made_by(name: str, result: Result, command: str) -> str:
    """The line that says how a file came to be, with which network where it was not the default one, and whether that
    network is shipped no more.

    ``command`` ends with the option that takes the file.
    """
    source, models = result["provenance"], result["provenance"]["models"]
    used = models.get("correspondence.onnx", "none")
    named = [file for file, digest in models.items() if digest == used and file not in _DEFAULT_NETWORK]
    if named:
        command = command.replace(" --json", f" --network {named[0]} --json")
    earlier = "" if used == "none" or used in _shipped() else " (an earlier one)"
    return f"`{command} docs/results/{name}` — commit `{commit_of(source)}`, " + (
        f"network `{used[:12]}`{earlier}, {source['hardware']['processor']}."
    )


@cache
def _shipped() -> frozenset[str]:
    """Hashes of the networks of this checkout."""
    return frozenset(model_hashes().values())
