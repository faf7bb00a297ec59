"""The tracker node end to end over DDS: ``python -m training.benchmark_node --source VIDEO_OR_IMAGE [--rate 60]``.

Starts the node as a process of its own and publishes the source's frames to it at a steady rate, stamped when they are
published. Measured after a warm-up, ``--repeats`` times: the time from stamp to the arrival of ``head_pose`` here, the
share of images that were answered, and the node's processor time and memory. Figures are the medians of the repeats,
their range is the ``spread``. Sending and receiving are part of the time, as they are for everybody; the sender takes
its share of the processor, too. Needs Linux (``/proc``) and rclpy.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.memory import peak_mb, resident_mb
from dense_face_ros.ros.images import fill_image
from training.result_files import check_destination, write_result
from training.ros_isolation import keep_to_this_machine
from training.source_frames import check_source, read_frames

TRACKER = ("-m", "dense_face_ros.ros.tracker_node")
_REPOSITORY = Path(__file__).parents[1]
_PATIENCE = 120.0  # seconds for the node to answer its first image
_WARM_UP = 2.0  # seconds that are not measured
_LAST_ANSWERS = 1.0  # seconds to wait for them


@dataclass
class Traffic:
    """Stamps (nanoseconds) of what was sent, and when the answers to them came; clocks of this machine."""

    sent: list[int] = field(default_factory=list)
    answered: dict[int, int] = field(default_factory=dict)
    posed: dict[int, int] = field(default_factory=dict)

    def figures(self, begin: int, end: int) -> dict[str, Any]:
        """Over the images stamped from ``begin`` on and before ``end``."""
        seconds, sent = 1e-9 * (end - begin), [stamp for stamp in self.sent if begin <= stamp < end]
        latency = np.array([1e-6 * (self.posed[stamp] - stamp) for stamp in sent if stamp in self.posed])
        answered = sum(stamp in self.answered for stamp in sent)
        return {
            "images": len(sent),
            "sent_hz": len(sent) / seconds,
            "answered_hz": answered / seconds,
            "share_answered": answered / len(sent) if sent else None,
            "poses": len(latency),
            "latency_ms": {f"p{q}": float(np.percentile(latency, q)) for q in (50, 90, 99)} if len(latency) else None,
        }


@dataclass(frozen=True)
class Repeat:
    """A stretch of time that is measured: from ``begin`` to ``end`` (nanoseconds), and the processor time it took."""

    begin: int
    end: int
    processor_seconds: float


def combined(traffic: Traffic, repeats: Sequence[Repeat]) -> dict[str, Any]:
    """The medians of the repeats' figures, their ranges as ``spread``, and how many images and poses there were."""
    runs = [
        {**traffic.figures(r.begin, r.end), "processor_percent": 1e11 * r.processor_seconds / (r.end - r.begin)}
        for r in repeats
    ]
    result: dict[str, Any] = {name: sum(run[name] for run in runs) for name in ("images", "poses")}
    spread: dict[str, Any] = {}
    for name in ("sent_hz", "answered_hz", "share_answered", "processor_percent"):
        values = [run[name] for run in runs if run[name] is not None]
        result[name] = float(np.median(values)) if values else None
        spread[name] = float(np.ptp(values)) if values else None
    latencies = [run["latency_ms"] for run in runs if run["latency_ms"] is not None]
    result["latency_ms"], spread["latency_ms"] = (
        {q: float(over([latency[q] for latency in latencies])) for q in latencies[0]} if latencies else None
        for over in (np.median, np.ptp)
    )
    return {**result, "repeats": len(runs), "spread": spread}


@contextmanager
def node_process(program: Sequence[str], threads: int) -> Iterator[subprocess.Popen[bytes]]:
    """The tracker node, ended when the block ends. Its last words are raised as RuntimeError if it ended before."""
    paths = os.pathsep.join(filter(None, (str(_REPOSITORY), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, *program, "--ros-args", "-p", "autostart:=true", "-p", f"threads:={threads}"]
    with tempfile.TemporaryFile() as log:
        environment = {**os.environ, "PYTHONPATH": paths}
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            yield process
        finally:
            ended = process.poll()
            if ended is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(10.0)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            elif not isinstance(sys.exc_info()[1], KeyboardInterrupt):  # whatever else that led to
                log.seek(0)
                last = (log.read().decode(errors="replace").strip().splitlines() or ["no message"])[-1]
                raise RuntimeError(f"the tracker node ended with exit code {ended}: {last}")


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    images: Sequence[npt.NDArray[np.uint8]],
    rate: float,
    seconds: float,
    repeats: int,
    threads: int,
    program: Sequence[str] = TRACKER,
) -> dict[str, Any]:
    """Send the images over and over, ``repeats`` times for ``seconds``; see the module for what is measured.

    Raises:
        RuntimeError: the node ended, or did not answer.
    """
    import rclpy
    from geometry_msgs.msg import PoseWithCovarianceStamped
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image, PointCloud2

    keep_to_this_machine(first_domain=101)
    rclpy.init()
    node = rclpy.create_node("benchmark")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    traffic = Traffic()
    node.create_subscription(PoseWithCovarianceStamped, "head_pose", lambda m: _note(m, traffic.posed), 100)
    node.create_subscription(PointCloud2, "landmarks", lambda m: _note(m, traffic.answered), 100)
    publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
    messages = [_message(Image(), image) for image in images]
    listener = threading.Thread(target=executor.spin, daemon=True)
    listener.start()
    try:
        with node_process(program, threads) as process:
            sender = _Sender(publisher, messages, traffic)
            sender.until_answered(process)
            sender.send(rate, _WARM_UP)
            measured = []
            for _ in range(repeats):
                begin, used = time.time_ns(), processor_seconds(process.pid)
                sender.send(rate, seconds)
                measured.append(Repeat(begin, time.time_ns(), processor_seconds(process.pid) - used))
            memory, peak = resident_mb(process.pid), peak_mb(process.pid)
            time.sleep(_LAST_ANSWERS)
    finally:
        executor.shutdown()
        listener.join(5.0)
        node.destroy_node()
        rclpy.try_shutdown()
    return {
        **combined(traffic, measured),
        "memory_mb": memory,
        "peak_memory_mb": peak,
    }


class _Sender:
    def __init__(self, publisher: Any, messages: list[Any], traffic: Traffic) -> None:
        self._publisher, self._messages, self._traffic = publisher, messages, traffic

    def until_answered(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + _PATIENCE
        while not self._traffic.answered:
            if process.poll() is not None:
                return  # node_process tells why
            if time.monotonic() > end:
                raise RuntimeError(f"the tracker node answered no image for {_PATIENCE:.0f} s")
            self._publish()
            time.sleep(0.2)

    def send(self, rate: float, seconds: float) -> None:
        start, count = time.monotonic(), round(rate * seconds)
        for index in range(count):
            time.sleep(max(0.0, start + index / rate - time.monotonic()))
            self._publish()
        time.sleep(max(0.0, start + count / rate - time.monotonic()))  # the last image has its time, too

    def _publish(self) -> None:
        message = self._messages[len(self._traffic.sent) % len(self._messages)]
        stamp = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 1_000_000_000)
        self._traffic.sent.append(stamp)
        self._publisher.publish(message)


def _note(message: Any, arrivals: dict[int, int]) -> None:
    stamp = message.header.stamp
    arrivals[stamp.sec * 1_000_000_000 + stamp.nanosec] = time.time_ns()


def _message(message: Any, image: npt.NDArray[np.uint8]) -> Any:
    message.header.frame_id = "camera"
    fill_image(message, image, "bgr8")
    return message


@tells_bad_input(ImportError, RuntimeError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark_node", description="Time the tracker node.")
    parser.add_argument("--source", type=Path, required=True, help="video or image with a face")
    parser.add_argument("--size", default="1280x720", help="size the frames are brought to (default 1280x720)")
    parser.add_argument("--rate", type=float, default=60.0, help="images per second (default 60)")
    parser.add_argument("--seconds", type=float, default=10.0, help="time measured at once (default 10)")
    parser.add_argument("--repeats", type=int, default=3, help="how often (default 3)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the inference (default 1)")
    parser.add_argument("--frames", type=int, default=60, help="frames of the source used (default 60)")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args(arguments)
    for name in ("rate", "seconds", "repeats", "threads", "frames"):
        if not getattr(options, name) > 0:
            raise ValueError(f"--{name} is {getattr(options, name)}; it must be positive")
    width, _, height = options.size.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) > 1 and int(height) > 1):
        raise ValueError(f"--size is '{options.size}'; it must be WIDTHxHEIGHT")
    check_source(options.source)
    check_destination(options.json)
    images = read_frames(options.source, (int(width), int(height)), options.frames)
    figures = measure(images, options.rate, options.seconds, options.repeats, options.threads)
    setting = {name: getattr(options, name) for name in ("size", "rate", "threads")}
    write_result(options.json, {"node": figures, "source": options.source.name, **setting})
    print(json.dumps(figures, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
