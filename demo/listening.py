"""The demo's own node: it listens to the nodes that were started, on this machine only, as long as they live."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from demo.processes import DemoError, NodeProcess
from dense_face_ros.ros.ending import plain_interrupts
from training.ros_isolation import keep_to_this_machine

_START_PATIENCE = 120.0  # seconds for a node to load

Listener = TypeVar("Listener", bound=Node)


@contextmanager
def listening(make: Callable[[], Listener], first_domain: int) -> Iterator[tuple[Listener, SingleThreadedExecutor]]:
    """A node of this process and the executor that serves it; their ROS domain: see :func:`keep_to_this_machine`."""
    keep_to_this_machine(first_domain)
    with ExitStack() as ending:
        ending.callback(rclpy.try_shutdown)
        # Signals stay Python's: what ends this process must first end the others.
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        node = make()
        ending.callback(node.destroy_node)
        executor = SingleThreadedExecutor()
        ending.callback(executor.shutdown)
        executor.add_node(node)
        yield node, executor


def listen(executor: SingleThreadedExecutor) -> None:
    """Serve the demo's own node for a tenth of a second; Ctrl-C is a KeyboardInterrupt whatever it interrupts."""
    with plain_interrupts():
        executor.spin_once(timeout_sec=0.1)


def listen_until(
    done: Callable[[], bool],
    executor: SingleThreadedExecutor,
    nodes: Sequence[NodeProcess],
    seconds: float = math.inf,
) -> bool:
    """Listen until ``done``, while all nodes live; whether it was done in time.

    Raises:
        DemoError: a node ended.
    """
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        for node in nodes:
            node.check()
        listen(executor)
    return done()


def wait_until_active(
    process: NodeProcess, is_active: Callable[[], bool], executor: SingleThreadedExecutor, nodes: Sequence[NodeProcess]
) -> None:
    """Listen until ``process``, one of the nodes, is active.

    Raises:
        DemoError: a node ended, or this one takes too long.
    """
    if not listen_until(is_active, executor, nodes, _START_PATIENCE):
        late = f"{process.name} is not active after {_START_PATIENCE:.0f} s"
        raise DemoError(f"{late}; its last lines:\n{process.last_lines()}")
