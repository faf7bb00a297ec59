"""Processes of lifecycle nodes, which may configure and activate themselves (parameter ``autostart``)."""

from __future__ import annotations

from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode


class AutostartFailed(RuntimeError):
    """The node was to start by itself and could not; it has logged why."""


def run(make_node: Callable[[], LifecycleNode], args: list[str] | None = None) -> int:
    """Spin a node until it is interrupted; 1 when it was to start by itself and could not."""
    rclpy.init(args=args)
    node = make_node()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        executor.spin()
    except AutostartFailed:
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()
    return 0
