"""Every parameter of the nodes, declared once: descriptors, checks and documentation all come from these tables.

Needs no ROS installation. ``python3 -m dense_face_ros.ros.parameters`` prints the tables as Markdown.
"""

from __future__ import annotations

from dense_face_ros.attention.settings import PRESETS, SIDES
from dense_face_ros.backends.choose import BACKENDS
from dense_face_ros.ros.parameter_spec import ParameterSpec, markdown
from dense_face_ros.ros.vehicle_speed import SPEED_TYPES

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
        "overlay_rate",
        15.0,
        "Highest rate of the overlay topic. To draw on a frame takes about as long as to track in it.",
        "at once",
        "Hz",
        0.1,
        240.0,
    ),
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
    ParameterSpec(
        "speed_topic", "", "Topic of the vehicle's speed in m/s, less than 0 backwards; empty: unknown.", "on configure"
    ),
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


if __name__ == "__main__":
    for node_name, specs in TABLES.items():
        print(f"### `{node_name}`\n\n{markdown(specs)}\n")
