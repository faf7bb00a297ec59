"""The JSON files that the commands of this folder write and read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.provenance import provenance
from dense_face_ros.whole_files import write_json
from training.face_model import own_model

Result = dict[str, Any]


def read_result(path: Path) -> Result:
    """A result.

    Raises:
        OSError: the file cannot be read.
        ValueError: naming the file, when it holds no JSON object.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"'{path}' is no JSON file: {error}") from error
    if not isinstance(result, dict):
        raise ValueError(f"'{path}' is no result: it holds no JSON object")
    return result


def told_file(path: Path | None) -> str:
    """A file by its name and what is in it, wherever it lies."""
    if path is None:
        return "nothing"
    if not path.is_file():
        return "no file"
    return f"{path.name} with sha256 {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def check_destination(path: Path | None, option: str = "--json") -> None:
    """OSError when the file of ``option`` is a folder or there is none for it: before hours of measuring, not after."""
    if path is not None and path.is_dir():
        raise IsADirectoryError(f"{option}: '{path}' is a folder; give a file")
    if path is not None and not path.parent.is_dir():
        raise FileNotFoundError(f"{option}: folder '{path.parent}' does not exist; make it first")


def make_destination(path: Path) -> None:
    """As :func:`check_destination` for ``--out``, but the folder of the file is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    check_destination(path, "--out")


def write_result(path: Path | None, result: Result, network: Path | None = None, model: Path | None = None) -> None:
    """Write a result with its provenance; nothing without a path.

    Args:
        network: what was used instead of the shipped network, as :func:`provenance` takes it.
        model: one's own face model where it was used instead of the shipped one: :func:`own_model`.

    Raises:
        OSError: the file cannot be written.
        ValueError: a figure is not finite.
    """
    if path is not None:
        write_json(path, {**result, "provenance": provenance(network, model=model)})


@tells_bad_input(ImportError)
def answer(measure: Callable[[], Result], destination: Path | None, network: Path | None, file_only: str = "") -> int:
    """The rest of a command line that measures something: the result into its file, and printed.

    All such commands work with one's own face model where there is one, so its hash goes into the file.

    Args:
        measure: what it does; its errors about input are told in one line.
        destination: of the file; nothing is written without one.
        network: as :func:`write_result` takes it.
        file_only: key of what is too long to be printed.

    Returns:
        The exit code: 0, or 2 after one line about bad input.
    """
    check_destination(destination)
    model = own_model()
    result = measure()
    write_result(destination, result, network, model)
    print(json.dumps({name: value for name, value in result.items() if name != file_only}, indent=1))
    return 0
