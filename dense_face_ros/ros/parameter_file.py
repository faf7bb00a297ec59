"""A ROS parameter file read as a node would be given it. Needs no ROS installation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dense_face_ros.error_text import first_line
from dense_face_ros.ros.parameter_spec import Value, defaults, unknown
from dense_face_ros.ros.parameters import TABLES

_LOG = logging.getLogger(__name__)
_PARAMETERS = "ros__parameters"


def read_parameters(path: Path | None, node: str) -> dict[str, Value]:
    """Name -> value of every parameter of a node of ``TABLES``: the file's, and the defaults where it says nothing.

    Names that are not the node's, nor nearly, are logged, as the node does.

    Args:
        path: the file; without one all are the defaults.
        node: its name; what the file says of it in any namespace, or of all nodes, is taken.

    Raises:
        OSError: the file cannot be read.
        ValueError: naming the file, and the parameter that is mistyped or not permitted, or that it says nothing of the
            node.
    """
    table = TABLES[node]
    values = defaults(table)
    if path is None:
        return values
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise type(error)(f"parameter file '{path}' cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f" in line {mark.line + 1}"
        raise ValueError(f"parameter file '{path}' is no YAML{line}: {first_line(error)}") from error
    said = list(_of_node(content, node, ""))
    if not said:
        raise ValueError(f"parameter file '{path}' says nothing of '{node}'; it needs '{node}:' with '{_PARAMETERS}:'")
    specs = {spec.name: spec for spec in table}
    given = [entry for parameters in said for entry in _flat(parameters, "")]
    mistyped, warning = unknown((name for name, _ in given), table)
    try:
        values |= {name: specs[name].checked(value) for name, value in given if name in specs}
        if mistyped:
            raise ValueError("; ".join(mistyped.values()))
    except ValueError as error:
        raise ValueError(f"parameter file '{path}': {error}") from error
    if warning:
        _LOG.warning("parameter file '%s': %s", path, warning)
    return values


def _of_node(content: Any, node: str, name: str) -> Iterator[dict[str, Any]]:
    """The parameters that a part of a file, reached by ``name``, holds for the node."""
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        if key != _PARAMETERS:
            yield from _of_node(value, node, f"{name}/{key}")
        elif name.rsplit("/", 1)[-1] in (node, "*", "**") and isinstance(value, dict):
            yield value


def _flat(parameters: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Parameters by the names that ROS gives nested ones."""
    for name, value in parameters.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
