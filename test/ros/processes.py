# ruff: noqa: E402
"""Nodes in processes of their own, over real DDS, and an observer in the test's process to talk to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
PROFILE = REPOSITORY / "config" / "fastdds.xml"

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

GREETINGS = {ChangeState: ChangeState.Request(transition=Transition(label="greet"))}  # where an empty request is none
TIMEOUT = 20.0  # seconds; generous, for busy machines: passing tests never wait this long


def isolate() -> None:
    """Keep this process and its children on this machine and in a domain of their own."""
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(PROFILE)


class NodeProcess:
    """A Python process that runs a node; its output is kept and shown when something does not happen in time."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]  # the latter is how ROS is found
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(paths)}
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [sys.executable, *arguments], stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=log.parent
            )

    @property
    def output(self) -> str:
        """All it has printed."""
        return self._log.read_text()

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Its exit code, when it ends by itself."""
        return self._process.wait(TIMEOUT)

    def interrupt(self) -> None:
        """Interrupt it as Ctrl-C does, and go on."""
        self._process.send_signal(signal.SIGINT)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Interrupt it as Ctrl-C does, or by another signal; its exit code."""
        if self.running:
            self._process.send_signal(number)
        try:
            return self._process.wait(TIMEOUT)
        finally:
            self._process.kill()


class Observer:
    """A node in the test's process. It is spun only while the test waits for something."""

    def __init__(self, name: str = "observer") -> None:
        self.node = Node(name)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._clients: dict[str, Any] = {}

    def close(self) -> None:
        """Destroy the node."""
        self._executor.shutdown()
        self.node.destroy_node()

    def wait_until(self, condition: Callable[[], Any], what: str, timeout: float = TIMEOUT) -> None:
        """Spin until ``condition`` holds; the test fails naming ``what`` when it does not in time."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                pytest.fail(f"not within {timeout} s: {what}")
            self._executor.spin_once(timeout_sec=0.05)

    def collect(self, kind: type, topic: str, qos: Any = 10) -> list[Any]:
        """A list that grows with the messages on a topic while the observer spins."""
        received: list[Any] = []
        self.node.create_subscription(kind, topic, received.append, qos)
        return received

    def call(self, kind: type, service: str, request: Any) -> Any:
        """The answer of a service.

        Fast DDS loses answers while a server has not discovered its client (rmw_fastrtps issue 842), and the client
        cannot see whether it has. So it is first asked what changes nothing, until an answer comes.
        """
        client = self._clients.get(service) or self._clients.setdefault(service, self.node.create_client(kind, service))
        self.wait_until(client.service_is_ready, f"service {service} is there")
        greetings: list[Any] = []
        due = time.monotonic()

        def greeted() -> bool:
            nonlocal due
            if time.monotonic() >= due:
                greetings.append(client.call_async(GREETINGS.get(kind, kind.Request())))
                due = time.monotonic() + 1.0
            return any(greeting.done() for greeting in greetings)

        self.wait_until(greeted, f"service {service} answers a greeting")
        future = client.call_async(request)
        self.wait_until(future.done, f"service {service} answers")
        return future.result()

    def change_state(self, transition: str, node: str = "/tracker") -> bool:
        """Ask a lifecycle node for a transition; whether it succeeded."""
        request = ChangeState.Request(transition=Transition(label=transition))
        return bool(self.call(ChangeState, f"{node}/change_state", request).success)

    def change_state_by_id(self, transition: int, node: str = "/tracker") -> bool:
        """As :meth:`change_state`, as launch asks."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, f"{node}/change_state", request).success)

    def state(self, node: str = "/tracker") -> str:
        """Label of a lifecycle node's state."""
        return str(self.call(GetState, f"{node}/get_state", GetState.Request()).current_state.label)

    def set_parameter(self, name: str, value: Any, node: str = "/tracker") -> tuple[bool, str]:
        """Set a parameter; whether it succeeded, and the reason if not."""
        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        result = self.call(SetParameters, f"{node}/set_parameters", request).results[0]
        return bool(result.successful), str(result.reason)


def start_ros() -> None:
    """Initialise rclpy in this process, isolated."""
    isolate()
    rclpy.init()
