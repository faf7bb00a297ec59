"""What the package promises to those who install it: metadata that agrees, files that exist, no hidden dependencies."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dense_face_ros.ros.parameter_spec import markdown
from dense_face_ros.ros.parameters import TABLES

ROOT = Path(__file__).parents[1]
NOT_AT_RUN_TIME = {"demo", "lightning", "numba", "onnx", "torch", "training"}
PARAMETERS_HEAD = """# Parameters

Printed by `python3 -m dense_face_ros.ros.parameters`, from the tables the nodes declare them by. "at once": can be
changed while the node runs; "on configure": read when the node is configured; "at start": fixed while the node lives.

"""


def setup_arguments() -> dict[str, ast.expr]:
    """Keyword arguments of ``setup()``."""
    for node in ast.walk(ast.parse((ROOT / "setup.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setup":
            return {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    raise AssertionError("setup.py calls no setup()")


def imported(source: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_package_xml_and_setup_agree() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    arguments = setup_arguments()
    assert package.get("format") == "3"
    assert package.findtext("version") == ast.literal_eval(arguments["version"])
    assert package.findtext("license") == ast.literal_eval(arguments["license"])
    assert package.findtext("export/build_type") == "ament_python"
    assert (ROOT / "resource" / str(package.findtext("name"))).is_file()


def test_every_ros_package_that_is_imported_is_declared() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    declared = {element.text for element in package.iter("exec_depend")}
    sources = [*(ROOT / "dense_face_ros").rglob("*.py"), *(ROOT / "launch").glob("*.py")]
    used = set().union(*map(imported, sources))
    used -= {"dense_face_ros"}
    ros = {name for name in used if name.endswith(("_msgs", "_srvs", "_interfaces", "_ros", "_bridge", "rclpy"))}
    assert {"rclpy", "sensor_msgs", "launch_ros", "cv_bridge"} <= ros
    provider = {"tf2_ros": "tf2_ros_py"}  # the package of that name is for C++
    assert {provider.get(name, name) for name in ros} <= declared


def test_executables_have_their_modules() -> None:
    source = (ROOT / "setup.py").read_text()
    scripts = re.findall(r"(\w+) = \{NAME\}\.([\w.]+):(\w+)", source)
    names = [name for name, _, _ in scripts]
    assert {"tracker", "image_source"} <= set(names)
    assert len(set(names)) == len(names) == len(re.findall(r"\w = \{NAME\}", source))
    for _, module, function in scripts:
        tree = ast.parse((ROOT / "dense_face_ros" / (module.replace(".", "/") + ".py")).read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    "name",
    [
        "face_model.npz",
        *(f"{kind}{of}.onnx" for kind in ("correspondence", "face_finder", "eyelids") for of in ("", "_free")),
    ],
)
def test_models_are_in_the_package(name: str) -> None:
    assert (resources.files("dense_face_ros") / "models" / name).is_file()


def test_every_file_of_the_package_is_installed() -> None:
    package = ROOT / "dense_face_ros"
    patterns = ast.literal_eval(setup_arguments()["package_data"].values[0])  # type: ignore[attr-defined]
    files = {file for file in package.rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")}
    assert files == {file for pattern in patterns for file in package.glob(pattern)}


def test_the_runtime_needs_no_training_tools() -> None:
    for source in (ROOT / "dense_face_ros").rglob("*.py"):
        assert not imported(source) & NOT_AT_RUN_TIME, source


def modules() -> dict[str, Path]:
    """Name and file of all our modules."""
    files = [file for folder in ("dense_face_ros", "training", "demo") for file in (ROOT / folder).rglob("*.py")]
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imported_modules(source: Path, known: dict[str, Path]) -> set[str]:
    """Those of ``known`` that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inside & known.keys() or {node.module}  # modules of a package, or what it holds itself
    return names & known.keys()


def test_no_two_files_import_each_other() -> None:
    known = modules()
    needs = {name: imported_modules(source, known) - {name} for name, source in known.items()}
    assert len(list(TopologicalSorter(needs).static_order())) == len(known)  # a CycleError names those in a cycle


def test_imports_lead_one_way() -> None:
    known = modules()
    above = {"attention", "ros", "evaluation"}  # in this order

    def room(name: str) -> str:
        folder = name.split(".")[1:2]
        return folder[0] if folder and folder[0] in {*above, "backends"} else "tracker"

    allowed = {
        "backends": {"tracker"},
        "tracker": {"backends"},
        "attention": {"tracker"},
        "ros": {"tracker", "backends", "attention"},
        "evaluation": {"tracker", "backends", "attention", "ros"},
    }
    for name, source in known.items():
        if name.startswith("dense_face_ros"):
            used = {room(other) for other in imported_modules(source, known)} - {room(name)}
            assert used <= allowed[room(name)], f"{name} imports from {used - allowed[room(name)]}"
            if room(name) == "backends":
                outside = {other for other in imported_modules(source, known) if room(other) == "tracker"}
                assert outside <= {"dense_face_ros.error_text"}, f"{name} imports {outside}"


def test_the_map_of_the_code_names_files_that_are_there() -> None:
    named = set(re.findall(r"`((?:[a-z0-9_]+/)*[a-z0-9_]+(?:/|\.py))`", (ROOT / "docs" / "code.md").read_text()))
    assert len(named) > 40
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "dense_face_ros" / name).exists(), f"docs/code.md names {name}"


def test_requirements_are_pinned() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        for line in file.read_text().splitlines():
            assert re.match(r"#|-r \w[\w.-]*$|[\w.-]+(\[\w+\])?==[\w.]+(; .*)?$", line), f"{file.name}: {line}"


def test_parameter_documentation_is_up_to_date() -> None:
    tables = "\n".join(f"### `{name}`\n\n{markdown(specs)}\n" for name, specs in TABLES.items())
    cure = "put what python3 -m dense_face_ros.ros.parameters prints under the head of docs/parameters.md"
    assert (ROOT / "docs" / "parameters.md").read_text() == PARAMETERS_HEAD + tables, cure


@pytest.mark.parametrize("page", sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/*.md")) + ["README.md"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text()):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"
