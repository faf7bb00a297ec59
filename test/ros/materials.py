"""Pictures, videos, bags and calibration files made for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

CALIBRATION = """
image_width: 640
image_height: 480
camera_name: front
camera_matrix: {rows: 3, cols: 3, data: [500.0, 0, 320.5, 0, 501.0, 240.5, 0, 0, 1]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.05, 0.001, 0.002, 0]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [480.0, 0, 319.0, 0, 0, 482.0, 239.0, 0, 0, 0, 1, 0]}
"""


def picture(value: int) -> np.ndarray:
    return np.full((48, 64, 3), value, np.uint8)


def write_video(path: Path, count: int = 5, rate: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), rate, (64, 48))
    for i in range(count):
        writer.write(picture(30 * i % 256))
    writer.release()
    return path


def write_bag(
    path: Path,
    storage: str,
    compressed: bool = False,
    calibrated: bool = True,
    rear: bool = False,
    stamped: bool = True,
    moving: bool = False,
    simulated: bool = False,
    began: int = 1_600_000_000,
    info_delay: int = 0,
    bit_depth: int = 0,
    damaged: tuple[int, ...] = (),
    publishers: int = 1,
    info_topic: str = "/cabin/camera_info",
    info_frame: str = "recorded",
) -> Path:
    """Four images and camera_infos at 20 Hz, stamped a tenth of a second before they were recorded.

    Args:
        compressed: as compressed images.
        calibrated: with camera_info.
        rear: with a second image topic, /rear/image_raw, which holds nothing.
        stamped: else by a driver that leaves stamps at zero.
        moving: with /car/odometry, which tells 12 m/s just before the third image, and with /tf_static.
        simulated: with /clock, at the times of the stamps.
        began: seconds of the first stamp.
        info_delay: nanoseconds by which a camera_info is recorded after its image.
        bit_depth: as mono16 images that use so many bits, the low ones; 0: as bgr8.
        damaged: images of which the second half is missing.
        publishers: of images and of camera_info, that take turns; a merged bag has several.
        info_topic, info_frame: of camera_info; that of the images is "recorded".
    """
    rosbag2 = pytest.importorskip("rosbags.rosbag2", reason="rosbags is not installed")
    typesys = pytest.importorskip("rosbags.typesys")
    store = typesys.get_typestore(typesys.Stores.ROS2_JAZZY)
    types = store.types
    header_type, time_type = types["std_msgs/msg/Header"], types["builtin_interfaces/msg/Time"]
    info_type, image_type = types["sensor_msgs/msg/CameraInfo"], types["sensor_msgs/msg/Image"]
    compressed_type, roi_type = types["sensor_msgs/msg/CompressedImage"], types["sensor_msgs/msg/RegionOfInterest"]
    topic = "/cabin/image_raw/compressed" if compressed else "/cabin/image_raw"
    kind = compressed_type if compressed else image_type
    plugin = rosbag2.StoragePlugin.MCAP if storage == "mcap" else rosbag2.StoragePlugin.SQLITE3
    with rosbag2.Writer(path, version=9, storage_plugin=plugin) as writer:
        images = [_connection(writer, store, topic, kind, i) for i in range(publishers)]
        if calibrated:
            infos = [_connection(writer, store, info_topic, info_type, i) for i in range(publishers)]
        if rear:
            writer.add_connection("/rear/image_raw", image_type.__msgtype__, typestore=store)
        if moving:
            odometry = types["nav_msgs/msg/Odometry"]
            wheels = writer.add_connection("/car/odometry", odometry.__msgtype__, typestore=store)
            _write_mounting(writer, store)
        if simulated:
            clock_type = types["rosgraph_msgs/msg/Clock"]
            clocks = writer.add_connection("/clock", clock_type.__msgtype__, typestore=store)
        for i in range(4):
            stamp = time_type(sec=began, nanosec=50_000_000 * i) if stamped else time_type(sec=0, nanosec=0)
            header = header_type(stamp=stamp, frame_id="recorded")
            at = 1_600_000_000_100_000_000 + 50_000_000 * i
            k = np.array([500.0, 0, 32, 0, 500, 24, 0, 0, 1])
            roi = roi_type(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
            told = header_type(stamp=stamp, frame_id=info_frame)
            info = info_type(
                header=told, height=48, width=64, distortion_model="plumb_bob", d=np.zeros(5), k=k,
                r=np.eye(3).ravel(), p=np.zeros(12), binning_x=0, binning_y=0, roi=roi,
            )  # fmt: skip
            if simulated:
                writer.write(clocks, at, store.serialize_cdr(clock_type(stamp), clock_type.__msgtype__))
            if calibrated:
                writer.write(infos[i % publishers], at + info_delay, store.serialize_cdr(info, info_type.__msgtype__))
            if moving and i == 2:
                message = _odometry(types, header, 12.0)
                writer.write(wheels, at - 1_000_000, store.serialize_cdr(message, odometry.__msgtype__))
            if compressed:
                data = cv2.imencode(".png", picture(10 * i))[1].ravel()
                image = compressed_type(header=header, format="png", data=data)
            elif bit_depth:
                wide = np.rint(picture(10 * i)[..., 0] * ((2**bit_depth - 1) / 255)).astype("<u2")
                image = image_type(
                    header=header, height=48, width=64, encoding="mono16", is_bigendian=0, step=128,
                    data=wide.ravel().view(np.uint8),
                )  # fmt: skip
            else:
                image = image_type(
                    header=header, height=48, width=64, encoding="bgr8", is_bigendian=0, step=192,
                    data=picture(10 * i).ravel(),
                )  # fmt: skip
            if i in damaged:
                image.data = image.data[: len(image.data) // 2]
            writer.write(images[i % publishers], at, store.serialize_cdr(image, kind.__msgtype__))
    return path


def _connection(writer: Any, store: Any, topic: str, kind: Any, publisher: int) -> Any:
    """Of one of a topic's publishers: they are told apart by what they offer."""
    interfaces = pytest.importorskip("rosbags.interfaces")
    offered = [_qos(interfaces, depth=publisher)] if publisher else []
    return writer.add_connection(topic, kind.__msgtype__, typestore=store, offered_qos_profiles=offered)


def _qos(interfaces: Any, depth: int) -> Any:
    forever = interfaces.QosTime(0, 0)
    return interfaces.Qos(
        history=interfaces.QosHistory.KEEP_LAST,
        depth=depth,
        reliability=interfaces.QosReliability.RELIABLE,
        durability=interfaces.QosDurability.TRANSIENT_LOCAL,
        deadline=forever,
        lifespan=forever,
        liveliness=interfaces.QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )


def _write_mounting(writer: Any, store: Any) -> None:
    """/tf_static, as its publisher offers it: base_link -> recorded."""
    interfaces = pytest.importorskip("rosbags.interfaces")
    types, kind = store.types, "tf2_msgs/msg/TFMessage"
    latched = _qos(interfaces, depth=1)
    static = writer.add_connection("/tf_static", kind, typestore=store, offered_qos_profiles=[latched])
    header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "base_link")
    moved = types["geometry_msgs/msg/Transform"](
        types["geometry_msgs/msg/Vector3"](1.0, 0.0, 1.2), types["geometry_msgs/msg/Quaternion"](0.5, 0.5, 0.5, 0.5)
    )
    told = types[kind]([types["geometry_msgs/msg/TransformStamped"](header, "recorded", moved)])
    writer.write(static, 1_600_000_000_000_000_000, store.serialize_cdr(told, kind))


def _odometry(types: dict[str, type], header: object, speed: float) -> object:
    zero, ahead = (types["geometry_msgs/msg/Vector3"](x, 0.0, 0.0) for x in (0.0, speed))
    place = types["geometry_msgs/msg/Pose"](
        types["geometry_msgs/msg/Point"](0.0, 0.0, 0.0), types["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0)
    )
    pose = types["geometry_msgs/msg/PoseWithCovariance"](place, np.zeros(36))
    twist = types["geometry_msgs/msg/TwistWithCovariance"](types["geometry_msgs/msg/Twist"](ahead, zero), np.zeros(36))
    return types["nav_msgs/msg/Odometry"](header, "base_link", pose, twist)
