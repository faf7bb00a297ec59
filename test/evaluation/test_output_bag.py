from __future__ import annotations

import errno
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed")

from ros.fake_tracker import make_model, tracked_state
from rosbags.rosbag2 import Reader, Writer
from rosbags.typesys import Stores, get_typestore

from dense_face_ros.attention.directions import HeadDirection
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.evaluation.output_bag import TOPICS, OutputBag, attention_messages, messages
from dense_face_ros.evaluation.recording import RecordedFrame
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status

CAMERA = PinholeCamera(500.0, 500.0, 319.5, 239.5, 640, 480)
ASSUMED = PinholeCamera.from_field_of_view(640, 480)
SECOND = 1_000_000_000
STORE = get_typestore(Stores.ROS2_JAZZY)


def frame(camera: PinholeCamera = CAMERA) -> RecordedFrame:
    stamp = 1_700_000_000_250_000_000
    return RecordedFrame(stamp, stamp + 7, "camera", np.zeros((480, 640, 3), np.uint8), camera, "")


def attention(state: State = State.ATTENTIVE, stamp: float = 1_700_000_000.25, **known: Any) -> Attention:
    """Of which nothing is known but what is given."""
    unknown = {"budget_left": None, "degraded": "", "last_known": None, "glance": math.nan, "perclos": math.nan}
    return Attention(stamp, state, "why", stamp, "road", closure=0.0, **{**unknown, **known})


def lost() -> HeadState:
    return HeadState.without_head(0.0, Status.LOST, "hidden", CAMERA, 6, 3)


@pytest.mark.parametrize(("camera", "with_pose"), [(CAMERA, True), (ASSUMED, True), (ASSUMED, False)])
def test_messages_are_those_of_the_node(camera: PinholeCamera, with_pose: bool) -> None:
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    from rclpy.serialization import deserialize_message
    from std_msgs.msg import Header

    from dense_face_ros.ros import messages as node

    header = Header(frame_id="camera")
    header.stamp.sec, header.stamp.nanosec = 1_700_000_000, 250_000_000
    for state in (tracked_state(make_model(), 1.0, camera), lost()):
        wanted = {
            "/landmarks": node.landmarks_message(state, header, with_pose),
            "/expression": node.expression_message(state, header),
        }
        if state.status is Status.TRACKING and with_pose:
            wanted["/head_pose"] = node.pose_message(state, header)
            wanted["/head_pose/raw"] = node.pose_message(state, header, raw=True)
        made = messages(STORE, frame(camera), state, with_pose)
        assert made.keys() == wanted.keys()
        for topic, message in made.items():
            data = bytes(STORE.serialize_cdr(message, TOPICS[topic]))
            assert deserialize_message(data, type(wanted[topic])) == wanted[topic], topic


def test_written_at_the_time_of_recording(tmp_path: Path) -> None:
    with OutputBag(tmp_path / "bag") as bag:
        bag.write(frame(), tracked_state(make_model(), 1.0, CAMERA))
        bag.write(frame(), lost())
    with Reader(tmp_path / "bag") as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        assert {topic: count for topic, count in counts.items() if count} == {
            "/head_pose": 1, "/head_pose/raw": 1, "/landmarks": 2, "/expression": 2
        }  # fmt: skip
        assert {at for _, at, _ in reader.messages()} == {frame().recorded}


@pytest.mark.parametrize("step", ["open", "add_connection", "write", "close"])
def test_a_bag_for_which_there_is_no_room_is_not_left_behind(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(writer: Writer, *_: object, **__: object) -> None:
        (tmp_path / "bag").mkdir(exist_ok=True)  # as opening does first
        raise OSError(errno.ENOSPC, "No space left on device")

    def written() -> None:
        with OutputBag(tmp_path / "bag") as bag:
            bag.write(frame(), lost())

    with monkeypatch.context() as patched:
        patched.setattr(Writer, step, full)
        with pytest.raises(OSError, match="No space left"):
            written()
    assert not (tmp_path / "bag").exists()
    written()


@pytest.mark.parametrize("state", State)
def test_attention_is_that_of_the_node(state: State) -> None:
    pytest.importorskip("diagnostic_msgs", reason="ROS messages are not installed: see requirements/ros-jazzy.txt")
    from dense_face_ros.ros import attention_messages as node

    known: dict[str, Any] = {"glance": 1.234, "perclos": 0.2, "budget_left": 3.0, "last_known": State.DROWSY}
    known |= {"direction": HeadDirection(1.0, 2.0, 0.5), "mounting": (3.0, -4.0, 0.0)}
    name, source, before = "/attention: driver attention", "/head_pose", attention()
    for told in (attention(state), attention(state, **known), attention(state, **known, degraded="eyes not seen")):
        made = attention_messages(STORE, told, before)
        wanted = {"/attention": node.attention_message(told, name, source)}
        if "/attention/events" in made:
            wanted["/attention/events"] = node.event_message(told, before, name, source)
        assert {topic: _plain(message) for topic, message in made.items()} == {
            topic: _plain(message) for topic, message in wanted.items()
        }
    first = attention_messages(STORE, before, None)["/attention/events"]
    assert _plain(first) == _plain(node.event_message(before, None, name, source))


def _plain(status: Any) -> tuple[object, ...]:
    level = status.level if isinstance(status.level, int) else status.level[0]
    values = [(pair.key, pair.value) for pair in status.values]
    return level, status.name, status.message, status.hardware_id, values


def test_a_change_is_an_event_and_nothing_else_is() -> None:
    before = attention()
    later = replace(before, stamp=before.stamp + 1.0, reason="another", glance=0.5, zone="mirror")
    assert "/attention/events" not in attention_messages(STORE, later, before)
    for change in ({"state": State.SLEEP}, {"degraded": "eyes not seen"}, {"last_known": State.ATTENTIVE}):
        assert "/attention/events" in attention_messages(STORE, replace(later, **change), before)


def test_attention_is_written_when_it_is_told(tmp_path: Path) -> None:
    """The second frame comes 10 s after the first, recorded late; the third was replayed at ten times the pace."""
    before, late = frame(), replace(frame(), stamp=frame().stamp + 10 * SECOND, recorded=frame().recorded + 11 * SECOND)
    quick = replace(late, stamp=late.stamp + 10 * SECOND, recorded=late.recorded + SECOND)
    asleep = attention(State.SLEEP)
    with OutputBag(tmp_path / "bag") as bag:
        bag.write_attention(before, [asleep])
        for one in (late, quick):
            now = 1e-9 * one.stamp
            bag.write_attention(one, [attention(State.UNKNOWN, now - 9.5), replace(asleep, stamp=now)])
    with Reader(tmp_path / "bag") as reader:
        told = [(at, c.topic, STORE.deserialize_cdr(data, c.msgtype)) for c, at, data in reader.messages()]
        kept = {c.topic: (c.ext.offered_qos_profiles, c.msgcount) for c in reader.connections}
    events = [(at, message) for at, topic, message in told if topic == "/attention/events"]
    wanted = [0.0, 1.5, 11.0, 11.0, 12.0]
    assert [at - before.recorded for at, _ in events] == pytest.approx([SECOND * time for time in wanted], abs=1000)
    assert [(message.level, message.values[-1].value) for _, message in events] == [
        (2, "none"), (3, "sleep"), (2, "unknown"), (3, "sleep"), (2, "unknown")
    ]  # fmt: skip
    latched = [
        (qos.depth, qos.durability.name) for topic in ("/attention", "/attention/events") for qos in kept[topic][0]
    ]
    assert latched == [(1, "TRANSIENT_LOCAL"), (20, "TRANSIENT_LOCAL")] and not kept["/head_pose"][0]


def test_half_a_bag_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), OutputBag(tmp_path / "bag") as bag:
        bag.write(frame(), lost())
        raise RuntimeError
    assert not (tmp_path / "bag").exists()
