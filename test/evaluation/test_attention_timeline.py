from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from attention.drives import CLOSED, LAP, LOST, MOUNTING, REAR_MIRROR, START, ZONES, Camera, Segment, judge, policy, see

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import Attention
from dense_face_ros.evaluation.attention import AttentionJudge
from dense_face_ros.evaluation.attention_picture import draw_timeline
from dense_face_ros.evaluation.attention_timeline import main, read_bag, transitions, write_transitions
from dense_face_ros.geometry import quaternion_from_rotation

SCRIPT = [Segment(5.0), Segment(1.0, REAR_MIRROR), Segment(3.0), Segment(4.0, LAP), Segment(3.0), Segment(1.0, LOST),
          Segment(2.0), Segment(1.5, eyes=CLOSED), Segment(2.0)]  # fmt: skip
WANTED = ["unknown", "attentive", "long_distraction", "attentive", "unknown", "attentive", "microsleep", "attentive"]
SEEN = Camera(15.0)


def judged(samples: Iterable[HeadSample]) -> list[Attention]:
    """With the drives' car and camera and the usual ``max_silence``."""
    judge = AttentionJudge(policy(), 0.4)
    return [state for sample in samples for state in judge.judge(sample)]


def write_bag(path: Path, samples: list[HeadSample], mounting: np.ndarray | None = None) -> Path:
    rosbag2 = pytest.importorskip("rosbags.rosbag2", reason="rosbags is not installed")
    typesys = pytest.importorskip("rosbags.typesys")
    store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    types = store.types
    pose_type, expression_type = "geometry_msgs/msg/PoseWithCovarianceStamped", "sensor_msgs/msg/JointState"
    speed_type = "std_msgs/msg/Float64"
    with rosbag2.Writer(path, version=9, storage_plugin=rosbag2.StoragePlugin.MCAP) as writer:
        poses = writer.add_connection("/head_pose", pose_type, typestore=store)
        expressions = writer.add_connection("/expression", expression_type, typestore=store)
        if mounting is not None:
            turn = types["geometry_msgs/msg/Quaternion"](*quaternion_from_rotation(mounting).tolist())
            moved = types["geometry_msgs/msg/Transform"](types["geometry_msgs/msg/Vector3"](1.0, 0.0, 1.2), turn)
            since = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "base_link")
            stamped = types["geometry_msgs/msg/TransformStamped"](since, "camera", moved)
            static = writer.add_connection("/tf_static", "tf2_msgs/msg/TFMessage", typestore=store)
            told = types["tf2_msgs/msg/TFMessage"]([stamped])
            writer.write(static, 0, store.serialize_cdr(told, "tf2_msgs/msg/TFMessage"))
        speeds = writer.add_connection("/car/speed", speed_type, typestore=store)
        for sample in samples:
            at = round(1e9 * sample.stamp)
            stamp = types["builtin_interfaces/msg/Time"](*divmod(at, 1_000_000_000))
            header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")
            names: list[str] = []
            if sample.speed is not None:
                speed = types[speed_type](sample.speed)
                writer.write(speeds, at, store.serialize_cdr(speed, speed_type))
            if sample.rotation is not None and sample.covariance is not None:
                names = ["eye_openness_left", "eye_openness_right"]
                place = types["geometry_msgs/msg/Pose"](
                    types["geometry_msgs/msg/Point"](0.0, 0.0, 0.7),
                    types["geometry_msgs/msg/Quaternion"](*quaternion_from_rotation(sample.rotation).tolist()),
                )
                uncertain = types["geometry_msgs/msg/PoseWithCovariance"](place, sample.covariance.ravel())
                pose = types[pose_type](header, uncertain)
                writer.write(poses, at, store.serialize_cdr(pose, pose_type))
            position = np.array(sample.eye_openness if names else ())
            message = types[expression_type](header, names, position, np.zeros(0), np.zeros(0))
            writer.write(expressions, at, store.serialize_cdr(message, expression_type))
    return path


def test_transitions_of_a_bag_are_those_of_the_drive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    bag, output = write_bag(tmp_path / "drive", list(see(SCRIPT, SEEN))), tmp_path / "report"
    assert main([str(bag), "--output", str(output), "--camera", "12", "15", "4"]) == 0
    with (output / "attention.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == WANTED
    assert [row["previous_state"] for row in rows] == ["", *WANTED[:-1]]
    assert float(rows[2]["seconds"]) == pytest.approx(12.0, abs=0.1) and rows[2]["zone"] == "lap"
    assert float(rows[2]["glance"]) == pytest.approx(3.0, abs=0.1)
    assert float(rows[2]["stamp"]) == pytest.approx(START + 12.0, abs=0.1)
    assert "attentive -> long_distraction: the head points at lap" in capsys.readouterr().out
    picture = cv2.imread(str(output / "attention.png"))
    assert picture.shape[1] > 1000 and picture.std() > 10


def test_the_left_eye_of_a_bag_is_the_left_one(tmp_path: Path) -> None:
    samples = [replace(sample, eye_openness=(0.9, 0.2)) for sample in see([Segment(1.0)], SEEN)]
    *_, last = read_bag(write_bag(tmp_path / "drive", samples))
    assert last.eye_openness == (0.9, 0.2)


def test_the_mounting_is_that_of_the_transforms(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    file = tmp_path / "attention.yaml"
    file.write_text("attention: {ros__parameters: {mounting: tf}}\n")
    bag = write_bag(tmp_path / "drive", list(see(SCRIPT, SEEN)), MOUNTING)
    assert main([str(bag), "--output", str(tmp_path), "--attention-params-file", str(file)]) == 0
    with (tmp_path / "attention.csv").open() as table:
        assert [row["state"] for row in csv.DictReader(table)] == WANTED


def test_the_speed_decides_what_is_judged(tmp_path: Path) -> None:
    """As eu_addw has it: looks into the lap of 6 s from 20 km/h on, 3.5 s from 50 on, any below 20."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    def states(name: str, speed: float, *arguments: str) -> list[str]:
        samples = [replace(sample, speed=speed) for sample in see([Segment(5.0), Segment(5.0, LAP)], SEEN)]
        bag, output = write_bag(tmp_path / name, samples), tmp_path / f"{name}_report"
        mounted = ("--preset", "eu_addw", "--camera", "12", "15", "4")
        assert main([str(bag), "--output", str(output), *mounted, *arguments]) == 0
        with (output / "attention.csv").open() as file:
            return [row["state"] for row in csv.DictReader(file)]

    told = ("--speed", "/car/speed")
    assert states("fast", 30.0, *told) == ["unknown", "attentive", "long_distraction"]
    assert states("slow", 10.0, *told) == ["unknown", "attentive"]
    assert states("untold", 10.0) == ["unknown", "attentive", "long_distraction"], "the strictest limit holds"


def test_library_functions(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    states = judged(see(SCRIPT, SEEN))
    assert [state.state.value for *_, state in transitions(states)] == WANTED
    for preset in ("euro_ncap", "eu_addw"):
        draw_timeline(judge(SCRIPT, SEEN, preset), PRESETS[preset], ZONES, tmp_path / f"{preset}.png")
    write_transitions(states, tmp_path / "all.csv")
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 1 + len(WANTED)
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_timeline([], PRESETS["euro_ncap"], ZONES, tmp_path / "none.png")


def test_a_gap_in_the_recording_is_unknown() -> None:
    """As it is for the node, that has heard nothing for a while."""
    drive = list(see([Segment(64.0)], SEEN))
    states = judged(s for s in drive if not 2.0 < s.stamp - START < 62.0)
    changes = [(state.state.value, round(state.stamp - START)) for *_, state in transitions(states)]
    assert changes == [("unknown", 0), ("attentive", 0), ("unknown", 2), ("attentive", 62)]


def test_what_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")

    def refused(*arguments: object) -> str:
        assert main([*map(str, arguments)]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and error.count("\n") == 1, error
        return error

    assert f"'{tmp_path / 'none'}' does not exist\n" in refused(tmp_path / "none")
    assert "cannot be read: File name too long" in refused(tmp_path / ("n" * 300))
    (tmp_path / "notes.txt").write_text("no bag")
    assert "notes.txt' is no rosbag2 (a folder with metadata.yaml, .mcap or .db3)\n" in refused(tmp_path / "notes.txt")
    write_bag(tmp_path / "drive_evaluation" / "bag", [])
    assert "drive_evaluation/bag'?" in refused(tmp_path / "drive_evaluation")
    (tmp_path / "drive_evaluation" / "bag" / "metadata.yaml").unlink()
    assert "'ros2 bag reindex'" in refused(tmp_path / "drive_evaluation" / "bag")
    (tmp_path / "foreign.mcap").write_bytes(b"no bag at all")
    assert "foreign.mcap' cannot be read" in refused(tmp_path / "foreign.mcap")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "metadata.yaml").write_text("rosbag2_bagfile_information: [1,\n")
    assert "odd' cannot be read" in refused(tmp_path / "odd")
    bag = write_bag(tmp_path / "drive", [])
    assert "has no speed topic '/can'; topics that may tell one: /car/speed (std_msgs/Float64)" in refused(
        bag, "--speed", "/can"
    )
    assert "has no /cabin/head_pose (geometry_msgs/msg/PoseWithCovarianceStamped) and no /cabin/expression" in refused(
        bag, "--namespace", "/cabin"
    )
    assert "none.yaml' cannot be read" in refused(bag, "--zones", tmp_path / "none.yaml")
    assert "nothing to draw" in refused(bag, "--output", tmp_path / "report")


def test_a_truncated_bag_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = write_bag(tmp_path / "cut", list(see(SCRIPT, SEEN)))
    file = next(bag.glob("*.mcap"))
    whole = file.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:2000] + bytes(2000) + whole[4000:]):
        file.write_bytes(damaged)
        assert main([str(bag), "--output", str(tmp_path / "report")]) == 2
        error = capsys.readouterr().err
        assert f"bag '{bag}' " in error and error.count("\n") == 1, error


def test_an_output_that_is_no_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag, taken = write_bag(tmp_path / "drive", list(see([Segment(1.0)], SEEN))), tmp_path / "taken"
    taken.write_text("a file")
    assert main([str(bag), "--output", str(taken)]) == 2
    error = capsys.readouterr().err
    assert str(taken) in error and error.count("\n") == 1
