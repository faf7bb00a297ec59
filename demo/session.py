"""One showing: start the tracker, play a source to it, listen until the end, and leave no process behind."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from demo.processes import IMAGE_SOURCE, TRACKER, DemoError, NodeProcess, listen, ros_arguments
from demo.report import VIDEO
from demo.watcher import Watcher
from dense_face_ros.ros.bag_source import holds_compressed
from training.ros_isolation import keep_to_this_machine

_START_PATIENCE = 120.0  # seconds for the tracker to load
_LAST_REPORTS = 2.5  # seconds after the last frame: the tracker reports once a second
_CONNECT = 2.0  # seconds before the first frame, for everybody to find everybody


def play(
    source: str, field_of_view: float, output: Path, tracker: tuple[str, ...] = TRACKER, topic: str = ""
) -> Watcher:
    """Play a source to its end, or until Ctrl-C after the first overlay.

    Args:
        source: video, webcam, folder of images or rosbag2.
        field_of_view: degrees across the longer image side; 0 when unknown.
        output: folder for ``overlay.mp4`` and the nodes' logs.
        tracker: the program that runs the tracker node.
        topic: of the images inside a bag; empty: its only one.

    Returns:
        What was seen.

    Raises:
        DemoError: when a process fails.
        SourceError: when a bag cannot be read.
    """
    is_webcam = re.fullmatch(r"(/dev/video)?\d+", source) is not None
    if not is_webcam and not Path(source).exists():
        raise DemoError(f"source '{source}' does not exist")
    keep_to_this_machine(first_domain=1)
    path = source if is_webcam else str(Path(source).absolute())
    settings = {
        "source": _quoted(path),
        "topic": _quoted(topic),
        "field_of_view": f"{field_of_view:.6f}",
        "start_delay": f"{_CONNECT:.1f}",
    }
    compressed = holds_compressed(source, topic, "with --topic")
    tracker_settings = {"autostart": "true", "compressed": "true" if compressed else "false"}
    # Signals stay Python's: what ends this process must first end the others.
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    watcher = Watcher(output / VIDEO)
    executor = SingleThreadedExecutor()
    executor.add_node(watcher)
    try:
        print("starting the tracker process", flush=True)
        with NodeProcess("tracker", [*tracker, *ros_arguments(tracker_settings)], output / "tracker.log") as node:
            _wait_until_active(node, watcher, executor)
            print(f"starting the image_source process on {source}", flush=True)
            program = [*IMAGE_SOURCE, *ros_arguments(settings)]
            with NodeProcess("image_source", program, output / "image_source.log") as camera:
                _watch(node, camera, watcher, executor)
    finally:
        executor.shutdown()
        watcher.close()
        rclpy.try_shutdown()
    return watcher


def _quoted(text: str) -> str:
    """As YAML quotes: a source such as 0 is a number to ROS unless it is."""
    return "'{}'".format(text.replace("'", "''"))


def _wait_until_active(tracker: NodeProcess, watcher: Watcher, executor: SingleThreadedExecutor) -> None:
    end = time.monotonic() + _START_PATIENCE
    while watcher.tracker_state != "active":
        tracker.check()
        if time.monotonic() > end:
            raise DemoError(f"the tracker is not active after {_START_PATIENCE:.0f} s:\n{tracker.last_lines()}")
        listen(executor)


def _watch(tracker: NodeProcess, camera: NodeProcess, watcher: Watcher, executor: SingleThreadedExecutor) -> None:
    """Listen until the source has ended and the tracker has reported on it, or until Ctrl-C."""
    end, next_line = float("inf"), time.monotonic()
    try:
        while time.monotonic() < end:
            tracker.check()
            if camera.exit_code is not None and end == float("inf"):
                if camera.exit_code != 0:
                    camera.check()
                end = time.monotonic() + _LAST_REPORTS
            listen(executor)
            if time.monotonic() >= next_line and watcher.frames_played:
                _show(watcher.status_line())
                next_line = time.monotonic() + 1.0
    except KeyboardInterrupt:
        if not watcher.selection.pictures:
            raise
        print("\nstopping", end="", flush=True)
    if sys.stdout.isatty():
        print()


def _show(line: str) -> None:
    """A line that changes on a terminal, a line each time elsewhere."""
    if sys.stdout.isatty():
        print(f"\r\033[K{line}", end="", flush=True)
    else:
        print(line, flush=True)
