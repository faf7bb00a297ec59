"""The executables of the nodes. On a machine without ROS 2 they say so in a line."""

from __future__ import annotations

import importlib
import re
import sys


def tracker() -> int:
    """``tracker``: see :mod:`dense_face_ros.ros.tracker_node`."""
    return _run("tracker")


def attention() -> int:
    """``attention``: see :mod:`dense_face_ros.ros.attention_node`."""
    return _run("attention")


def image_source() -> int:
    """``image_source``: see :mod:`dense_face_ros.ros.image_source_node`."""
    return _run("image_source")


def _run(name: str) -> int:
    """The node's own exit code; 2 where a package of ROS is missing, which is named."""
    try:
        node = importlib.import_module(f"dense_face_ros.ros.{name}_node")
    except ModuleNotFoundError as missing:
        package = missing.name or ""
        # A missing part of a package that is there is another fault, as of ROS for another Python.
        if package != "rclpy" and not re.fullmatch(r"\w+_(msgs|srvs|interfaces)", package):
            raise
        print(
            f"error: {name} is a ROS 2 node, and '{package}' is not installed; source the setup.bash of ROS 2 in this "
            "shell, or see the README for running without ROS",
            file=sys.stderr,
        )
        return 2
    return int(node.main())
