from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from ros.fake_tracker import FakeTracker
from sensor_msgs.msg import Image

from dense_face_ros.ros.camera_info import CameraCache
from dense_face_ros.ros.diagnostics import Report
from dense_face_ros.ros.frame_processor import FrameProcessor
from dense_face_ros.ros.frame_statistics import FrameStatistics
from dense_face_ros.ros.parameter_spec import defaults
from dense_face_ros.ros.parameters import TRACKER

NOW = 1000  # seconds


class Bench:
    """A processor without a node, at a clock that stands still, ``later`` than NOW in seconds."""

    def __init__(self, **parameters: float) -> None:
        values: dict[str, Any] = defaults(TRACKER) | parameters
        ignore = lambda *arguments: None  # noqa: E731
        self.warnings: list[str] = []
        self.with_pose: list[bool] = []
        self.brightness, self.size, self.later = 128, (48, 64), 0.0
        clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=round((NOW + self.later) * 1e9)))
        node: Any = SimpleNamespace(
            get_clock=lambda: clock,
            get_logger=lambda: SimpleNamespace(info=ignore, warning=self.warnings.append),
            context=SimpleNamespace(ok=lambda: True),
        )
        known: Any = SimpleNamespace(number=values.__getitem__, flag=values.__getitem__)
        outputs: Any = SimpleNamespace(
            publish_head=lambda state, header, with_pose: self.with_pose.append(with_pose), publish_pictures=ignore
        )
        tracker: Any = FakeTracker()
        self.resets: list[float] = []
        tracker.reset = lambda: self.resets.append(self._stamp)
        self._statistics, self.report = FrameStatistics(), Report("active")
        self._processor = FrameProcessor(
            node, known, tracker, lambda message: np.full((*self.size, 3), self.brightness, np.uint8), outputs,
            CameraCache("/camera_info"), self._statistics, self.report,
        )  # fmt: skip

    def send(self, stamp: float) -> dict[str, int]:
        """Process an image; the counts so far of images that were answered or dropped."""
        self._stamp, message = stamp, Image()
        message.header.stamp.sec, message.header.stamp.nanosec = int(stamp), round(1e9 * (stamp % 1.0))
        self._processor.process(message)
        figures = self.figures = self._statistics.figures()
        return {"answered": figures.processed} | {name: n for name, n in figures.dropped.items() if n}


def test_an_image_with_nothing_to_see_is_a_bad_one() -> None:
    bench = Bench()
    bench.size = (1, 5000)
    assert bench.send(NOW - 0.1) == {"answered": 0, "bad_image": 1}
    assert "5000x1 pixels" in bench.warnings[0] and "Traceback" not in bench.warnings[0]


def test_what_is_drawn_is_timed_for_the_frames_that_are_answered() -> None:
    bench = Bench()
    bench.size = (1, 5000)
    bench.send(NOW - 0.2)
    assert np.isnan(bench.figures.pictures_ms).all()
    bench.size = (48, 64)
    bench.send(NOW - 0.1)
    assert np.isfinite(bench.figures.pictures_ms).all()


def test_the_tracker_begins_anew_with_a_clock_that_was_set_back() -> None:
    bench = Bench(max_age=0.0)
    bench.send(NOW - 5.0)
    for i in range(8):
        counts = bench.send(NOW - 5.5 + 0.03 * i)
    assert counts == {"answered": 5, "out_of_order": 4} and bench.resets == [pytest.approx(NOW - 5.38)]


def test_the_tracker_begins_anew_with_its_source() -> None:
    bench = Bench(max_age=0.0)
    for stamp in (NOW - 8.0, NOW - 7.0):
        bench.send(stamp)
    assert bench.send(NOW - 7.0) == {"answered": 2, "out_of_order": 1} and not bench.resets
    assert bench.send(NOW - 7.5) == {"answered": 2, "out_of_order": 2} and not bench.resets
    assert bench.send(NOW - 9.0) == {"answered": 2, "out_of_order": 3} and not bench.resets
    assert bench.send(NOW - 8.9) == {"answered": 3, "out_of_order": 3} and bench.resets == [NOW - 8.9]


@pytest.mark.parametrize(
    ("max_age", "wanted"),
    [(0.0, {"answered": 1}), (6.0, {"answered": 1}), (4.0, {"answered": 0, "too_old": 1})],
)
def test_a_max_age_of_zero_is_none(max_age: float, wanted: dict[str, int]) -> None:
    assert Bench(max_age=max_age).send(NOW - 5.0) == wanted


@pytest.mark.parametrize(("ahead", "other"), [(-100.0, True), (-5.0, False), (0.05, False), (5.0, True)])
def test_stamps_far_from_the_clock_are_of_another(ahead: float, other: bool) -> None:
    bench = Bench(max_age=0.0)
    assert bench.send(NOW + ahead) == {"answered": 1} and bench.report.other_clock is other


@pytest.mark.parametrize("astray", [7.0, NOW + 500.0])
def test_a_stamp_of_another_clock_among_those_of_this_one_begins_nothing_anew(astray: float) -> None:
    """A camera that has lost its time for a frame: the driver, and an alarm, must not be forgotten for that."""
    bench = Bench()
    bench.send(NOW - 0.9)
    assert bench.send(astray) == {"answered": 1, "out_of_order": 1}
    assert "of another clock than the one before" in bench.warnings[-1]
    assert bench.send(NOW - 0.8) == {"answered": 2, "out_of_order": 1} and not bench.resets


def test_another_clock_that_stays_is_believed() -> None:
    bench = Bench()
    bench.send(NOW - 0.9)
    for i in range(6):
        counts = bench.send(7.0 + 0.1 * i)
    assert counts == {"answered": 2, "out_of_order": 5} and len(bench.resets) == 1
    assert bench.send(7.6) == {"answered": 3, "out_of_order": 5}
    bench.send(2.0)
    assert bench.send(2.1) == {"answered": 4, "out_of_order": 6}, "and may begin anew as it likes"
    assert bench.send(NOW - 0.5) == {"answered": 5, "out_of_order": 6}


def test_a_clock_that_is_hardly_another_is_none() -> None:
    """About as far ahead as may be, some of the frames are."""
    bench = Bench()
    for i in range(6):
        bench.later = 1.5 * i
        counts = bench.send(NOW + bench.later + 0.08 + 0.01 * i)
    assert counts == {"answered": 6}


@pytest.mark.parametrize(("required", "with_pose"), [(False, True), (True, False)])
def test_a_pose_by_an_assumed_camera_can_be_withheld(required: bool, with_pose: bool) -> None:
    bench = Bench(require_camera_info=required)
    bench.send(NOW)
    assert bench.with_pose == [with_pose] and bench.report.pose_told is with_pose
    assert ("no pose is published" if required else "the field of view is assumed") in bench.warnings[0]


def test_frames_with_a_head_are_counted() -> None:
    bench = Bench(max_age=0.0)
    bench.send(NOW - 2.0)
    bench.brightness = 10
    assert bench.send(NOW - 1.0) == {"answered": 2} and bench.figures.with_head == 1


def test_each_kind_of_trouble_is_told_once_in_a_while() -> None:
    bench = Bench()
    bench.send(0.0)
    assert bench.send(0.0) == {"answered": 0, "no_stamp": 2}
    bench.send(NOW - 5.0)
    assert [warning.partition(":")[0] for warning in bench.warnings] == ["dropped (no_stamp)", "dropped (too_old)"]


def test_the_same_trouble_is_told_again_after_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    bench, now = Bench(), [100.0]
    monkeypatch.setattr("dense_face_ros.ros.frame_processor.time.monotonic", lambda: now[0])
    told = []
    for elapsed in (0.0, 10.0, 59.0, 61.0):
        now[0] = 100.0 + elapsed
        bench.send(0.0)
        told.append(len(bench.warnings))
    assert told == [1, 1, 1, 2]
    counts = []
    for i in range(3):
        bench.size, now[0] = (1, 5000 + i), now[0] + 3.0
        bench.send(NOW - 0.5 + 0.1 * i)
        counts.append(len(bench.warnings))
    assert counts == [3, 3, 4], "another text after five seconds"
