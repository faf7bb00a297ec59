"""Leaves out tests whose packages are not installed, and says so; and tells which tests may run beside each other.

A ROS installation runs the tests without torch, numba and onnx; ``make test`` installs all of them.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

OPTIONAL = {"torch", "lightning", "numba", "onnx", "h5py", "tqdm"}
_ROOT = Path(__file__).parent
#: Folders and files of tests that start nodes.
_WITH_NODES = {"ros", "demo", "test_benchmark_node.py", "test_cold_start.py"}

_left_out: dict[str, set[str]] = {}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out a test file, or a folder with its conftest.py, that cannot be imported."""
    is_test = collection_path.name.startswith("test_") and collection_path.suffix == ".py"
    source = collection_path if is_test else collection_path / "conftest.py"
    if source == Path(__file__) or not source.is_file():
        return None
    missing = {name for name in _needed(source) if find_spec(name) is None}
    if not missing:
        return None
    _left_out[collection_path.relative_to(_ROOT).as_posix()] = missing
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where pytest-xdist runs several at once, files stay whole, and nodes do not take each other's time and memory."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        file = item.path.relative_to(_ROOT)
        with_nodes = file.parts[1] in _WITH_NODES or file.name in _WITH_NODES
        item.add_marker(pytest.mark.xdist_group("nodes" if with_nodes else file.as_posix()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was left out."""
    for path, missing in sorted(_left_out.items()):
        terminalreporter.write_line(f"left out: {path} ({', '.join(sorted(missing))} not installed)")


def _needed(source: Path) -> set[str]:
    """The optional packages that a file imports, itself or through other files of this repository."""
    needed: set[str] = set()
    seen, todo = {source}, [source]
    while todo:
        for module in _imported(todo.pop()):
            needed |= {module.split(".")[0]} & OPTIONAL
            files = {folder / (module.replace(".", "/") + ".py") for folder in (_ROOT, _ROOT / "test")}
            new = {file for file in files - seen if file.is_file()}
            seen |= new
            todo += new
    return needed


@cache
def _imported(source: Path) -> set[str]:
    """Dotted names that may be modules a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names
