"""The attention policy over a recording, as the attention node would run it over the tracker's messages."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.pairing import NO_POSE
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS, SIDES
from dense_face_ros.attention.states import Attention
from dense_face_ros.evaluation.recorded_mounting import CURE, recorded_mounting
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.attention_setup import attention_policy
from dense_face_ros.ros.bag_topics import is_bag
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.message_content import pose_covariance
from dense_face_ros.ros.parameter_file import read_parameters
from dense_face_ros.ros.parameter_spec import Value, checked
from dense_face_ros.ros.parameters import ATTENTION


def add_attention_options(parser: argparse.ArgumentParser) -> None:
    """The options that :func:`asked_values` reads: a parameter file, and what is said beside it."""
    parser.add_argument(
        "--attention-params-file", type=Path, metavar="YAML", help="parameter file of the attention node"
    )
    parser.add_argument("--preset", choices=PRESETS, help="of the thresholds (default: as the file, or euro_ncap)")
    parser.add_argument("--zones", help="zone file (default: as the file, or the shipped one)")
    parser.add_argument("--drive", choices=SIDES, help="side on which the driver sits (default: as the file, or left)")
    parser.add_argument(
        "--camera",
        type=float,
        nargs=3,
        metavar=("YAW", "PITCH", "ROLL"),
        help="mounting of the camera, degrees, as the node's parameters (default: as the file, or learned)",
    )
    parser.add_argument(
        "--speed",
        metavar="TOPIC",
        help="topic of the vehicle's speed, of any type the node takes; '' judges without (default: as the file)",
    )


def asked_values(options: argparse.Namespace) -> dict[str, Value]:
    """The attention node's parameters as the options ask for them; ``speed_type`` is empty where any will do.

    Raises:
        OSError, ValueError: naming the file, parameter or option.
    """
    values = read_parameters(options.attention_params_file, "attention")
    said: dict[str, Value | None] = {name: getattr(options, name) for name in ("preset", "zones", "drive")}
    said["speed_topic"] = options.speed
    if options.camera is not None:
        angles = zip(("camera_yaw", "camera_pitch", "camera_roll"), options.camera, strict=True)
        said |= {"mounting": "parameters", **dict(angles)}
    values |= checked({name: value for name, value in said.items() if value is not None}, ATTENTION)
    # Here its type may be left open, which the node does not know.
    return values if options.speed is None else {**values, "speed_type": ""}


def asked_judge(values: dict[str, Any], recording: Path, topic: str) -> AttentionJudge:
    """The judge with these parameters of the node.

    Args:
        values: the parameters.
        recording: tells the mounting where that is to come from tf.
        topic: of it, whose messages are in the camera's frame.

    Raises:
        OSError, ValueError: naming the file, the parameter, or what the recording lacks.
    """
    policy = attention_policy(values)
    if values["mounting"] == "tf":
        if recording.exists() and not is_bag(recording):
            raise SourceError(f"parameter 'mounting' is 'tf' and '{recording}' is no bag; {CURE}")
        policy.heading.mounting = recorded_mounting(recording, topic, str(values["car_frame"]))
    return AttentionJudge(policy, values["max_silence"])


def head_sample(state: HeadState, stamp: float, speed: float | None = None, with_pose: bool = True) -> HeadSample:
    """What the attention node is told of a frame.

    Args:
        state: of the head.
        stamp: seconds.
        speed: of the vehicle, m/s; None where unknown.
        with_pose: False: the pose is withheld, for want of a camera.
    """
    if state.status is not Status.TRACKING:
        return HeadSample(stamp, speed=speed)
    if not with_pose:
        return HeadSample(stamp, eye_openness=state.eye_openness, speed=speed, lacking=NO_POSE)
    return HeadSample(stamp, state.pose[:3, :3], pose_covariance(state), state.eye_openness, speed)


class AttentionJudge:
    """The policy over the samples of a recording, in order, as the attention node runs it over messages.

    Args:
        policy: see there.
        max_silence: seconds without a sample after which nothing is known. The node tells them by its clock, which in a
            recording is that of the stamps.
    """

    def __init__(self, policy: AttentionPolicy, max_silence: float) -> None:
        self.policy, self._max_silence = policy, max_silence
        self._last: float | None = None

    def judge(self, sample: HeadSample) -> list[Attention]:
        """What is concluded, in order: of the silence before the sample, if there was one, and of the sample."""
        told = []
        if self._last is not None and sample.stamp - self._last > self._max_silence:
            reason = f"nothing recorded for {self._max_silence:g} s"
            told.append(self.policy.lapse(self._last + self._max_silence, reason))
        told.append(self.policy.update(sample))
        self._last = told[-1].stamp
        return told
