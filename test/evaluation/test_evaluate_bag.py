from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from evaluation.made_bags import drive
from ros.fake_tracker import FakeTracker, tracked_state
from ros.materials import write_bag, write_video
from rosbags.rosbag2 import Reader

from dense_face_ros.evaluation import attention_timeline
from dense_face_ros.evaluation.evaluate_bag import main
from dense_face_ros.evaluation.frame_table import FrameColumns
from dense_face_ros.evaluation.provenance import origin
from dense_face_ros.evaluation.run import Run
from dense_face_ros.evaluation.summary import OF_THE_MACHINE, summary
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState


def test_a_bag_with_truth_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, output = drive(tmp_path / "bag", count=20, dark=(4, 5, 6)), tmp_path / "out"
    assert main([str(bag), "--output", str(output)], FakeTracker()) == 0
    found = json.loads((output / "summary.json").read_text())
    assert (
        found["recording"] == "bag"
        and found["frames"] == 20
        and found["duration_s"] == pytest.approx(0.95)
        and found["metric"] is True
    )
    assert found["share"] == {"tracking": 0.85, "lost": 0.0, "searching": 0.15}
    assert [(loss["frame"], loss["reason"]) for loss in found["losses"]] == [(4, "no face found")]
    assert found["attention"]["share"] == {"unknown": 1.0}, "the mounting is not learned in a second"
    truth = found["truth"]
    assert (truth["frames"], truth["missed"]) == (20, 3)
    assert truth["rotation_deg"]["mean"] == pytest.approx(0.0, abs=1e-4)
    assert truth["position_mm"]["p50"] == pytest.approx(10.0, abs=1e-6)
    assert truth["depth_percent"]["mean"] == pytest.approx(100 * 0.01 / 0.69, abs=1e-6)
    page = (output / "report.html").read_text()
    assert page.count("<svg") >= 10 and "data:image/jpeg;base64," in page
    assert 'src="http' not in page and "<script" not in page, "the report stands alone"
    told = capsys.readouterr()
    assert "error of position, mm, mean: 10" in told.out and "note:" not in told.err and not found["notes"]


def test_the_vehicle_s_speed_is_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, output = write_bag(tmp_path / "bag", "mcap", moving=True), tmp_path / "out"
    assert main([str(bag), "--output", str(output), "--speed", "/car/odometry"], FakeTracker()) == 0
    assert "Speed of the vehicle" in (output / "report.html").read_text()
    speeds = FrameColumns.read_csv(output / "frames.csv").numbers["speed"]
    assert np.array_equal(speeds, [np.nan, np.nan, 12.0, 12.0], equal_nan=True)
    assert json.loads((output / "summary.json").read_text())["attention_parameters"] == {
        "speed_topic": "/car/odometry", "speed_type": ""
    }  # fmt: skip
    capsys.readouterr()  # where Parquet cannot be written
    video = [str(write_video(tmp_path / "a.avi", 2)), "--speed", "/car/odometry"]
    assert "is no bag and has no speed topic '/car/odometry'" in _one_line(video, capsys)


def test_what_is_wrong_with_the_camera_or_the_file_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, output = write_video(tmp_path / "clip.avi", 40), tmp_path / "out"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    assert main([str(video), "--output", str(output)], FakeTracker()) == 0
    found, told = json.loads((output / "summary.json").read_text()), capsys.readouterr().err
    assert found["metric"] is False and len(found["notes"]) == 2
    assert "note: no camera_info in a video or folder\n" in told and "was it cut off?\n" in told
    assert "note: the field of view is assumed in some frames" in told
    assert "was it cut off?" in (output / "report.html").read_text()


class Seeing(FakeTracker):
    """Sees a head in the dark, too."""

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
        assert camera is not None
        return tracked_state(self.model, stamp, camera)


def test_attention_of_the_output_is_judged_with_the_options_of_the_recording(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    bag, output = write_bag(tmp_path / "bag", "mcap", moving=True), tmp_path / "out"
    file = tmp_path / "attention.yaml"
    file.write_text(
        "attention: {ros__parameters: {mounting: tf, speed_topic: car/odometry, speed_type: nav_msgs/Odometry}}\n"
    )
    options = ["--attention-params-file", str(file)]
    assert main([str(bag), "--output", str(output), *options], Seeing()) == 0
    assert attention_timeline.main([str(output / "bag"), "--output", str(output), *options]) == 0
    samples = attention_timeline.read_bag(output / "bag", speed_topic="/car/odometry")
    assert [sample.speed for sample in samples] == [None, None, 12.0, 12.0]
    copies = []
    for path in (bag, output / "bag"):
        with Reader(path) as reader:
            wanted = [c for c in reader.connections if c.topic in ("/tf_static", "/car/odometry")]
            copies.append([(c.topic, c.ext, at, bytes(data)) for c, at, data in reader.messages(wanted)])
    assert copies[0] == copies[1] and len(copies[0]) == 2, "offered as before: static transforms to those who come late"


class Turning(FakeTracker):
    """Sees a head that looks at the road for two seconds, and then far to the side."""

    _first: float | None = None

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
        assert camera is not None
        self._first = stamp if self._first is None else self._first
        return tracked_state(self.model, stamp, camera, yaw=0.0 if stamp < self._first + 2.0 else 1.2)


@pytest.mark.parametrize(("max_silence", "silences"), [(0.4, 8), (0.6, 0)])
def test_gaps_are_judged_alike_in_the_recording_and_in_its_output(
    max_silence: float, silences: int, tmp_path: Path
) -> None:
    """Of 0.5 s, once a second."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    gaps = tuple(i for i in range(180) if i % 20 > 10)
    bag, output, file = drive(tmp_path / "bag", 180, missing=gaps), tmp_path / "out", tmp_path / "attention.yaml"
    file.write_text(f"attention: {{ros__parameters: {{mounting: parameters, max_silence: {max_silence}}}}}\n")
    options = ["--output", str(output), "--attention-params-file", str(file)]
    assert main([str(bag), *options], Turning()) == 0
    assert attention_timeline.main([str(output / "bag"), *options]) == 0
    with (output / "attention.csv").open() as table:
        replayed = [(row["state"], float(row["seconds"]), row["reason"]) for row in csv.DictReader(table)]
    changes = json.loads((output / "summary.json").read_text())["attention"]["changes"]
    told = [(change["state"], round(change["seconds"], 3), change["reason"]) for change in changes]
    assert told == replayed and "long_distraction" in {state for state, _, _ in told}
    assert sum(reason == f"nothing recorded for {max_silence:g} s" for _, _, reason in told) == silences


def test_a_recording_whose_stamps_go_back_lasts_as_long_as_its_passes(tmp_path: Path) -> None:
    assert main([str(drive(tmp_path / "bag")), "--output", str(tmp_path / "out")], FakeTracker()) == 0
    columns = FrameColumns.read_csv(tmp_path / "out" / "frames.csv")
    passes = np.concatenate([columns.stamps[:10], columns.stamps[:10]])
    found = summary(Run(FrameColumns(passes, columns.texts, columns.numbers), [], [], {}, {}, {}, [], 0))
    assert found["duration_s"] == pytest.approx(0.9) and found["times_real_time"] > 0.0


def test_two_runs_agree_to_the_last_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = drive(tmp_path / "bag", count=12, dark=(3,))
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([str(bag), "--output", str(one)], FakeTracker()) == 0
    assert main([str(bag), "--output", str(two), "--compare", str(one)], FakeTracker()) == 0
    summaries = [json.loads((folder / "summary.json").read_text()) for folder in (one, two)]
    same = [{name: value for name, value in found.items() if name not in OF_THE_MACHINE} for found in summaries]
    assert same[0] == same[1] and set(OF_THE_MACHINE) < set(summaries[0])
    a, b = (FrameColumns.read_csv(folder / "frames.csv") for folder in (one, two))
    assert a.texts == b.texts and (a.stamps == b.stamps).all()
    for name in a.numbers:
        if name != "milliseconds":
            assert np.array_equal(a.numbers[name], b.numbers[name], equal_nan=True), name
    for path in (one / "bag").glob("*.mcap"):
        assert path.read_bytes() == next((two / "bag").glob("*.mcap")).read_bytes()
    assert "error of rotation, deg; " in (out := capsys.readouterr().out) and "; equal" in out
    assert "Alarms: 0 by both, 0 by this run only, 0 by the other only." in out
    compared = json.loads((two / "comparison.json").read_text())
    assert (compared["this"], compared["frames"], compared["alarms"]) == (str(two), 12, [])
    page = (two / "comparison.html").read_text()
    assert "<svg" in page and page.count(origin(summaries[0]["provenance"])) == 2
    (one / "summary.json").write_text("{}")
    third = tmp_path / "three"
    assert main([str(bag), "--output", str(third), "--compare", str(one)], FakeTracker()) == 0
    assert f"{one} (of an unknown version)" in (third / "comparison.html").read_text()


def test_a_comparison_with_another_recording_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All videos, and all made drives, begin at the same time: stamps in common do not make them one recording."""
    front, rear = (write_video(tmp_path / f"{name}.avi") for name in ("front", "rear"))
    for video, against in ((front, []), (rear, ["--compare", str(tmp_path / "front")])):
        assert main([str(video), "--output", str(video.with_suffix("")), *against], FakeTracker()) == 0
    note = "the recording of this run is 'rear.avi', that of the other 'front.avi'"
    assert f"note: {note}: unless these show the same images" in capsys.readouterr().err
    assert "that of the other" in (tmp_path / "rear" / "comparison.html").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux accounts for memory in /proc")
def test_memory_is_told_once_it_has_settled(tmp_path: Path) -> None:
    found = []
    for count in (20, 120):
        output = tmp_path / f"out{count}"
        assert main([str(drive(tmp_path / f"bag{count}", count)), "--output", str(output)], FakeTracker()) == 0
        found.append(json.loads((output / "summary.json").read_text())["memory_mb"])
    assert found[0]["settled"] is None and found[1]["peak"] >= found[1]["settled"] > 10.0
    assert found[1]["end"] - found[1]["settled"] < 5.0, "MiB over twenty small frames"


def test_a_video_is_tracked_without_truth(tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert main([str(write_video(tmp_path / "a.avi", 6)), "--output", str(output)], FakeTracker()) == 0
    found = json.loads((output / "summary.json").read_text())
    assert found["frames"] == 6 and "truth" not in found and found["metric"] is False
    assert "assumed camera" in (output / "report.html").read_text()


def test_the_node_s_rules_are_those_of_its_parameter_file(tmp_path: Path) -> None:
    bag, output, file = write_bag(tmp_path / "bag", "mcap", calibrated=False), tmp_path / "out", tmp_path / "node.yaml"
    file.write_text("tracker: {ros__parameters: {require_camera_info: true}}\n")
    assert main([str(bag), "--output", str(output), "--params-file", str(file)], Seeing()) == 0
    found = json.loads((output / "summary.json").read_text())
    assert (found["frames"], set(found["frames_dropped"].values()), found["poses_withheld"]) == (4, {0}, 4)
    with Reader(output / "bag") as reader:
        told = {c.topic for c in reader.connections if c.msgcount}
    assert told == {"/landmarks", "/expression", "/attention", "/attention/events"}


def test_a_shipped_network_is_named_as_for_the_node(tmp_path: Path) -> None:
    bag, output = drive(tmp_path / "bag", count=2), tmp_path / "out"
    assert main([str(bag), "--output", str(output), "--network", "correspondence_free.onnx"], FakeTracker()) == 0
    models = json.loads((output / "summary.json").read_text())["provenance"]["models"]
    assert models["correspondence.onnx"] == models["correspondence_free.onnx"]


def test_the_files_of_the_parameter_file_are_told(tmp_path: Path) -> None:
    bag, output, file = drive(tmp_path / "bag", count=2), tmp_path / "out", tmp_path / "node.yaml"
    (tmp_path / "mine.npz").write_bytes(b"a face model")
    (tmp_path / "mine.onnx").write_bytes(b"a face finder")
    values = f"model: {tmp_path / 'mine.npz'}, finder: {tmp_path / 'mine.onnx'}"
    file.write_text(f"tracker: {{ros__parameters: {{{values}}}}}\n")
    assert main([str(bag), "--output", str(output), "--params-file", str(file)], FakeTracker()) == 0
    models = json.loads((output / "summary.json").read_text())["provenance"]["models"]
    for name, content in {"face_model.npz": b"a face model", "face_finder.onnx": b"a face finder"}.items():
        assert models[name] == hashlib.sha256(content).hexdigest()


def test_alarms_that_only_another_policy_tells_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A head that looks away for two seconds and a half: too long for who asks for less than two."""
    bag, one, two = drive(tmp_path / "bag", 90), tmp_path / "one", tmp_path / "two"
    for output, glance, compare in ((one, 2.0, []), (two, 10.0, ["--compare", str(one)])):
        file = tmp_path / f"{glance}.yaml"
        values = f"mounting: parameters, preset: custom, long_glance: {glance}"
        file.write_text(f"attention: {{ros__parameters: {{{values}}}}}\n")
        options = ["--output", str(output), "--attention-params-file", str(file), *compare]
        assert main([str(bag), *options], Turning()) == 0
    (alarm,) = json.loads((two / "comparison.json").read_text())["alarms"]
    assert (alarm["alarm"], alarm["this_s"], alarm["told_by"]) == ("long_distraction", None, "the other only")
    assert alarm["other_s"] == pytest.approx(4.0, abs=0.15)
    told = capsys.readouterr().out
    assert "long_distraction; –; 4" in told and "0 by this run only, 1 by the other only" in told  # noqa: RUF001
    assert "<td>long_distraction</td>" in (two / "comparison.html").read_text()


def _folder(path: Path, bit_depth: int) -> Path:
    path.mkdir()
    for i in range(4):
        value = round(10 * i * (2**bit_depth - 1) / 255)
        cv2.imwrite(str(path / f"{i}.png"), np.full((48, 64), value, np.uint16))
    return path


def _bag(path: Path, bit_depth: int) -> Path:
    return write_bag(path, "mcap", bit_depth=bit_depth)


@pytest.mark.parametrize("make", [_bag, _folder])
@pytest.mark.parametrize("bit_depth", [12, 16])
def test_images_are_decoded_by_the_node_s_bit_depth(
    make: Callable[[Path, int], Path], bit_depth: int, tmp_path: Path
) -> None:
    brightness = []

    class Watching(Seeing):
        def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
            brightness.append(image.mean())
            return super().update(image, stamp, camera)

    recording, file = make(tmp_path / "recording", bit_depth), tmp_path / "node.yaml"
    file.write_text(f"tracker: {{ros__parameters: {{bit_depth: {bit_depth}}}}}\n")
    assert main([str(recording), "--output", str(tmp_path / "out"), "--params-file", str(file)], Watching()) == 0
    assert brightness == [0, 10, 20, 30]


def test_what_the_node_would_refuse_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, out = str(write_bag(tmp_path / "bag", "mcap")), ["--output", str(tmp_path / "out")]
    for options, text in {
        ("--field-of-view", "180"): "parameter 'field_of_view' is 180.0; it must be",
        ("--field-of-view", "nan"): "parameter 'field_of_view' is nan; it must be",
        ("--threads", "1000"): "parameter 'threads' is 1000; it must be",
        ("--camera", "500", "0", "0"): "parameter 'camera_yaw' is 500.0; it must be",
    }.items():
        assert text in _one_line([bag, *options, *out], capsys)
    assert not (tmp_path / "out").exists()


def test_a_run_that_is_ended_leaves_no_half_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Ended(FakeTracker):
        def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
            os.kill(os.getpid(), signal.SIGTERM)
            return super().update(image, stamp, camera)

    before = signal.getsignal(signal.SIGTERM)
    bag, out = str(write_bag(tmp_path / "bag", "mcap")), tmp_path / "out"
    try:
        assert main([bag, "--output", str(out)], Ended()) == 130
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capsys.readouterr().err.endswith("interrupted\n") and not (out / "bag").exists()


def test_opencv_has_as_many_threads_as_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(cv2, "setNumThreads", asked.append)
    video, output = write_video(tmp_path / "a.avi", 2), str(tmp_path / "out")
    assert main([str(video), "--output", output, "--threads", "3"], FakeTracker()) == 0
    assert asked == [3]


def _one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments, FakeTracker()) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1, error
    return error


def test_what_cannot_be_read_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--output", str(tmp_path / "out")]
    bag = write_bag(tmp_path / "good", "mcap")
    assert "'/nowhere' does not exist" in _one_line(["/nowhere", *out], capsys)
    assert "no image topic '/front'; its image topics: /cabin/image_raw" in _one_line(
        [str(bag), "--topic", "/front", *out], capsys
    )
    assert "no pose topic '/mocap'; its pose topics: none" in _one_line([str(bag), "--truth", "/mocap", *out], capsys)
    (tmp_path / "old.bag").write_bytes(b"#ROSBAG V2.0\n")
    assert "old.bag' is of ROS 1" in _one_line([str(tmp_path / "old.bag"), *out], capsys)
    (tmp_path / "foreign.mcap").write_bytes(b"no bag at all")
    assert "foreign.mcap' cannot be read" in _one_line([str(tmp_path / "foreign.mcap"), *out], capsys)
    (tmp_path / "empty").mkdir()
    assert "empty' holds no images" in _one_line([str(tmp_path / "empty"), *out], capsys)
    (tmp_path / "film.mp4").write_text("no film")
    assert "film.mp4' cannot be read" in _one_line([str(tmp_path / "film.mp4"), *out], capsys)
    other = tmp_path / "elsewhere"
    compare = [str(bag), *out, "--compare", str(other)]
    assert "frames.csv' does not exist; give the folder of an evaluation" in _one_line(compare, capsys)
    other.mkdir()
    for content in (b"", b"a,b\n1,2\n", b"\xff\xfe\x00\n", b"stamp_ns,milliseconds\nsoon,1\n"):
        (other / "frames.csv").write_bytes(content)
        assert "frames.csv' is no table of an evaluation" in _one_line(compare, capsys)
    assert not (tmp_path / "out").exists(), "nothing was tracked"


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_truncated_bag_is_named_in_one_line(storage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "cut", storage)
    file = next(path for path in bag.iterdir() if path.suffix in (".mcap", ".db3"))
    whole = file.read_bytes()
    for share in (0.3, 0.7, 0.95):
        file.write_bytes(whole[: int(share * len(whole))])
        output = tmp_path / f"out{share}"
        assert str(bag) in _one_line([str(bag), "--output", str(output)], capsys)
        assert not (output / "bag").exists(), "half a bag is not left behind"


def test_results_are_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, out = write_bag(tmp_path / "bag", "mcap"), tmp_path / "out"
    assert main([str(bag), "--output", str(out)], FakeTracker()) == 0
    capsys.readouterr()
    assert "exists already" in _one_line([str(bag), "--output", str(out)], capsys)
    shutil.rmtree(out / "bag")
    before = (out / "frames.csv").read_bytes()
    itself = [str(bag), "--output", str(out), "--compare", str(out)]
    assert "the folder that is written to; name another --output" in _one_line(itself, capsys)
    assert (out / "frames.csv").read_bytes() == before
    (out / "comparison.json").write_text("of another run")
    assert main([str(bag), "--output", str(out)], FakeTracker()) == 0
    assert not (out / "comparison.json").exists()


def test_what_only_bags_have_is_refused_for_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = str(write_video(tmp_path / "a.avi", 3))
    for option in (["--topic", "/image"], ["--truth", "/mocap"], ["--rectified"]):
        told = _one_line([video, "--output", str(tmp_path / "out"), *option], capsys)
        assert f"a.avi' is no bag and has no topics; leave out {option[0]}" in told


def test_the_files_that_ran_are_told_whatever_lies_there_later(tmp_path: Path) -> None:
    network, output = tmp_path / "network.onnx", tmp_path / "out"
    network.write_bytes(b"a network")

    class Training(FakeTracker):
        def update(self, *frame: Any) -> HeadState:
            network.unlink(missing_ok=True)
            return super().update(*frame)

    bag = str(write_bag(tmp_path / "bag", "mcap"))
    assert main([bag, "--output", str(output), "--network", str(network)], Training()) == 0
    assert hashlib.sha256(b"a network").hexdigest()[:8] in (output / "summary.json").read_text()


def test_a_name_that_is_no_text_is_told_as_far_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/f\xe4hrt")
    write_bag(tmp_path / "bag", "mcap").rename(odd)
    assert main([odd, "--output", str(tmp_path / "out")], FakeTracker()) == 0
    capsys.readouterr()
    write_video(tmp_path / "a.avi", 3).rename(odd + ".avi")
    assert "f\\udce4hrt.avi' has a name that is not UTF-8" in _one_line([odd + ".avi", "--output", "x"], capsys)
    assert "f\ufffdhrt" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
