"""The driver's attention over a recording: a picture of zones, glances, budget, eyes and alarms, and its transitions.

    python -m dense_face_ros.evaluation.attention_timeline drive_output/ --output report/

reads ``head_pose`` and ``expression`` of a rosbag2, as the tracker node or the evaluation wrote it, and the vehicle's
speed where a topic of it is named; runs the policy over them again and writes ``attention.png`` and ``attention.csv``.
Needs rosbags and matplotlib, not ROS.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.pairing import SamplePairing
from dense_face_ros.attention.states import Attention
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.attention import add_attention_options, asked_judge, asked_values
from dense_face_ros.evaluation.attention_picture import draw_timeline, played
from dense_face_ros.ros.bag_topics import decoder, open_reader, read_messages, speed_connections
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.message_readers import read_eyes, read_pose, stamp_of
from dense_face_ros.ros.vehicle_speed import VehicleSpeed

#: Topics that are read, as the tracker node names them, and their types.
_TYPES = {"head_pose": "geometry_msgs/msg/PoseWithCovarianceStamped", "expression": "sensor_msgs/msg/JointState"}
_COLUMNS = ("stamp", "seconds", "state", "previous_state", "zone", "glance", "budget_left", "perclos", "reason")


def transitions(states: Sequence[Attention]) -> Iterator[tuple[float, Attention | None, Attention]]:
    """(seconds, before, after) of every change of state, the first state included."""
    before: Attention | None = None
    for seconds, state in zip(played(states).tolist(), states, strict=True):
        if before is None or state.state is not before.state:
            yield seconds, before, state
        before = state


def write_transitions(states: Sequence[Attention], path: Path) -> None:
    """CSV with a line per change of state; ``seconds`` are those recorded since the first state."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for seconds, before, state in transitions(states):
            writer.writerow(
                [
                    f"{state.stamp:.3f}",
                    f"{seconds:.3f}",
                    state.state.value,
                    "" if before is None else before.state.value,
                    state.zone,
                    _cell(state.glance, 2),
                    _cell(state.budget_left, 2),
                    _cell(state.perclos, 3),
                    state.reason,
                ]
            )


def _cell(value: float | None, digits: int) -> str:
    return "" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def read_bag(path: Path, namespace: str = "", speed_topic: str = "", speed_type: str = "") -> Iterator[HeadSample]:
    """Samples of the topics ``head_pose`` and ``expression`` in a rosbag2, in the order of recording.

    Args:
        path: of the bag.
        namespace: of the topics.
        speed_topic, speed_type: of the vehicle's speed, as ``speed_connections`` takes them; no topic: unknown.

    Raises:
        SourceError: one line naming the bag, when it cannot be read, is damaged or has no such topic.
    """
    reader = open_reader(path)
    try:
        topics = {f"{namespace}/{name}": kind for name, kind in _TYPES.items()}
        speeds = speed_connections(str(path), reader.connections, speed_topic, speed_type, namespace)
        yield from _samples(str(path), reader, topics, speeds)
    finally:
        reader.close()


def _samples(name: str, reader: Any, topics: dict[str, str], speeds: list[Any]) -> Iterator[HeadSample]:
    wanted = [connection for connection in reader.connections if topics.get(connection.topic) == connection.msgtype]
    if not wanted:
        known = ", ".join(sorted({f"{c.topic} ({c.msgtype})" for c in reader.connections})) or "none"
        lacking = " and no ".join(f"{topic} ({kind})" for topic, kind in topics.items())
        raise SourceError(f"bag '{name}' has no {lacking}; its topics: {known}")
    pairing, vehicle = SamplePairing(), VehicleSpeed()
    for connection, recorded, message in read_messages(name, reader, [*wanted, *speeds], decoder()):
        now = 1e-9 * recorded
        if connection in speeds:
            vehicle.tell(message, now)
            continue
        if connection.topic.endswith("expression"):
            samples = pairing.expression(stamp_of(message), read_eyes(message), bool(message.name))
        else:
            samples = pairing.pose(stamp_of(message), *read_pose(message))
        for sample in samples:
            yield replace(sample, speed=vehicle.at(now))


@tells_bad_input(ImportError)
def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 when the bag or the zones cannot be used."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bag", type=Path, help="rosbag2 with head_pose and expression")
    parser.add_argument("--output", type=Path, default=Path("."), help="folder for attention.png and attention.csv")
    parser.add_argument("--namespace", default="", help="namespace of the topics, as /cabin")
    add_attention_options(parser)
    options = parser.parse_args(arguments)
    try:
        values = asked_values(options)
        judge = asked_judge(values, options.bag, f"{options.namespace}/head_pose")
        speed = str(values["speed_topic"]), str(values["speed_type"])
        samples = read_bag(options.bag, options.namespace, *speed)
        states = [state for sample in samples for state in judge.judge(sample)]
        options.output.mkdir(parents=True, exist_ok=True)
        draw_timeline(states, judge.policy.settings, judge.policy.zones, options.output / "attention.png")
        write_transitions(states, options.output / "attention.csv")
    except ModuleNotFoundError as error:
        raise ImportError(f"{error.name} is not installed: pip install {error.name}") from error
    for seconds, before, state in transitions(states):
        came = "" if before is None else f"{before.state.value} -> "
        print(f"{seconds:8.2f} s  {came}{state.state.value}: {state.reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
