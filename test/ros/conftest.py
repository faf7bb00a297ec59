"""Fixtures for tests with real nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def ros() -> Iterator[None]:
    """rclpy, initialised in this process and isolated from other machines and tests."""
    from ros.processes import rclpy, start_ros

    start_ros()
    yield
    rclpy.try_shutdown()


@pytest.fixture
def observer(ros: None) -> Iterator[Any]:
    """A node of the test's own."""
    from ros.processes import Observer

    observer = Observer()
    yield observer
    observer.close()


@pytest.fixture
def driver(observer: Any) -> Any:
    """Whom an attention node sees."""
    from ros.scripted_driver import Driver

    return Driver(observer)


@pytest.fixture
def start(ros: None, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts a node in a process of its own: ``start("-m", "some.module", "--ros-args", ...)``; ended with the test."""
    from ros.processes import NodeProcess

    started: list[NodeProcess] = []

    def start_one(*arguments: str) -> NodeProcess:
        started.append(NodeProcess(tmp_path / f"process{len(started)}.log", *arguments))
        return started[-1]

    yield start_one
    for process in started:
        process.stop()
        print(process.output)  # shown by pytest when the test fails
