"""One showing: start the tracker and the attention node, play a source to them, listen until the end, and leave no
process behind."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from rclpy.executors import SingleThreadedExecutor

from demo.listening import listen, listening, wait_until_active
from demo.live_view import LiveView
from demo.processes import ATTENTION, TRACKER, DemoError, NodeProcess, image_source, quoted, ros_arguments
from demo.report import VIDEO
from demo.watcher import Watcher
from dense_face_ros.ros.bag_source import holds_compressed

_LAST_REPORTS = 2.5  # seconds after the last frame: the tracker reports once a second
#: Of the camera nothing is known: it is taken to look at the driver from straight ahead.
_ATTENTION_SETTINGS = {"autostart": "true", "mounting": "parameters"}


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
    path = source if is_webcam else str(Path(source).absolute())
    settings = {"topic": quoted(topic), "field_of_view": f"{field_of_view:.6f}"}
    compressed = holds_compressed(source, topic, "with --topic")
    tracker_settings = {
        "autostart": "true",
        "compressed": "true" if compressed else "false",
        "overlay_rate": "240.0",  # of every frame, for the video
    }
    print("starting the tracker process and the attention process", flush=True)
    with (
        LiveView() as live,
        listening(partial(Watcher, output / VIDEO, live), first_domain=1) as (watcher, executor),
        closing(watcher.video),
        NodeProcess("tracker", [*tracker, *ros_arguments(tracker_settings)], output) as node,
        NodeProcess("attention", [*ATTENTION, *ros_arguments(_ATTENTION_SETTINGS)], output) as judge,
    ):
        wait_until_active(node, lambda: watcher.tracker_state == "active", executor, [node, judge])
        wait_until_active(judge, lambda: bool(watcher.attention), executor, [node, judge])
        print(f"starting the image_source process on {source}", flush=True)
        print(f"live picture, in a browser on this machine: {live.url}", flush=True)
        with NodeProcess("image_source", image_source(path, settings), output) as camera:
            _watch([node, judge], camera, watcher, executor)
    return watcher


def _watch(
    nodes: Sequence[NodeProcess], camera: NodeProcess, watcher: Watcher, executor: SingleThreadedExecutor
) -> None:
    """Listen until the source has ended and the nodes have reported on it, or until Ctrl-C."""
    end, next_line = float("inf"), time.monotonic()
    try:
        while time.monotonic() < end:
            for node in nodes:
                node.check()
            if camera.exit_code is not None and end == float("inf"):
                if camera.exit_code != 0:
                    camera.check()
                end = time.monotonic() + _LAST_REPORTS
            listen(executor)
            if time.monotonic() >= next_line and watcher.frames_played:
                _show(watcher.status_line())
                next_line = time.monotonic() + 1.0
    except KeyboardInterrupt:
        if not watcher.selection.kept:
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
