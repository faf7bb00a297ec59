"""The demo as a person runs it, with a stand-in for the tracker, and that it leaves no process behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_stream import next_picture

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from ros.materials import write_bag

REPOSITORY = Path(__file__).parents[2]
FAKE_TRACKER = str(REPOSITORY / "test" / "ros" / "fake_tracker.py")
MAIN = "import sys; from demo.__main__ import main; sys.exit(main(sys.argv[2:], tracker=(sys.argv[1],)))"
TIMEOUT = 60.0  # seconds; generous, for busy machines


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of thirty images."""
    folder = tmp_path / "somebody's pictures"
    folder.mkdir()
    for index in range(30):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((120, 160, 3), 100 + 3 * index, np.uint8))
    return folder


class Demo:
    """The demo in a process of its own."""

    def __init__(self, tracker: str, source: Path, output: Path, *options: str) -> None:
        self.output = output
        command = [sys.executable, "-c", MAIN, tracker, "--source", str(source), "--output", str(output), *options]
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def children(self) -> list[int]:
        """The processes it started."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def end(self) -> tuple[int, str]:
        """Exit code and what it printed."""
        printed, _ = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, printed


@pytest.fixture
def output(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "out"
    for log in (tmp_path / "out").glob("*.log"):  # shown by pytest when the test fails
        print(log.name, log.read_text(), sep="\n")


def test_a_browser_sees_the_picture_meanwhile(pictures: Path, output: Path) -> None:
    demo = Demo(FAKE_TRACKER, pictures, output)
    assert demo.process.stdout is not None
    url = next(found[0] for line in demo.process.stdout if (found := re.findall(r"http://127.0.0.1:\d+/", line)))
    with urllib.request.urlopen(url + "stream", timeout=TIMEOUT) as stream:
        assert next_picture(stream).shape == (120, 160, 3)
    assert demo.end()[0] == 0


def test_shows_reports_and_ends_by_itself(pictures: Path, output: Path) -> None:
    code, printed = Demo(FAKE_TRACKER, pictures, output).end()
    assert code == 0, printed
    report = json.loads((output / "report.json").read_text())
    assert report["frames_played"] == 30
    assert report["source"] == str(pictures) and report["frames_with_head"] > 0
    assert isinstance(report["latency_p50_ms"], float) and isinstance(report["dropped_superseded"], int)
    assert report["camera_metric"].startswith("no")
    assert "distances are guesses, marked with ?, as the field of view is assumed: camera_info on" in printed
    assert "tracking" in printed
    assert "attention, as if filmed from straight ahead: " in printed and report["attention"]["alarms"] == []
    assert report["attention"]["share"]["attentive"] > 0.5
    assert cv2.imread(str(output / "contact_sheet.png")).shape[1] == 1920
    assert cv2.VideoCapture(str(output / "overlay.mp4")).read()[0]


def test_a_source_that_would_be_written_over_is_refused(output: Path) -> None:
    output.mkdir()
    (output / "overlay.mp4").write_bytes(b"a video")
    code, printed = Demo(FAKE_TRACKER, output / "overlay.mp4", output).end()
    assert code == 1 and "overlay.mp4' would be written over; name another --output" in printed
    assert (output / "overlay.mp4").read_bytes() == b"a video"


def test_a_bag_of_two_cameras_without_calibration_is_counted(output: Path, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", "mcap", compressed=True, calibrated=False, rear=True)
    code, printed = Demo(FAKE_TRACKER, bag, output).end()
    assert code == 1
    assert "2 image topics (/cabin/image_raw/compressed, /rear/image_raw); name one with --topic" in printed
    printed = Demo(FAKE_TRACKER, bag, output, "--topic", "/cabin/image_raw/compressed").end()[1]
    # As many as reached the tracker, which on a busy machine skips to the newest.
    assert re.search(r"\b[1-4] frames played", printed), printed


def test_a_bag_that_tells_its_camera_once_is_counted(output: Path, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", "mcap", info_delay=10_000_000_000)
    printed = Demo(FAKE_TRACKER, bag, output).end()[1]
    assert re.search(r"\b[1-4] frames played", printed), printed


def test_names_the_process_that_failed_and_why(pictures: Path, output: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken_tracker.py"
    broken.write_text("print('the network is missing'); raise SystemExit(3)")
    code, printed = Demo(str(broken), pictures, output).end()
    assert code == 1
    assert "demo failed: tracker ended with exit code 3" in printed
    assert "the network is missing" in printed


def test_names_a_source_that_cannot_be_read(output: Path, tmp_path: Path) -> None:
    (tmp_path / "video.mp4").write_bytes(b"not a video")
    output.mkdir()
    (output / "report.json").write_text("of another source")
    code, printed = Demo(FAKE_TRACKER, tmp_path / "video.mp4", output).end()
    assert code == 1
    assert "image_source ended with exit code 2" in printed and not (output / "report.json").exists()
    assert "video.mp4' cannot be read" in printed
    assert Demo(FAKE_TRACKER, tmp_path / "none.mp4", output).end()[0] == 1


def runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_takes_its_processes_along(pictures: Path, output: Path, number: signal.Signals) -> None:
    demo = Demo(FAKE_TRACKER, pictures, output)
    end = time.monotonic() + TIMEOUT
    while len(children := demo.children()) < 2:  # a node's log is there before its process
        assert demo.process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    demo.process.send_signal(number)
    demo.end()
    while (alive := [pid for pid in children if runs(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive
