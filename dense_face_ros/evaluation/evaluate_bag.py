"""Track a recording offline and report: ``evaluate_bag BAG [--output FOLDER] [--compare OTHER]``.

Takes a rosbag2 (mcap, sqlite3), a video or a folder of images, with or without ROS:
``python -m dense_face_ros.evaluation.evaluate_bag BAG``. Every frame that the tracker node would answer is tracked,
in order; two runs give the same results. Writes into the output folder

- ``report.html``: time lines of pose, status, latency, jitter, expression and attention, key frames; one file,
- ``frames.csv`` (and ``frames.parquet`` where pyarrow is installed): a row per frame,
- ``summary.json``: the figures, and by which version, network, machine and parameters they came to be,
- ``bag``: a rosbag2 (mcap) of the topics the nodes would have published, the vehicle's speed and ``/tf_static``,
- ``comparison.html`` and ``comparison.json``, with ``--compare``: against the output folder of another run over the
  same recording.

True poses, camera <- head, are taken from a PoseStamped or PoseWithCovarianceStamped topic that ends in
``head_pose/truth``, or that ``--truth`` names.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.backends.choose import REPRODUCIBLE_BACKENDS, wait_until_running
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.evaluation.alarms import ALARM_HEADER, alarm_table, counted
from dense_face_ros.evaluation.attention import add_attention_options, asked_judge, asked_values
from dense_face_ros.evaluation.bag import BagRecording
from dense_face_ros.evaluation.compare import EYE_HEADER, HEADER, TABLE, compare, comparison_table, eye_table
from dense_face_ros.evaluation.comparison_page import comparison_page
from dense_face_ros.evaluation.frame_table import FrameColumns
from dense_face_ros.evaluation.page import shown
from dense_face_ros.evaluation.provenance import origin, provenance
from dense_face_ros.evaluation.recording import FileRecording, Recording
from dense_face_ros.evaluation.report import figures, report
from dense_face_ros.evaluation.run import Tracker, run
from dense_face_ros.evaluation.summary import summary
from dense_face_ros.ros.bag_topics import is_bag
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.parameter_file import read_parameters
from dense_face_ros.ros.parameter_spec import ParameterSpec, Value, checked, defaults
from dense_face_ros.ros.parameters import ATTENTION, TRACKER
from dense_face_ros.ros.tracker_setup import face_tracker
from dense_face_ros.upright import ROTATIONS
from dense_face_ros.whole_files import write_json, write_text


@tells_bad_input(ImportError, NetworkUnavailable)
def main(arguments: list[str] | None = None, tracker: Tracker | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input. ``tracker`` stands in for ``FaceTracker``."""
    options = _parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: half a bag is removed
    try:
        evaluate(options, tracker)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def evaluate(options: argparse.Namespace, tracker: Tracker | None) -> None:
    """Do what the command line says.

    Raises:
        OSError, ValueError, ImportError, NetworkUnavailable: one line that names the file, topic or package.
    """
    output: Path = options.output or Path(f"{options.recording.resolve().stem}_evaluation")
    if (output / "bag").exists():
        raise FileExistsError(f"'{output / 'bag'}' exists already; name another --output or remove it")
    if options.compare is not None:
        if options.compare.resolve() == output.resolve():
            raise ValueError(f"--compare is '{options.compare}', the folder that is written to; name another --output")
        FrameColumns.read_csv(options.compare / TABLE)  # before the recording is tracked, not after
    values, attention = tracker_values(options), asked_values(options)
    recording = open_recording(options, values, str(attention["speed_topic"]), str(attention["speed_type"]))
    cv2.setNumThreads(options.threads)  # as the node does, so that times are those of as many threads
    try:
        judge = asked_judge(attention, options.recording, recording.topic)
        # Of what is loaded now: a training may write other files meanwhile.
        files = {name: Path(values[name]) if values[name] else None for name in ("network", "model", "finder")}
        source = provenance(**files)
        if tracker is None:
            face = face_tracker(values)
            wait_until_running(face.network)
            tracker = face
        output.mkdir(parents=True, exist_ok=True)
        for old in ("comparison.html", "comparison.json", "frames.parquet"):  # of a run that may not be made anew
            (output / old).unlink(missing_ok=True)
        result = run(tracker, recording, judge, output / "bag", values["require_camera_info"])
    finally:
        recording.close()
    found = summary(result)
    result.columns.write_csv(output / TABLE)
    if not result.columns.write_parquet(output / "frames.parquet"):
        print("no frames.parquet: pyarrow is not installed (pip install pyarrow)", file=sys.stderr)
    changed = {"parameters": _changed(values, TRACKER), "attention_parameters": _changed(attention, ATTENTION)}
    # Its folder is one of this machine; its name may be of bytes that are no text.
    name = os.fsencode(options.recording.resolve().name).decode("utf-8", "replace")
    write_json(
        output / "summary.json", {"recording": name, "topic": recording.topic, **found, **changed, "provenance": source}
    )
    write_text(output / "report.html", report(name, result, found, origin(source)))
    for title, value in figures(found):
        print(f"{title}: {shown(value)}")
    for note in found["notes"]:
        print(f"note: {note}", file=sys.stderr)
    if not found["metric"]:
        print("note: the field of view is assumed in some frames, and distances there are guesses", file=sys.stderr)
    if options.compare is not None:
        _compare(output, options.compare)
    print(f"written to {output}")


def _compare(output: Path, other: Path) -> None:
    """Write and print how another run differs."""
    found = compare(output, other)
    write_text(output / "comparison.html", comparison_page(output, other, found))
    told = {"this": str(output), "other": str(other), **found.as_json()}
    write_json(output / "comparison.json", told)
    tables: list[tuple[Sequence[str], Sequence[Sequence[object]]]] = [
        (HEADER, comparison_table(found.differences)),
        (EYE_HEADER, eye_table(found)),
    ]
    if found.alarms:
        tables.append((ALARM_HEADER, alarm_table(found.alarms)))
    for header, rows in tables:
        print("\n" + "; ".join(header))
        for row in rows:
            print("; ".join(map(shown, row)))
    print("\n" + counted(found.alarms))
    if found.note:
        print(f"note: {found.note}", file=sys.stderr)


def _changed(values: dict[str, Value], table: tuple[ParameterSpec, ...]) -> dict[str, Value]:
    """The parameters that are not as usual."""
    usual = defaults(table)
    return {name: value for name, value in values.items() if value != usual[name]}


def tracker_values(options: argparse.Namespace) -> dict[str, Any]:
    """The tracker's parameters: those of the file, and what else the command line says; the engine is its alone.

    Raises:
        OSError, ValueError: naming the file and the parameter.
    """
    values = read_parameters(options.params_file, "tracker")
    names = ("rectified", "field_of_view", "image_rotation", "network", "backend", "threads")
    said = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return {**values, **checked(said, TRACKER)}


def open_recording(options: argparse.Namespace, values: dict[str, Any], speed_topic: str, speed_type: str) -> Recording:
    """The bag, video or folder that is asked for, decoded and seen by a camera as the tracker's parameters tell.

    Raises:
        FileNotFoundError, SourceError: one line naming it.
    """
    path: Path = options.recording
    if not path.exists():
        raise FileNotFoundError(f"'{path}' does not exist; give a rosbag2, a video or a folder of images")
    if is_bag(path):
        camera = values["rectified"], values["field_of_view"]
        speed = speed_topic, speed_type
        return BagRecording(path, options.topic, options.truth, *camera, *speed, values["bit_depth"])
    for option, value in {"--topic": options.topic, "--truth": options.truth, "--rectified": options.rectified}.items():
        if value:
            raise SourceError(f"'{path}' is no bag and has no topics; leave out {option}")
    if speed_topic:
        raise SourceError(f"'{path}' is no bag and has no speed topic '{speed_topic}'; judge without with --speed ''")
    return FileRecording(path, values["field_of_view"], values["bit_depth"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate_bag", description="Track a recording offline and report.")
    parser.add_argument("recording", type=Path, help="rosbag2 (folder, .mcap, .db3), video or folder of images")
    parser.add_argument("--output", type=Path, help="folder to write into (default: NAME_evaluation)")
    parser.add_argument("--compare", type=Path, metavar="OTHER", help="output folder of another run to compare with")
    parser.add_argument("--topic", default="", help="image topic of the bag (default: its only one)")
    parser.add_argument("--truth", default="", help="topic of true head poses (default: */head_pose/truth)")
    parser.add_argument(
        "--image-rotation",
        type=int,
        choices=ROTATIONS,
        help="degrees clockwise to images upright (default: as the file, or 0)",
    )
    parser.add_argument(
        "--rectified", action="store_true", default=None, help="the images are rectified: use P of camera_info"
    )
    parser.add_argument(
        "--field-of-view", type=float, help="degrees across the longer side, without camera_info (default: 60)"
    )
    parser.add_argument("--params-file", type=Path, metavar="YAML", help="parameter file of the tracker node")
    add_attention_options(parser)
    parser.add_argument("--network", help="correspondence network (.onnx) instead of the file's, or the shipped one")
    parser.add_argument("--backend", choices=REPRODUCIBLE_BACKENDS, default="onnxruntime-cpu", help="inference engine")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of the inference and of OpenCV (default 1)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
