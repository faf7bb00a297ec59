"""Processes of lifecycle nodes, which may configure and activate themselves (parameter ``autostart``)."""

from __future__ import annotations

from collections.abc import Callable

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode

from dense_face_ros.ros.ending import asked_to_end, hear_no_more, one_interrupt


class AutostartFailed(RuntimeError):
    """The node was to start by itself and could not; it has logged why."""


def run(make_node: Callable[[], LifecycleNode], args: list[str] | None = None) -> int:
    """Spin a node until it is interrupted: 0, or 1 when it was to start by itself and could not."""
    with one_interrupt() as end:
        rclpy.init(args=args)
        executor = SingleThreadedExecutor()
        node: LifecycleNode | None = None
        try:
            node = make_node()
            executor.add_node(node)
            executor.spin()
        except BaseException as error:
            if not asked_to_end(error):
                if isinstance(error, AutostartFailed):
                    return 1
                raise
        finally:
            end()
            hear_no_more()
            executor.shutdown()
            if node is not None:
                node.destroy_node()
            rclpy.try_shutdown()
    return 0
