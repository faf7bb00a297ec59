"""A short rendered drive through the real tracker and attention nodes."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
pytest.importorskip("numba", reason="numba is not installed: it draws the drive")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: it draws the timeline")

REPOSITORY = Path(__file__).parents[2]
TIMEOUT = 120.0  # seconds; generous, for busy machines
#: The head turns aside after 0.7 s for 1.4 s; the longest permitted glance is 1 s.
PROGRAM = """
import sys
from pathlib import Path
from demo.drive import MOUNTED, show
from dense_face_ros.attention.states import State
from training.rendering.drive import Drive
angles = ((0.0, 0), (0.7, 0), (1.0, -50), (2.1, -50), (2.4, 0), (2.6, 0))
motion = tuple((time, yaw, 0, 0, 0.0, 0.0, 0.65) for time, yaw in angles)
drive = Drive(motion, (), alarms=((State.LONG_DISTRACTION, 1.75),))
impatient = {**MOUNTED, "preset": "custom", "long_glance": "1.0"}
went = show("aside", drive, Path(sys.argv[1]), impatient, rate=20.0)
assert went["frames"] == 78 and went["alarms"] == [["long_distraction", 1.75]], went
assert ["long_distraction"] == [state for state, time in went["told"] if abs(time - 1.75) < 0.4], went
sys.exit(len(went["objections"]))
"""


def test_a_rendered_look_aside_alarms_as_scripted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=TIMEOUT)
    for log in tmp_path.glob("*.log"):  # shown by pytest when the test fails
        print(log.name, log.read_text(), sep="\n")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "aside: as scripted" in ended.stdout
    with (tmp_path / "attention.csv").open() as file:
        states = [row["state"] for row in csv.DictReader(file)]
    assert "long_distraction" in states and states[-1] != "unknown"
