"""Ctrl-C and SIGTERM end a node in order, whatever it is at."""

from __future__ import annotations

import itertools
import signal
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

import rclpy
from rclpy.executors import ExternalShutdownException
from ros.materials import write_bag
from ros.processes import Observer
from sensor_msgs.msg import CompressedImage

from dense_face_ros.ros.ending import asked_to_end, one_interrupt, plain_interrupts

#: A node that the signal finds loading its models.
LOADING = """
import sys, time, rclpy
from dense_face_ros.ros.autostart import run
from dense_face_ros.ros.tracker_node import TrackerNode

def load(values):
    print("loading", flush=True)
    while rclpy.ok():
        time.sleep(0.01)
    raise RuntimeError("whatever fails then")

sys.exit(run(lambda: TrackerNode(load)))
"""
#: A node whose end does not come.
STUCK = """
import sys, time, rclpy
from dense_face_ros.ros.autostart import run
from dense_face_ros.ros.attention_node import AttentionNode

class Stuck(AttentionNode):
    def destroy_node(self):
        print("stuck", flush=True)
        while True:
            time.sleep(0.01)

def make():
    node = Stuck()
    node.create_timer(0.1, lambda: print("spins", flush=True))
    return node

sys.exit(run(make))
"""
#: A node whose context goes down while it says its last word.
LAST_WORD = """
import sys, rclpy
from dense_face_ros.ros.attention_node import AttentionNode
from dense_face_ros.ros.autostart import run

class Interrupted(AttentionNode):
    ended = False

    def __init__(self):
        super().__init__()
        self.create_timer(0.5, self.interrupt)

    def interrupt(self):
        self.ended = True
        raise KeyboardInterrupt

    def _publish(self, attention):
        if self.ended:
            print("last word", flush=True)
            rclpy.shutdown()
        super()._publish(attention)

sys.exit(run(Interrupted))
"""
#: A player that the signal finds converting its third message.
CONVERTING = """
import sys
from dense_face_ros.ros import bag_source, image_source_node

convert, count = bag_source.deserialize_message, 0

def interrupted(data, kind):
    global count
    count += 1
    if count == 3:
        raise TypeError("Unable to convert function return value to a Python type!") from KeyboardInterrupt()
    return convert(data, kind)

bag_source.deserialize_message = interrupted
sys.exit(image_source_node.main())
"""

#: A node that tells, when what a signal of rclpy's wakes is about to go, whether rclpy hears them still.
HEARING = """
import re, signal, sys
from pathlib import Path
from rclpy.executors import SingleThreadedExecutor
from dense_face_ros.ros import attention_node, image_source_node

def telling(last):
    def end(self):
        caught = int(re.search("SigCgt:\\\\s*(\\\\w+)", Path("/proc/self/status").read_text())[1], 16)
        print("hears" if caught >> (signal.SIGTERM - 1) & 1 else "deaf", flush=True)
        return last(self)
    return end

SingleThreadedExecutor.shutdown = telling(SingleThreadedExecutor.shutdown)
image_source_node.ImageSourceNode.destroy_node = telling(image_source_node.ImageSourceNode.destroy_node)
sys.exit({module}.main())
"""


def wrapped(*errors: BaseException) -> BaseException:
    """The last of the errors, each caused by the one before."""
    for before, after in itertools.pairwise(errors):
        after.__cause__ = before
    return errors[-1]


def test_an_error_that_only_says_so_is_told_from_others(ros: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_to_end(KeyboardInterrupt()) and asked_to_end(ExternalShutdownException())
    assert asked_to_end(wrapped(KeyboardInterrupt(), TypeError("converting"), ValueError("the bag is damaged")))
    assert not asked_to_end(wrapped(TypeError("not a number"), ValueError("the bag is damaged")))
    monkeypatch.setattr(rclpy, "ok", lambda: False)
    assert asked_to_end(ValueError("the publisher's context is invalid"))


def test_an_interrupt_in_the_midst_of_a_message_is_one() -> None:
    with pytest.raises(KeyboardInterrupt), plain_interrupts():
        raise TypeError("converting") from KeyboardInterrupt()
    with pytest.raises(TypeError, match="not a number"), plain_interrupts():
        raise TypeError("not a number")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_node_that_is_loading_ends_quietly(start: Any, observer: Observer, number: signal.Signals) -> None:
    node = start("-c", LOADING, "--ros-args", "-p", "autostart:=true")
    observer.wait_until(lambda: "loading" in node.output, "it loads")
    assert node.stop(number) == 0, node.output
    assert "failed" not in node.output and "Traceback" not in node.output


def test_an_interrupt_that_is_late_or_comes_while_it_ends_is_none() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        with one_interrupt() as end:
            end()
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        signal.signal(signal.SIGINT, before)
        with one_interrupt():
            interrupt = signal.getsignal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is before and callable(interrupt)
        interrupt(signal.SIGINT, None)
        with pytest.raises(KeyboardInterrupt), one_interrupt():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("gap", [0.0, 0.002, 0.05])
def test_ctrl_c_that_is_told_twice_is_one(start: Any, observer: Observer, tmp_path: Path, gap: float) -> None:
    """The terminal interrupts all processes of a launch file, which may interrupt them too."""
    bag = write_bag(tmp_path / "drive", "mcap", compressed=True)
    attention = start("-m", "dense_face_ros.ros.attention_node", "--ros-args", "-p", "autostart:=true")
    player = start("-m", "dense_face_ros.ros.image_source_node", "--ros-args", "-p", f"source:={bag}")
    observer.wait_until(lambda: "configured" in attention.output and "waits" in player.output, "they run")
    for process in (attention, player):
        process.interrupt()
        time.sleep(gap)
        assert process.stop() == 0 and "Traceback" not in process.output, process.output


@pytest.mark.parametrize("module", ["attention_node", "image_source_node"])
def test_nothing_is_destroyed_that_a_signal_may_still_wake(
    start: Any, observer: Observer, tmp_path: Path, module: str
) -> None:
    """A race that is lost once in a thousand: so what is asked is whether it can begin."""
    bag = write_bag(tmp_path / "drive", "mcap")
    given = ["-p", f"source:={bag}"] if module == "image_source_node" else ["-p", "autostart:=true"]
    node = start("-c", HEARING.format(module=module), "--ros-args", *given)
    observer.wait_until(lambda: "configured" in node.output or "waits" in node.output, "it runs")
    assert node.stop() == 0, node.output
    assert "deaf" in node.output and "hears" not in node.output


def test_ctrl_c_after_a_while_ends_what_does_not_end(start: Any, observer: Observer) -> None:
    stuck = start("-c", STUCK)
    observer.wait_until(lambda: "spins" in stuck.output, "it spins")
    stuck.interrupt()
    observer.wait_until(lambda: "stuck" in stuck.output, "its end does not come")
    time.sleep(2.5)
    assert stuck.running and stuck.stop() == 130


def test_a_last_word_that_cannot_be_said_any_more_is_left_out(start: Any, observer: Observer) -> None:
    node = start("-c", LAST_WORD, "--ros-args", "-p", "autostart:=true", "-p", "mounting:=parameters")
    observer.wait_until(lambda: not node.running, "it ends")
    assert node.wait() == 0 and "last word" in node.output and "Traceback" not in node.output, node.output


def test_a_bag_that_ctrl_c_interrupts_is_not_called_damaged(start: Any, observer: Observer, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "drive", "mcap", compressed=True)
    images = observer.collect(CompressedImage, "image/compressed")
    player = start("-c", CONVERTING, "--ros-args", "-p", f"source:={bag}")
    observer.wait_until(lambda: not player.running, "it ends")
    assert player.wait() == 0 and "damaged" not in player.output, player.output
    assert len(images) <= 2
