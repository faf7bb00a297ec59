"""A rosbag2 of a scripted drive with known poses: ``python -m training.make_drive mirrors BAG [--raw] [--times N]``.

The bag (mcap) holds 640x480 images at 30 Hz, their camera_info, ``/camera/head_pose/truth``, the true pose camera
<- head of every image, and ``/camera/expression/truth``, how far its eyes are open.
``python -m dense_face_ros.evaluation.evaluate_bag BAG`` measures the tracker against the poses.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.geometry import Array, PinholeCamera, quaternion_from_rotation
from training.face_model import face_model
from training.options import check_least
from training.rendering.clip import Truth

FRAME_ID = "camera"
START = 1_700_000_000  # seconds, of the first image
_QUALITY = 95  # JPEG
_IMAGE, _COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
_INFO, _POSE = "sensor_msgs/msg/CameraInfo", "geometry_msgs/msg/PoseStamped"
_EXPRESSION = "sensor_msgs/msg/JointState"


def repeated(truth: Truth, times: int) -> Truth:
    """The drive over and over, its clock running on."""
    period = len(truth.stamp) * float(truth.stamp[1] - truth.stamp[0])
    stamp = np.concatenate([truth.stamp + i * period for i in range(times)])
    eyes = None if truth.eye_openness is None else np.tile(truth.eye_openness, (times, 1))
    return Truth(truth.camera, stamp, np.tile(truth.pose, (times, 1, 1)), eyes)


def write_bag(path: Path, truth: Truth, images: Iterable[npt.NDArray[np.uint8]], raw: bool = False) -> None:
    """Write images (H, W, 3) BGR, one for each pose of ``truth``; as JPEG unless ``raw``.

    Raises:
        FileExistsError: the path exists.
        ImportError: rosbags is not installed.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    if path.exists():
        raise FileExistsError(f"bag '{path}' exists already; name another or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    store = get_typestore(Stores.ROS2_JAZZY)
    kind, topic = (_IMAGE, "/camera/image_raw") if raw else (_COMPRESSED, "/camera/image_raw/compressed")
    kinds = {topic: kind, "/camera/camera_info": _INFO, "/camera/head_pose/truth": _POSE}
    if truth.eye_openness is not None:
        kinds["/camera/expression/truth"] = _EXPRESSION
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {name: writer.add_connection(name, one, typestore=store) for name, one in kinds.items()}
        for index, (stamp, pose, image) in enumerate(zip(truth.stamp, truth.pose, images, strict=True)):
            nanoseconds = START * 1_000_000_000 + round(1e9 * float(stamp))
            header = _header(store.types, nanoseconds)
            picture = _raw(store.types, header, image) if raw else _compressed(store.types, header, image)
            contents = {
                "/camera/camera_info": _camera_info(store.types, header, truth.camera),
                "/camera/head_pose/truth": _pose(store.types, header, pose),
                topic: picture,
            }
            if truth.eye_openness is not None:
                eyes = _expression(store.types, header, truth.eye_openness[index])
                contents["/camera/expression/truth"] = eyes
            for name, message in contents.items():
                writer.write(connections[name], nanoseconds, store.serialize_cdr(message, kinds[name]))


def _header(types: Any, nanoseconds: int) -> Any:
    stamp = types["builtin_interfaces/msg/Time"](*divmod(nanoseconds, 1_000_000_000))
    return types["std_msgs/msg/Header"](stamp=stamp, frame_id=FRAME_ID)


def _raw(types: Any, header: Any, image: npt.NDArray[np.uint8]) -> Any:
    height, width = image.shape[:2]
    return types[_IMAGE](
        header=header, height=height, width=width, encoding="bgr8", is_bigendian=0, step=3 * width, data=image.ravel()
    )


def _compressed(types: Any, header: Any, image: npt.NDArray[np.uint8]) -> Any:
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not encoded:
        raise OSError(f"an image of shape {image.shape} cannot be encoded")
    return types[_COMPRESSED](header=header, format="bgr8; jpeg compressed bgr8", data=np.asarray(data).ravel())


def _camera_info(types: Any, header: Any, camera: PinholeCamera) -> Any:
    region = types["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return types[_INFO](
        header=header,
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=camera.matrix.ravel(),
        r=np.eye(3).ravel(),
        p=np.column_stack([camera.matrix, np.zeros(3)]).ravel(),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def _pose(types: Any, header: Any, pose: Array) -> Any:
    x, y, z, w = quaternion_from_rotation(pose[:3, :3]).tolist()
    place = types["geometry_msgs/msg/Pose"](
        position=types["geometry_msgs/msg/Point"](*pose[:3, 3].tolist()),
        orientation=types["geometry_msgs/msg/Quaternion"](x, y, z, w),
    )
    return types[_POSE](header=header, pose=place)


def _expression(types: Any, header: Any, openness: Array) -> Any:
    names, nothing = ["eye_openness_left", "eye_openness_right"], np.zeros(0)
    return types[_EXPRESSION](header=header, name=names, position=openness, velocity=nothing, effort=nothing)


@tells_bad_input(ImportError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line: 0, or 2 after one line about bad input."""
    try:
        from training.rendering.drive import DRIVES, DriveRenderer
    except ImportError as error:
        raise ImportError(f"the renderer cannot be loaded: {error}; install requirements/training.txt") from error
    parser = argparse.ArgumentParser(prog="python -m training.make_drive", description="Render a drive into a bag.")
    parser.add_argument("drive", choices=sorted(DRIVES))
    parser.add_argument("bag", type=Path, help="folder of the new bag")
    parser.add_argument("--raw", action="store_true", help="uncompressed images (28 MB per second) instead of JPEG")
    parser.add_argument("--times", type=int, default=1, help="drive it N times in a row (default 1: ten seconds)")
    options = parser.parse_args(arguments)
    check_least("--times", options.times)
    renderer = DriveRenderer(face_model(), DRIVES[options.drive])
    images = itertools.chain.from_iterable(renderer.frames() for _ in range(options.times))
    write_bag(options.bag, repeated(renderer.truth, options.times), images, options.raw)
    print(options.bag)
    return 0


if __name__ == "__main__":
    sys.exit(main())
