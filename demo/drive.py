"""Scripted drives through the real nodes: ``python -m demo.drive phone_in_the_lap [--output FOLDER]``.

Renders the drive, plays it with image_source to a tracker and an attention node, each a process of its own, over DDS,
and compares the states told with those of the script. The images keep the stamps of the drive and its time is the
nodes' time, so that the states do not depend on the machine as long as it keeps up with ``--rate``.

Leaves in the output folder, per drive: the nodes' logs, ``attention.csv`` and ``attention.png``; ``--json`` keeps what
was told of all drives. Exit code 0 where all went as scripted, 1 where one did not, 2 when something else failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from demo.attention_watcher import AttentionWatcher
from demo.listening import listen_until, listening, wait_until_active
from demo.processes import ATTENTION, TRACKER, DemoError, NodeProcess, end_in_order, image_source, quoted, ros_arguments
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.attention_picture import draw_timeline
from dense_face_ros.evaluation.attention_timeline import write_transitions
from dense_face_ros.face_model import FaceModel
from training.make_drive import write_bag
from training.rendering.drive import DRIVES, Drive, DriveRenderer
from training.result_files import Result, check_destination, write_result

#: The drives are too short for a mounting to be learned, and are filmed from straight ahead.
MOUNTED = {"mounting": "parameters"}
#: Seconds, the longest. The nodes' time stands still between two frames, while the machine is busy and after the last
#: frame: that is no silence of the drive.
_MAX_SILENCE = {"max_silence": "10.0"}
_LAST_ANSWERS = 5.0  # seconds to wait for them
_KEPT_UP = 0.9  # share of frames that are answered where nothing was dropped but a few


def play(
    bag: Path, output: Path, attention: Mapping[str, str] = MOUNTED, rate: float = 0.0, network: str = ""
) -> AttentionWatcher:
    """Play a bag of compressed images to the nodes; what the attention node said.

    Args:
        bag: rosbag2.
        output: folder for the nodes' logs.
        attention: parameters of the attention node.
        rate: frames per second of the clock on the wall; 0: as recorded.
        network: as the tracker's parameter; empty: the default one.

    Raises:
        DemoError: a node failed.
    """
    node = {"autostart": "true", "use_sim_time": "true"}
    clock = {"publish_clock": "true", "rate": f"{rate:.3f}"}
    tracking = {**node, "compressed": "true", "network": quoted(network)}
    with (
        listening(AttentionWatcher, first_domain=101) as (watcher, executor),
        NodeProcess("tracker", [*TRACKER, *ros_arguments(tracking)], output) as tracker,
        NodeProcess("attention", [*ATTENTION, *ros_arguments({**node, **_MAX_SILENCE, **attention})], output) as judge,
    ):
        nodes = (tracker, judge)
        for topic, process in zip(("image/compressed", "head_pose"), nodes, strict=True):
            wait_until_active(process, partial(watcher.is_heard, topic), executor, nodes)
        with NodeProcess("image_source", image_source(str(bag.absolute()), clock), output) as camera:
            listen_until(lambda: camera.exit_code is not None, executor, nodes)
            if camera.exit_code != 0:
                camera.check()
            listen_until(lambda: watcher.answered_all, executor, nodes, _LAST_ANSWERS)
    if not watcher.changes:
        raise DemoError(f"the attention node told nothing; the logs are in '{output}'")
    return watcher


def show(
    name: str,
    drive: Drive,
    output: Path,
    attention: Mapping[str, str] = MOUNTED,
    rate: float = 0.0,
    network: str = "",
) -> Result:
    """Render, play and report a drive; the arguments are those of :func:`play`.

    Returns:
        ``frames`` played and ``answers`` to them; the ``alarms`` of the script and the changes of state that were
        ``told``, each as [state, seconds from the first frame]; and the ``objections``, none where it went as scripted.

    Raises:
        DemoError: a node failed.
        OSError: a file cannot be written.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        bag = Path(folder) / name
        print(f"{name}: rendering {drive.duration:g} s", flush=True)
        renderer = DriveRenderer(FaceModel.load(), drive)
        write_bag(bag, renderer.truth, renderer.frames())
        watcher = play(bag, output, attention, rate, network)
    print(f"{name}: {len(watcher.frames)} frames played, {len(watcher.states)} answers")
    if len(watcher.states) < _KEPT_UP * len(watcher.frames):
        print("  the machine did not keep up: frames were dropped and answered late; try a lower --rate")
    for change, lag in zip(watcher.changes, watcher.lags, strict=True):
        told = f"{change.stamp - watcher.start:6.2f} s  {change.state.value}: {change.reason}"
        print(f"{told} ({lag} frame{'' if lag == 1 else 's'} later)")
    objections = drive.objections((change.state, change.stamp - watcher.start) for change in watcher.changes)
    for objection in objections:
        print(f"  {objection}")
    print(f"{name}: {'not ' if objections else ''}as scripted", flush=True)
    if watcher.states:
        write_transitions(watcher.states, output / "attention.csv")
        draw_timeline(watcher.states, PRESETS["euro_ncap"], ZoneMap.load(), output / "attention.png")
    return {
        "frames": len(watcher.frames),
        "answers": len(watcher.states),
        "alarms": [[state.value, time] for state, time in drive.alarms],
        "told": [[change.state.value, round(change.stamp - watcher.start, 3)] for change in watcher.changes],
        "objections": objections,
    }


@tells_bad_input(ImportError, DemoError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; see the module for the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.drive", description="Scripted drives through the real nodes.")
    parser.add_argument("drives", nargs="+", choices=sorted(DRIVES), metavar="DRIVE", help=", ".join(sorted(DRIVES)))
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder for what is left behind")
    parser.add_argument("--rate", type=float, default=0.0, help="frames per second (default: as recorded, 30)")
    parser.add_argument(
        "--network", default="", help="correspondence network for the shipped face model, as the tracker takes it"
    )
    parser.add_argument("--json", type=Path, help="file for what was told, and how it came about")
    options = parser.parse_args(arguments)
    if find_spec("matplotlib") is None:  # better before a drive was rendered and played than after it
        raise ImportError("matplotlib is not installed, which draws the timelines: pip install matplotlib")
    end_in_order()
    try:
        check_destination(options.json)
        used = network_path(Path(options.network)) if options.network else None
        shown = {
            name: show(name, DRIVES[name], options.output / name, rate=options.rate, network=options.network)
            for name in options.drives
        }
        write_result(options.json, {"benchmark": "node_drives", "rate": options.rate, "shown": shown}, used)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 1 if any(drive["objections"] for drive in shown.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
