"""What a parameter of a node is: its type, bounds and description, and what follows from a table of them.

Needs no ROS installation.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Value = bool | int | float | str

#: When a new value takes effect. Those read at the start cannot be changed while the node lives.
Applied = Literal["at once", "on configure", "at start"]


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter. Its type is that of ``default``; numbers always have both bounds, in ``unit``, and whole ones are
    ``minimum`` and so many times ``step``."""

    name: str
    default: Value
    description: str
    applied: Applied
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: int = 1
    choices: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """Whether ROS must refuse to change it after the start."""
        return self.applied == "at start"

    @property
    def constraint(self) -> str:
        """The permitted values in words, or empty."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.minimum is not None:
            steps = f" in steps of {self.step}" if self.step != 1 else ""
            return f"{self.minimum:g} to {self.maximum:g}{' ' + self.unit if self.unit else ''}{steps}"
        return ""

    def checked(self, value: object) -> Value:
        """``value`` as this parameter's type; whole numbers may stand for decimals and for strings.

        Raises:
            ValueError: naming the parameter, what was given and what is permitted.
        """
        kind = type(self.default)
        if isinstance(value, int) and not isinstance(value, bool) and kind in (float, str):
            value = kind(value)
        if type(value) is not kind:
            raise ValueError(f"parameter '{self.name}' is {value!r}; it must be a {_KIND_NAMES[kind]}")
        if isinstance(value, str) and self.choices and value not in self.choices:
            raise ValueError(f"parameter '{self.name}' is '{value}'; it must be {self.constraint}")
        if isinstance(value, (int, float)) and not self._within(value):
            raise ValueError(f"parameter '{self.name}' is {value}; it must be {self.constraint}")
        return value

    def _within(self, value: float) -> bool:
        """Whether a number respects the bounds and, a whole one, the steps; not a number does not."""
        if self.minimum is None or self.maximum is None:
            return True
        in_step = not isinstance(value, int) or (value - self.minimum) % self.step == 0
        return self.minimum <= value <= self.maximum and in_step


#: Parameters that every ROS node may be given.
COMMON = ("use_sim_time", "start_type_description_service", "qos_overrides")

_KIND_NAMES = {bool: "boolean", int: "whole number", float: "decimal number", str: "string"}


def defaults(table: tuple[ParameterSpec, ...]) -> dict[str, Value]:
    """Name -> default value."""
    return {spec.name: spec.default for spec in table}


def checked(values: dict[str, Value], table: tuple[ParameterSpec, ...]) -> dict[str, Value]:
    """Values of parameters of the table by their names, as :meth:`ParameterSpec.checked` gives and refuses them."""
    specs = {spec.name: spec for spec in table}
    return {name: specs[name].checked(value) for name, value in values.items()}


def unknown(names: Iterable[str], table: tuple[ParameterSpec, ...]) -> tuple[dict[str, str], str]:
    """Of names that were given those that are not in the table.

    Files that tell all nodes of a vehicle something ("/**:") hold names that are meant for others, and where a name
    comes from nobody can tell a node.

    Returns:
        Mistyped name -> what is wrong with it; a warning about all others, or empty.
    """
    known = [spec.name for spec in table]
    problems, others = {}, []
    for name in sorted(set(names) - set(known)):
        if name.split(".")[0] in COMMON:
            continue
        if meant := next((right for right in known if _slip(name, right)), None):
            problems[name] = f"parameter '{name}' is unknown; did you mean '{meant}'?"
        else:
            near = difflib.get_close_matches(name, known, n=1)
            others.append(f"'{name}' (did you mean '{near[0]}'?)" if near else f"'{name}'")
    return problems, f"parameters that are unknown here change nothing: {', '.join(others)}" if others else ""


def _slip(typed: str, right: str) -> bool:
    """Whether a letter is wrong, missing or too many, or two have changed places: other nodes' names differ by more."""
    while typed and right and typed[0] == right[0]:
        typed, right = typed[1:], right[1:]
    while typed and right and typed[-1] == right[-1]:
        typed, right = typed[:-1], right[:-1]
    return max(len(typed), len(right)) <= 1 or (len(typed) == 2 and typed == right[::-1])


def markdown(table: tuple[ParameterSpec, ...]) -> str:
    """The table as Markdown, one line per parameter."""
    lines = ["| parameter | type | default | permitted | takes effect | meaning |", "|---|---|---|---|---|---|"]
    for spec in table:
        default = f'"{spec.default}"' if isinstance(spec.default, str) else str(spec.default).lower()
        kind = _KIND_NAMES[type(spec.default)]
        lines.append(
            f"| `{spec.name}` | {kind} | {default} | {spec.constraint} | {spec.applied} | {spec.description} |"
        )
    return "\n".join(lines)
