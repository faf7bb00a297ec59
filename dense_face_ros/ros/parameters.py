"""Every parameter of the nodes, declared once: descriptors, checks and documentation all come from these tables.

Needs no ROS installation. ``python3 -m dense_face_ros.ros.parameters`` prints the tables as Markdown.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from dense_face_ros.attention.settings import PRESETS, SIDES
from dense_face_ros.backends.choose import BACKENDS
from dense_face_ros.ros.vehicle_speed import SPEED_TYPES

Value = bool | int | float | str

#: When a new value takes effect. Those read at the start cannot be changed while the node lives.
Applied = Literal["at once", "on configure", "at start"]


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter. Its type is that of ``default``; numbers always have both bounds, in ``unit``, and whole ones are
    ``minimum`` and so many times ``step``."""

    name: str
    default: Value
    description: str
    applied: Applied
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: int = 1
    choices: tuple[str, ...] = ()

    @property
    def read_only(self) -> bool:
        """Whether ROS must refuse to change it after the start."""
        return self.applied == "at start"

    @property
    def constraint(self) -> str:
        """The permitted values in words, or empty."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.minimum is not None:
            steps = f" in steps of {self.step}" if self.step != 1 else ""
            return f"{self.minimum:g} to {self.maximum:g}{' ' + self.unit if self.unit else ''}{steps}"
        return ""

    def checked(self, value: object) -> Value:
        """``value`` as this parameter's type; whole numbers may stand for decimals and for strings.

        Raises:
            ValueError: naming the parameter, what was given and what is permitted.
        """
        kind = type(self.default)
        if isinstance(value, int) and not isinstance(value, bool) and kind in (float, str):
            value = kind(value)
        if type(value) is not kind:
            raise ValueError(f"parameter '{self.name}' is {value!r}; it must be a {_KIND_NAMES[kind]}")
        if isinstance(value, str) and self.choices and value not in self.choices:
            raise ValueError(f"parameter '{self.name}' is '{value}'; it must be {self.constraint}")
        if isinstance(value, (int, float)) and not self._within(value):
            raise ValueError(f"parameter '{self.name}' is {value}; it must be {self.constraint}")
        return value

    def _within(self, value: float) -> bool:
        """Whether a number respects the bounds and, a whole one, the steps; not a number does not."""
        if self.minimum is None or self.maximum is None:
            return True
        in_step = not isinstance(value, int) or (value - self.minimum) % self.step == 0
        return self.minimum <= value <= self.maximum and in_step


#: Parameters that every ROS node may be given.
COMMON = ("use_sim_time", "start_type_description_service", "qos_overrides")

_KIND_NAMES = {bool: "boolean", int: "whole number", float: "decimal number", str: "string"}

TRACKER: tuple[ParameterSpec, ...] = (
    ParameterSpec("model", "", "Face model file (.npz); empty: the shipped one.", "on configure"),
    ParameterSpec(
        "network",
        "",
        "Correspondence network (.onnx): a file or a shipped one's name; empty: correspondence.onnx, which knows "
        "photographs best and is for research; correspondence_free.onnx is free of such terms (README.md compares "
        "them). Files beside it that end in _fp16 and _int8 are what GPUs and CPUs run, whichever is named; "
        "face_finder and eyelids files with the same ending as its own (_free) are used with it.",
        "on configure",
    ),
    ParameterSpec(
        "finder", "", "Face finder file (.onnx); empty: the one that belongs to the network.", "on configure"
    ),
    ParameterSpec(
        "backend",
        "auto",
        "What runs the network; auto: the fastest that runs here, and the CPU meanwhile (docs/tensorrt.md).",
        "on configure",
        choices=BACKENDS,
    ),
    ParameterSpec(
        "threads",
        1,
        "CPU threads of the inference engine, and of OpenCV in the node; more hardly help.",
        "on configure",
        "threads",
        1,
        64,
    ),
    ParameterSpec(
        "compressed", False, "Subscribe to image/compressed (CompressedImage) instead of image.", "on configure"
    ),
    ParameterSpec(
        "bit_depth",
        16,
        "Bits that the values of 16-bit images (mono16, bayer_*16, 16-bit PNG) use, the low ones: 10 or 12 with many "
        "sensors. Larger values saturate.",
        "on configure",
        "bits",
        8,
        16,
    ),
    ParameterSpec(
        "image_rotation",
        0,
        "By how much the images must be turned clockwise for people to stand upright in them: 0, or 90, 180 or 270 for "
        "a camera mounted on its side or head. All that is published stays in the frame of the images as they come.",
        "on configure",
        "deg",
        0,
        270,
        90,
    ),
    ParameterSpec(
        "min_inliers",
        0.6,
        "Smallest share of correspondences that agree with a head.",
        "on configure",
        "share",
        0.0,
        1.0,
    ),
    ParameterSpec(
        "min_coverage",
        0.3,
        "Smallest matched share of the surface that faces the camera.",
        "on configure",
        "share",
        0.0,
        1.0,
    ),
    ParameterSpec(
        "seat_left",
        0.0,
        "Left edge of the driver's seat in the image. The nearest face whose middle lies in the seat becomes the "
        "driver's, by default the nearest of all.",
        "on configure",
        "of the image's width",
        0.0,
        1.0,
    ),
    ParameterSpec("seat_top", 0.0, "Its upper edge.", "on configure", "of the image's height", 0.0, 1.0),
    ParameterSpec("seat_right", 1.0, "Its right edge.", "on configure", "of the image's width", 0.0, 1.0),
    ParameterSpec("seat_bottom", 1.0, "Its lower edge.", "on configure", "of the image's height", 0.0, 1.0),
    ParameterSpec(
        "remember_person",
        1.0,
        "Time without the driver's face after which another face may become the driver's.",
        "on configure",
        "s",
        0.0,
        3600.0,
    ),
    ParameterSpec(
        "interpupillary_distance",
        0.0,
        "Distance between the pupils of a known driver (docs/conventions.md), 0.045 m or more: how far away the head "
        "is then rests on it. 0: unknown, it rests on the sizes of people's heads in general.",
        "on configure",
        "m",
        0.0,
        0.08,
    ),
    ParameterSpec(
        "filter_enabled",
        True,
        "Filter head_pose over time; head_pose/raw never is. Off: the two are equal.",
        "on configure",
    ),
    ParameterSpec(
        "filter_position_agility",
        0.008,
        "How readily the filter follows the head of somebody at rest: larger follows sooner, smaller is smoother.",
        "on configure",
        "m/s^2/sqrt(Hz)",
        1e-6,
        1e3,
    ),
    ParameterSpec(
        "filter_rotation_agility",
        4.0,
        "The same of the rotation.",
        "on configure",
        "deg/s^2/sqrt(Hz)",
        1e-6,
        1e6,
    ),
    ParameterSpec(
        "rectified",
        False,
        "The images are rectified: use P of camera_info and no distortion, instead of K and D.",
        "at once",
    ),
    ParameterSpec(
        "field_of_view",
        60.0,
        "Assumed angle across the longer image side while there is no usable camera_info; the pose is then not metric.",
        "at once",
        "deg",
        10.0,
        170.0,
    ),
    ParameterSpec(
        "require_camera_info",
        False,
        "Without a usable camera_info publish no pose, tf, markers and vertices, and landmarks without x, y, z, "
        "instead of assuming field_of_view.",
        "at once",
    ),
    ParameterSpec(
        "max_age",
        1.0,
        "Images older than this when their turn comes are dropped; 0: never.",
        "at once",
        "s",
        0.0,
        60.0,
    ),
    ParameterSpec("head_frame", "head", "Name of the head's frame in tf.", "at once"),
    ParameterSpec("publish_tf", True, "Broadcast the transform from the image's frame to head_frame.", "at once"),
    ParameterSpec(
        "publish_tf_without_camera_info",
        False,
        "Broadcast it also while field_of_view is assumed: a transform, which has no covariance, cannot tell that its "
        "distance is a guess.",
        "at once",
    ),
    ParameterSpec("marker_rate", 10.0, "Highest rate of the markers topic.", "at once", "Hz", 0.1, 60.0),
    ParameterSpec(
        "autostart",
        False,
        "Configure and activate without being asked; for use without launch or a lifecycle manager.",
        "at start",
    ),
)

IMAGE_SOURCE: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        "source",
        "",
        "What to play: a webcam (/dev/video0 or 0), a video file, a folder of images, or a rosbag2 (folder or file).",
        "at start",
    ),
    ParameterSpec("topic", "", "Image topic inside the bag; empty: its only one.", "at start"),
    ParameterSpec("rate", 0.0, "Frames per second; 0: the source's own (folders: 10).", "at start", "Hz", 0.0, 1000.0),
    ParameterSpec("loop", False, "Start again at the end of a file, folder or bag.", "at start"),
    ParameterSpec("frame_id", "camera", "frame_id of images and camera_info; bags keep their own.", "at start"),
    ParameterSpec(
        "camera_info_file", "", "Camera calibration YAML file to publish as camera_info; bags keep theirs.", "at start"
    ),
    ParameterSpec(
        "field_of_view",
        0.0,
        "Known angle across the longer image side, for camera_info when there is no calibration file, but not of bags; "
        "0: unknown, camera_info then says that the camera is not calibrated.",
        "at start",
        "deg",
        0.0,
        170.0,
    ),
    ParameterSpec("width", 0, "Image width asked of a webcam; 0: its default.", "at start", "pixels", 0, 16384),
    ParameterSpec("height", 0, "Image height asked of a webcam; 0: its default.", "at start", "pixels", 0, 16384),
    ParameterSpec(
        "bit_depth",
        16,
        "Bits that the values of 16-bit files in a folder use, the low ones: 10 or 12 with many sensors. Larger values "
        "saturate. Bags keep their images: there the tracker's bit_depth counts.",
        "at start",
        "bits",
        8,
        16,
    ),
    ParameterSpec(
        "wait_for_subscriber", True, "Hold a file, folder or bag until somebody subscribes to the images.", "at start"
    ),
    ParameterSpec(
        "start_delay", 0.5, "Pause before the first frame, for connections to settle.", "at start", "s", 0.0, 60.0
    ),
    ParameterSpec(
        "publish_clock",
        False,
        "Stamp images with the source's own time and publish it on /clock, for nodes with use_sim_time; else images "
        "are stamped now.",
        "at start",
    ),
)

ATTENTION: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        "preset",
        "euro_ncap",
        "Thresholds of the policy, inspired by the source of that name; custom takes those below.",
        "on configure",
        choices=tuple(PRESETS),
    ),
    ParameterSpec("drive", "left", "Side of the car on which the driver sits.", "on configure", choices=SIDES),
    ParameterSpec("zones", "", "Zone file (.yaml); empty: the shipped one, of a passenger car.", "on configure"),
    ParameterSpec(
        "mounting",
        "learned",
        "How the camera stands in the car: learned from natural driving (starting from the angles below), told by "
        "the parameters below, or by tf from car_frame to the frame_id of the images.",
        "on configure",
        choices=("learned", "parameters", "tf"),
    ),
    ParameterSpec("camera_yaw", 0.0, "> 0: the camera looks to the car's right.", "on configure", "deg", -180, 180),
    ParameterSpec("camera_pitch", 0.0, "> 0: the camera looks up.", "on configure", "deg", -90, 90),
    ParameterSpec(
        "camera_roll",
        0.0,
        "Camera turned about the car's length axis; > 0: counterclockwise as seen from behind the camera.",
        "on configure",
        "deg",
        -180,
        180,
    ),
    ParameterSpec("car_frame", "base_link", "Frame of the car (x forward, z up), for mounting tf.", "on configure"),
    ParameterSpec("speed_topic", "", "Topic of the vehicle's speed in m/s; empty: unknown.", "on configure"),
    ParameterSpec(
        "speed_type",
        "std_msgs/Float64",
        "Message type of speed_topic; of a twist, linear.x counts.",
        "on configure",
        choices=SPEED_TYPES,
    ),
    ParameterSpec(
        "max_silence", 0.4, "Time without any message after which the state is unknown.", "at once", "s", 0.05, 10.0
    ),
    ParameterSpec("marker_rate", 5.0, "Highest rate of attention/markers.", "at once", "Hz", 0.1, 60.0),
    ParameterSpec("long_glance", 3.0, "preset custom: longest glance away.", "on configure", "s", 0.1, 60.0),
    ParameterSpec("glance_budget", 10.0, "preset custom: sum of glances away.", "on configure", "s", 0.1, 60.0),
    ParameterSpec("budget_window", 30.0, "preset custom: time of that sum.", "on configure", "s", 1.0, 600.0),
    ParameterSpec("budget_reset", 2.0, "preset custom: stay on the road that resets it.", "on configure", "s", 0.1, 60),
    ParameterSpec("microsleep", 1.0, "preset custom: eyes closed for a microsleep.", "on configure", "s", 0.3, 10.0),
    ParameterSpec("sleep", 3.0, "preset custom: eyes closed for sleep.", "on configure", "s", 0.5, 30.0),
    ParameterSpec("perclos_drowsy", 0.15, "preset custom: PERCLOS of the drowsy.", "on configure", "share", 0.02, 1.0),
    ParameterSpec(
        "autostart",
        False,
        "Configure and activate without being asked; for use without launch or a lifecycle manager.",
        "at start",
    ),
)

TABLES: dict[str, tuple[ParameterSpec, ...]] = {
    "tracker": TRACKER,
    "image_source": IMAGE_SOURCE,
    "attention": ATTENTION,
}


def defaults(table: tuple[ParameterSpec, ...]) -> dict[str, Value]:
    """Name -> default value."""
    return {spec.name: spec.default for spec in table}


def checked(values: dict[str, Value], table: tuple[ParameterSpec, ...]) -> dict[str, Value]:
    """Values of parameters of the table by their names, as :meth:`ParameterSpec.checked` gives and refuses them."""
    specs = {spec.name: spec for spec in table}
    return {name: specs[name].checked(value) for name, value in values.items()}


def unknown(name: str, table: tuple[ParameterSpec, ...]) -> str:
    """What to say of a name that is not in the table."""
    names = [spec.name for spec in table]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f"; known are {', '.join(names)}"
    return f"parameter '{name}' is unknown{hint}"


def markdown(table: tuple[ParameterSpec, ...]) -> str:
    """The table as Markdown, one line per parameter."""
    lines = ["| parameter | type | default | permitted | takes effect | meaning |", "|---|---|---|---|---|---|"]
    for spec in table:
        default = f'"{spec.default}"' if isinstance(spec.default, str) else str(spec.default).lower()
        kind = _KIND_NAMES[type(spec.default)]
        lines.append(
            f"| `{spec.name}` | {kind} | {default} | {spec.constraint} | {spec.applied} | {spec.description} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    for node_name, specs in TABLES.items():
        print(f"### `{node_name}`\n\n{markdown(specs)}\n")
