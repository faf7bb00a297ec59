"""The nodes' executables, on a machine without ROS 2 and with it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

NODES = ("tracker", "attention", "image_source")


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", NODES)
@pytest.mark.parametrize("package", ["rclpy", "sensor_msgs", "rcl_interfaces"])
def test_a_missing_package_of_ros_is_told_in_a_line(name: str, package: str) -> None:
    """Those that are there come with ROS, so that here all are missing or one is."""
    hidden = f"import sys; sys.modules['{package}'] = None; from dense_face_ros.ros import executables"
    done = run(f"{hidden}; sys.exit(executables.{name}())")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {name} is a ROS 2 node, and '") and "' is not installed; source" in line
    if find_spec("rclpy") is not None:
        assert f"'{package}'" in line


def test_another_missing_package_is_told_in_full() -> None:
    done = run(
        "import sys; sys.modules['cv2'] = None; from dense_face_ros.ros import executables; executables.tracker()"
    )
    assert done.returncode == 1 and "ModuleNotFoundError: import of cv2 halted" in done.stderr


@pytest.mark.skipif(find_spec("rclpy") is None, reason="needs rclpy: source ROS 2")
@pytest.mark.parametrize("name", NODES)
def test_the_exit_code_is_the_nodes_own(name: str) -> None:
    node = f"dense_face_ros.ros.{name}_node"
    assert run(
        f"import sys, {node}; {node}.main = lambda: 7; from dense_face_ros.ros import executables; "
        f"sys.exit(executables.{name}())"
    ).returncode == 7  # fmt: skip
