"""The driver's attention over a recording: a picture of zones, glances, budget, eyes and alarms, and its transitions.

    python -m dense_face_ros.evaluation.attention_timeline drive_output/ --output report/

reads ``head_pose`` and ``expression`` of a rosbag2, as the tracker node or the evaluation wrote it, runs the policy
over them again and writes ``attention.png`` and ``attention.csv``. Needs rosbags and matplotlib, not ROS.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.neutral_pose import NeutralPose
from dense_face_ros.attention.pairing import SamplePairing
from dense_face_ros.attention.policy import AttentionPolicy, HeadSample
from dense_face_ros.attention.settings import PRESETS, SIDES, AttentionSettings
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.attention.zones import ELSEWHERE, UNDECIDED, UNKNOWN, ZoneMap

_COLOURS = {
    State.UNKNOWN: "0.75",
    State.ATTENTIVE: "tab:green",
    State.DROWSY: "gold",
    State.REPEATED_DISTRACTION: "orange",
    State.LONG_DISTRACTION: "darkorange",
    State.MICROSLEEP: "tomato",
    State.SLEEP: "red",
    State.UNRESPONSIVE: "darkred",
}
_COLUMNS = ("stamp", "seconds", "state", "previous_state", "zone", "glance", "budget_left", "perclos", "reason")


def judge(samples: Iterable[HeadSample], policy: AttentionPolicy) -> list[Attention]:
    """The policy's answer to every sample."""
    return [policy.update(sample) for sample in samples]


def transitions(states: Sequence[Attention]) -> Iterator[tuple[Attention | None, Attention]]:
    """(before, after) of every change of state, the first state included."""
    before: Attention | None = None
    for state in states:
        if before is None or state.state is not before.state:
            yield before, state
        before = state


def write_transitions(states: Sequence[Attention], path: Path) -> None:
    """CSV with a line per change of state; ``seconds`` count from the first state."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for before, state in transitions(states):
            writer.writerow(
                [
                    f"{state.stamp:.3f}",
                    f"{state.stamp - states[0].stamp:.3f}",
                    state.state.value,
                    "" if before is None else before.state.value,
                    state.zone,
                    f"{state.glance:.2f}",
                    "" if state.budget_left is None else f"{state.budget_left:.2f}",
                    "" if np.isnan(state.perclos) else f"{state.perclos:.3f}",
                    state.reason,
                ]
            )


def draw_timeline(states: Sequence[Attention], settings: AttentionSettings, zones: ZoneMap, path: Path) -> None:
    """PNG: states, zones, glance with its limit, budget left, and closed eyes with PERCLOS over time.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: there are no states.
    """
    from matplotlib.figure import Figure

    if not states:
        raise ValueError("there is nothing to draw: no head pose and no expression was given")
    time = np.array([state.stamp for state in states]) - states[0].stamp
    figure = Figure(figsize=(14, 9), layout="constrained")
    axes = figure.subplots(5, 1, sharex=True, height_ratios=(0.8, 2.2, 1, 1, 1))
    end = time[-1] + (np.median(np.diff(time)) if len(time) > 1 else 0.1)
    changes = [state for _, state in transitions(states)]
    starts = [state.stamp - states[0].stamp for state in changes]
    for state, start, stop in zip(changes, starts, [*starts[1:], end], strict=True):
        axes[0].axvspan(start, stop, color=_COLOURS[state.state], linewidth=0)
    for kind in sorted({state.state for state in changes}, key=lambda s: s.severity):
        axes[0].plot([], [], color=_COLOURS[kind], linewidth=8, label=kind.value)
    axes[0].legend(ncols=8, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    axes[0].set(yticks=[], ylabel="state")

    names = [UNKNOWN, *(zone.name for zone in zones.zones), ELSEWHERE, UNDECIDED]
    seen = [name for name in names if any(state.zone == name for state in states)]
    axes[1].plot(time, [seen.index(state.zone) for state in states], ".", markersize=2, color="tab:blue")
    axes[1].set_yticks(range(len(seen)), seen)
    axes[1].set(ylabel="zone", ylim=(len(seen) - 0.5, -0.5))
    axes[1].grid(axis="y", alpha=0.4)

    axes[2].plot(time, [state.glance for state in states], color="tab:blue")
    axes[2].axhline(settings.strictest_glance, color="tab:red", linewidth=0.8)
    axes[2].set(ylabel="glance away (s)")
    if settings.budget is not None:
        axes[3].plot(time, [state.budget_left for state in states], color="tab:blue")
        axes[3].set(ylim=(0, 1.05 * settings.budget))
    axes[3].set(ylabel="budget left (s)")

    axes[4].plot(time, [state.closure for state in states], color="tab:blue", label="eyes closed (s)")
    axes[4].set(ylabel="eyes closed (s)", xlabel="seconds", xlim=(0, end))
    share = axes[4].twinx()
    share.plot(time, [100 * state.perclos for state in states], color="tab:orange")
    share.axhline(100 * settings.perclos_drowsy, color="tab:orange", linewidth=0.8, linestyle=":")
    share.set_ylim(0, 100 * float(np.nanmax([0.3, *(state.perclos for state in states)])))
    share.set_ylabel("PERCLOS (%)", color="tab:orange")
    figure.suptitle(f"driver attention, preset {settings.preset}")
    figure.savefig(path, dpi=110)


def read_bag(path: Path, namespace: str = "") -> Iterator[HeadSample]:
    """Samples of the topics ``head_pose`` and ``expression`` in a rosbag2, in the order of recording.

    Raises:
        ModuleNotFoundError: rosbags is not installed.
        ValueError: naming the bag, when it has no such topic.
    """
    from rosbags.highlevel import AnyReader, AnyReaderError
    from rosbags.typesys import Stores, get_typestore

    topics = {f"{namespace}/head_pose", f"{namespace}/expression"}
    try:
        with AnyReader([path], default_typestore=get_typestore(Stores.ROS2_JAZZY)) as reader:
            wanted = [connection for connection in reader.connections if connection.topic in topics]
            if not wanted:
                known = ", ".join(sorted({connection.topic for connection in reader.connections})) or "none"
                raise ValueError(f"bag '{path}' has no {' and no '.join(sorted(topics))}; its topics: {known}")
            pairing = SamplePairing()
            for connection, _, data in reader.messages(wanted):
                message: Any = reader.deserialize(data, connection.msgtype)
                stamp = int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)
                if connection.topic.endswith("expression"):
                    values = dict(zip(message.name, message.position, strict=False))
                    eyes = tuple(float(values.get(f"eye_openness_{side}", np.nan)) for side in SIDES)
                    yield from pairing.expression(stamp, (eyes[0], eyes[1]), bool(message.name))
                else:
                    q = message.pose.pose.orientation
                    rotation = np.asarray(Rotation.from_quat([q.x, q.y, q.z, q.w]).as_matrix())
                    covariance = np.asarray(message.pose.covariance, dtype=np.float64).reshape(6, 6)
                    yield from pairing.pose(stamp, rotation, covariance)
    except (AnyReaderError, OSError) as error:
        raise ValueError(f"bag '{path}' cannot be read: {error}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 2 when the bag or the zones cannot be used."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bag", type=Path, help="rosbag2 with head_pose and expression")
    parser.add_argument("--output", type=Path, default=Path("."), help="folder for attention.png and attention.csv")
    parser.add_argument("--namespace", default="", help="namespace of the topics, as /cabin")
    parser.add_argument("--preset", choices=[name for name in PRESETS if name != "custom"], default="euro_ncap")
    parser.add_argument("--zones", type=Path, help="zone file; default: the shipped one")
    parser.add_argument("--drive", choices=SIDES, default=SIDES[0], help="side on which the driver sits")
    parser.add_argument(
        "--camera",
        type=float,
        nargs=3,
        metavar=("YAW", "PITCH", "ROLL"),
        help="mounting of the camera, degrees (as the node's parameters); default: learned from the drive",
    )
    options = parser.parse_args(arguments)
    settings = PRESETS[options.preset]
    try:
        zones = ZoneMap.load(options.zones, options.drive)
        mounting = camera_mounting(*(options.camera or (0.0, 0.0, 0.0)))
        policy = AttentionPolicy(settings, zones, mounting, None if options.camera else NeutralPose())
        states = judge(read_bag(options.bag, options.namespace), policy)
        options.output.mkdir(parents=True, exist_ok=True)
        draw_timeline(states, settings, zones, options.output / "attention.png")
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed: pip install {error.name}", file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    write_transitions(states, options.output / "attention.csv")
    for before, state in transitions(states):
        came = "" if before is None else f"{before.state.value} -> "
        print(f"{state.stamp - states[0].stamp:8.2f} s  {came}{state.state.value}: {state.reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
