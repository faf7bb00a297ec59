from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from diagnostic_msgs.msg import DiagnosticStatus

from dense_face_ros.ros.diagnostics import DiagnosticsWriter, Report
from dense_face_ros.ros.frame_statistics import FrameStatistics

ACTIVE = Report("active", image_topic="/image", tracking="tracking", metric=True, quality={"inliers": 0.9})
LOST = {"backend": "TensorRT", "network_backend_state": "lost"}


def values(status: DiagnosticStatus) -> dict[str, str]:
    return {value.key: value.value for value in status.values}


@pytest.mark.parametrize(
    ("report", "level", "text"),
    [
        (ACTIVE, DiagnosticStatus.OK, "tracking"),
        (replace(ACTIVE, metric=None), DiagnosticStatus.OK, "tracking"),
        (replace(ACTIVE, metric=False), DiagnosticStatus.WARN, "pose is not metric: field of view assumed"),
        (replace(ACTIVE, metric=False, pose_told=False), DiagnosticStatus.WARN, "require_camera_info is set"),
        (replace(ACTIVE, camera_note="frame_id differs"), DiagnosticStatus.WARN, "frame_id differs"),
        (replace(ACTIVE, other_clock=True), DiagnosticStatus.WARN, "latency unknown"),
        (replace(ACTIVE, failure="activate failed: no"), DiagnosticStatus.ERROR, "activate failed: no"),
        (Report("inactive"), DiagnosticStatus.OK, "inactive"),
        (Report("inactive", engine=LOST), DiagnosticStatus.WARN, "inactive; backend: TensorRT"),
        (replace(ACTIVE, engine=LOST), DiagnosticStatus.WARN, "backend: TensorRT"),
        (Report("unconfigured", failure="configure failed: no"), DiagnosticStatus.ERROR, "configure failed: no"),
    ],
)
def test_verdicts(report: Report, level: bytes, text: str) -> None:
    statistics = FrameStatistics()
    statistics.receive(1.0)
    statistics.process(0.01, 0.02, True)
    status = DiagnosticsWriter("tracker").write(report, statistics.figures(), 1.0)
    assert status.level == level and text in status.message


def test_drops_count_for_the_period_they_happened_in() -> None:
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    for i in range(20):
        statistics.receive(1.0 + i / 30)
        statistics.process(0.01, 0.02, True)
    statistics.drop("bad_image")
    statistics.drop("bad_image")
    statistics.drop("superseded")
    first = writer.write(ACTIVE, statistics.figures(), 1.0)
    assert first.level == DiagnosticStatus.WARN
    assert first.message == "3 of 23 frames dropped (bad_image 2, superseded 1)"
    statistics.receive(1.0 + 20 / 30)
    statistics.process(0.01, 0.02, True)
    second = writer.write(ACTIVE, statistics.figures(), 0.5)
    assert second.level == DiagnosticStatus.OK
    found = values(second)
    assert (found["frames_dropped"], found["dropped_bad_image"], found["processed_rate_hz"]) == ("3", "2", "2.000")
    assert found["received_rate_hz"] == "2.000"
    assert writer.write(ACTIVE, statistics.figures(), 1.0).level == DiagnosticStatus.OK, "a camera may be slow"
    third = writer.write(ACTIVE, statistics.figures(), 1.0)
    assert third.level == DiagnosticStatus.WARN and third.message == "no images on /image"
    fourth = writer.write(replace(ACTIVE, publishers="which nobody publishes"), statistics.figures(), 1.0)
    assert fourth.message == "no images on /image, which nobody publishes"


def test_one_frame_of_twenty_may_be_dropped() -> None:
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    statistics.receive(1.0)
    for _ in range(19):
        statistics.process(0.01, 0.02, True)
    statistics.drop("superseded")
    assert writer.write(ACTIVE, statistics.figures(), 1.0).level == DiagnosticStatus.OK


def test_counts_that_begin_anew_are_those_of_the_new_period() -> None:
    writer = DiagnosticsWriter("tracker")
    for count in (20, 5):
        statistics = FrameStatistics()
        for i in range(count):
            statistics.receive(1.0 + i / 30)
        told = values(writer.write(ACTIVE, statistics.figures(), 1.0))
    assert told["received_rate_hz"] == "5.000"


def test_times_stand_under_their_names() -> None:
    statistics = FrameStatistics()
    for i in range(101):
        statistics.process(1e-3 * i, 1e-2 * i, True)
        statistics.draw(2e-3 * i)
    told = values(DiagnosticsWriter("tracker").write(ACTIVE, statistics.figures(), 1.0))
    kinds = {"processing": [50.0, 99.0], "latency": [500.0, 990.0], "pictures": [100.0, 198.0]}
    for kind, percentiles in kinds.items():
        assert [float(told[f"{kind}_{name}_ms"]) for name in ("p50", "p99")] == percentiles


def test_what_was_known_is_not_known_for_ever() -> None:
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    for i in range(20):
        statistics.receive(1.0 + i / 30)
        statistics.process(0.01, 0.02, True)
    keys = ("tracking", "camera_metric", "quality_inliers", "source_rate_hz")
    while_they_come = values(writer.write(ACTIVE, statistics.figures(), 1.0))
    assert [while_they_come[key] for key in keys] == ["tracking", "yes", "0.900", "30.000"]
    assert values(writer.write(ACTIVE, statistics.figures(), 1.0))["tracking"] == "tracking", "an image may be late"
    silent = values(writer.write(ACTIVE, statistics.figures(), 1.0))
    assert [silent[key] for key in keys] == ["unknown"] * 4
    statistics.receive(5.0)
    inactive = values(writer.write(replace(ACTIVE, lifecycle="inactive"), statistics.figures(), 1.0))
    assert [inactive[key] for key in keys] == ["unknown"] * 4


def test_frames_that_are_all_dropped_tell_nothing_of_the_present() -> None:
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    keys = ("tracking", "camera_metric", "quality_inliers", "latency_p50_ms", "processing_p99_ms", "pictures_p50_ms")

    def told(answered: int, *dropped: str, lifecycle: str = "active") -> DiagnosticStatus:
        for i in range(answered + len(dropped)):
            statistics.receive(1.0 + i / 30)
        for _ in range(answered):
            statistics.process(0.01, 0.02, True)
            statistics.draw(0.01)
        for reason in dropped:
            statistics.drop(reason)
        return writer.write(replace(ACTIVE, lifecycle=lifecycle), statistics.figures(), 1.0)

    assert "unknown" not in {values(told(5))[key] for key in keys}
    first = told(0, *["bad_image"] * 15)
    assert first.level == DiagnosticStatus.WARN and first.message == "15 of 15 frames dropped (bad_image 15)"
    assert values(first)["tracking"] == "tracking"
    second = told(0, "too_old", *["bad_image"] * 14)
    assert second.level == DiagnosticStatus.ERROR
    assert second.message == "all 30 frames of 2 s dropped (bad_image 29, too_old 1)"
    assert {values(second)[key] for key in keys} == {"unknown"} and values(second)["source_rate_hz"] == "30.000"
    assert told(0).level == DiagnosticStatus.ERROR, "cameras may be slow"
    assert told(0).level == DiagnosticStatus.WARN, "none comes any more"
    assert told(0, "superseded").level == DiagnosticStatus.WARN, (
        "one that comes after a pause waits no longer than that"
    )
    again = told(1)
    assert again.level == DiagnosticStatus.OK and "unknown" not in {values(again)[key] for key in keys}
    for lifecycle in ("active", "inactive", "active"):
        assert told(0, "no_stamp", lifecycle=lifecycle).level != DiagnosticStatus.ERROR, "no longer than a second each"


def test_what_is_wrong_with_images_that_are_all_dropped_is_told() -> None:
    """In a car nobody reads the log, which has it too."""
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    wrong = replace(ACTIVE, last_drop=("bad_image", "image encoding is 'rgb16'; known are bgr8"))
    for i in range(2):
        statistics.receive(1.0 + i)
        statistics.drop("bad_image")
        status = writer.write(wrong, statistics.figures(), 1.0)
    told = "all 2 frames of 2 s dropped (bad_image 2): image encoding is 'rgb16'; known are bgr8"
    assert (status.level, status.message) == (DiagnosticStatus.ERROR, told)
    assert values(status)["drop_note"] == "bad_image: image encoding is 'rgb16'; known are bgr8"
    assert values(writer.write(ACTIVE, statistics.figures(), 1.0))["drop_note"] == ""


def test_why_one_was_dropped_long_ago_is_not_why_others_are_now() -> None:
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    for i in range(3):
        statistics.receive(1.0 + i)
        statistics.drop("superseded")
        status = writer.write(replace(ACTIVE, last_drop=("bad_image", "damaged")), statistics.figures(), 1.0)
    assert status.message == "all 3 frames of 3 s dropped (superseded 3)"


def test_an_image_that_is_long_at_work_is_not_dropped() -> None:
    statistics, writer = FrameStatistics(), DiagnosticsWriter("tracker")
    for i in range(3):
        statistics.receive(1.0 + i)
        status = writer.write(Report("active"), statistics.figures(), 1.0)
    assert (status.level, status.message) == (DiagnosticStatus.OK, "waiting for a result")


def test_what_is_not_known_is_called_unknown() -> None:
    found = values(DiagnosticsWriter("tracker").write(Report("active"), FrameStatistics().figures(), 1.0))
    for key in ("latency_p99_ms", "camera_metric", "tracking", "source_rate_hz"):
        assert found[key] == "unknown", key


def test_all_that_is_told_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
    explained = set(re.findall(r"`(\w+)`", page[page.index("## What the tracker tells") :]))
    quality = dict.fromkeys(("inliers", "residual", "coverage", "sigma"), 0.5)
    status = DiagnosticsWriter("tracker").write(replace(ACTIVE, quality=quality), FrameStatistics().figures(), 1.0)
    assert {key for key in values(status) if not key.startswith("dropped_")} <= explained
