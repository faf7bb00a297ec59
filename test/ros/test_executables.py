"""The nodes' executables, on a machine without ROS 2 and with it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.util import find_spec

import pytest

from dense_face_ros.ros import executables

NODES = ("tracker", "attention", "image_source")
HIDING = """
import sys
from dense_face_ros.ros import executables

class Hiding:
    def find_spec(self, name, path=None, target=None):
        if name == "{package}":
            raise ModuleNotFoundError(f"No module named '{{name}}'", name=name)

sys.meta_path.insert(0, Hiding())
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("name", "package"),
    [(name, package) for name in NODES for package in ("rclpy", "sensor_msgs", "rcl_interfaces")]
    + [("attention", "std_srvs")],
)
def test_a_missing_package_of_ros_is_told_in_a_line(name: str, package: str) -> None:
    """Those that are there come with ROS, so that here all are missing or one is."""
    done = run(HIDING.format(package=package) + f"sys.exit(executables.{name}())")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {name} is a ROS 2 node, and '") and "' is not installed; source" in line
    if find_spec("rclpy") is not None:
        assert f"'{package}'" in line


@pytest.mark.parametrize("missing", ["cv2", "rclpy._rclpy_pybind11", "msgs"])
def test_what_else_is_missing_is_told_in_full(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a ROS of another Python, which is installed but for what was compiled."""

    def fail(name: str) -> None:
        raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ModuleNotFoundError, match=missing):
        executables.tracker()


@pytest.mark.skipif(find_spec("rclpy") is None, reason="needs rclpy: source ROS 2")
@pytest.mark.parametrize("name", NODES)
def test_the_exit_code_is_the_nodes_own(name: str) -> None:
    node = f"dense_face_ros.ros.{name}_node"
    assert run(
        f"import sys, {node}; {node}.main = lambda: 7; from dense_face_ros.ros import executables; "
        f"sys.exit(executables.{name}())"
    ).returncode == 7  # fmt: skip
