"""The JSON files that the commands of this folder write and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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
