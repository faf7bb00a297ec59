"""The ``image_source`` node: a webcam, video file, folder of images or rosbag2 as a camera, for those without a driver.

Publishes ``image`` (or ``image/compressed``, from a bag that holds such) and ``camera_info``.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterator

import rclpy
import rclpy.logging
from builtin_interfaces.msg import Time
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dense_face_ros.ros.bag_source import Bag, BagFrame
from dense_face_ros.ros.bag_topics import is_bag
from dense_face_ros.ros.camera_info import camera_info_topic, fill_from_field_of_view, image_topic, read_calibration
from dense_face_ros.ros.ending import asked_to_end, hear_no_more, one_interrupt
from dense_face_ros.ros.frame_sources import Frame, ImageFolder, SourceError, Video, Webcam, source_path
from dense_face_ros.ros.images import fill_image
from dense_face_ros.ros.message_readers import stamp_of
from dense_face_ros.ros.node_parameters import NodeParameters
from dense_face_ros.ros.parameters import IMAGE_SOURCE
from dense_face_ros.stamp_order import RESTART

#: Reliable serves subscribers of either kind.
_QOS = QoSProfile(depth=5)

Source = Webcam | Video | ImageFolder | Bag

_PATIENCE = 5.0  # seconds without a subscriber, or without a time, from which on something may be wrong
_LAST_FRAMES = 2.0  # seconds that a slow subscriber is given for them


class ImageSourceNode(Node):
    """Plays one source. The caller makes it, then iterates over :meth:`play` to the end.

    Raises:
        SourceError: when the parameters are wrong or the source cannot be opened.
    """

    def __init__(self) -> None:
        super().__init__("image_source", automatically_declare_parameters_from_overrides=True)
        self._settings = NodeParameters(self, IMAGE_SOURCE)
        if self._settings.problems:
            raise SourceError("; ".join(self._settings.problems))
        self._calibration: CameraInfo | None = None
        self._info: CameraInfo | None = None  # the last that was published
        if self._settings.text("camera_info_file"):
            self._calibration = CameraInfo()
            try:
                read_calibration(self._settings.text("camera_info_file"), self._calibration)
            except ValueError as error:
                raise SourceError(str(error)) from error
        self._source = self._open()
        if isinstance(self._source, Bag):
            for name in ("field_of_view", "camera_info_file"):
                if self._settings.values()[name]:
                    self.get_logger().warning(f"parameter '{name}' is not for bags: they keep their camera_info")
        compressed = isinstance(self._source, Bag) and self._source.compressed
        topic = image_topic(self, compressed)
        self._info_publisher = self.create_publisher(CameraInfo, camera_info_topic(self, topic), _QOS)
        self._image_publisher = self.create_publisher(CompressedImage if compressed else Image, topic, _QOS)
        self._clock_publisher = (
            self.create_publisher(Clock, "/clock", _QOS) if self._settings.flag("publish_clock") else None
        )
        self._wake = SingleThreadedExecutor()
        self._wake.add_node(self)

    def play(self) -> int:
        """Publish until the source ends (never, with ``loop``); returns the number of frames.

        Raises:
            SourceError: when there is no time to stamp images with, or the source fails on the way.
        """
        self._wait_for_clock()
        self._wait_for_subscriber()
        self._due = time.monotonic()
        count, lasted = self._play_once()
        loop = self._settings.flag("loop")
        if loop and isinstance(self._source, Bag) and self._clock_publisher is not None and lasted < RESTART:
            self.get_logger().warning(
                f"the stamps of '{self._source.name}' last {lasted:.2f} s: going back by less than {RESTART:g} s they "
                "are out of order to the tracker, which drops frames of every pass; loop it without 'publish_clock'"
            )
        while loop:
            count += self._play_once()[0]
        for publisher in (self._image_publisher, self._info_publisher):
            publisher.wait_for_all_acked(Duration(seconds=_LAST_FRAMES))  # they would leave with the process
        self.get_logger().info(f"end of '{self._source.name}': {count} frames")
        return count

    def destroy_node(self) -> None:
        """Close the source with the node."""
        if hasattr(self, "_source"):
            self._source.close()
        super().destroy_node()

    def _open(self) -> Source:
        source, rate = self._settings.text("source"), self._settings.number("rate")
        if not source:
            raise SourceError("parameter 'source' is empty; give a webcam, video, folder of images or rosbag2")
        path = source_path(source)
        # The names by which a camera is the same after every start are links to those that are numbered.
        device = re.fullmatch(r"(?:/dev/video)?(\d+)", str(path.resolve()) if source.startswith("/dev/") else source)
        if device:
            width, height = int(self._settings.number("width")), int(self._settings.number("height"))
            webcam = Webcam(int(device[1]), width, height, rate)
            if webcam.note:
                self.get_logger().warning(webcam.note)
            return webcam
        if is_bag(path):
            return Bag(path, self._settings.text("topic"))
        if not path.exists():
            raise SourceError(f"source '{source}' does not exist")
        if path.is_dir():
            return ImageFolder(path, rate, int(self._settings.number("bit_depth")))
        return Video(path, rate)

    def _play_once(self) -> tuple[int, float]:
        """One pass: the number of its frames, and the seconds from the first one's stamp to the last one's."""
        count, first, last = 0, 0.0, 0.0
        for frame in self._paced():
            last = self._publish(frame)
            first = first if count else last
            count += 1
        if self._source.note:
            self.get_logger().warning(self._source.note)
        return count, last - first

    def _wait_for_clock(self) -> None:
        """Until there is a time: that of ``use_sim_time``, and so each stamp, is 0 before the first message on /clock.

        Raises:
            SourceError: when nobody publishes one.
        """
        complain = time.monotonic() + _PATIENCE
        while self._clock_publisher is None and not self.get_clock().now().nanoseconds:
            self._wake.spin_once(timeout_sec=0.05)
            if time.monotonic() > complain:
                complain = math.inf
                if not self.count_publishers("/clock"):
                    raise SourceError(
                        "parameter 'use_sim_time' is set and nobody publishes /clock; set 'publish_clock' to publish "
                        "the source's own time, start what publishes another, or leave 'use_sim_time' out"
                    )
                self.get_logger().warning("'use_sim_time' is set and the time on /clock is 0: waiting for it to begin")

    def _wait_for_subscriber(self) -> None:
        if self._settings.flag("wait_for_subscriber") and not self._source.live:
            topic = self._image_publisher.topic_name
            self.get_logger().info(f"'{self._source.name}' waits for a subscriber to {topic}")
            complain = time.monotonic() + _PATIENCE
            while not self._image_publisher.get_subscription_count():
                self._wake.spin_once(timeout_sec=0.05)
                if time.monotonic() > complain:
                    complain = math.inf
                    self._complain(topic)
        self._spin_until(time.monotonic() + self._settings.number("start_delay"))
        self.get_logger().info(f"playing '{self._source.name}' on {self._image_publisher.topic_name}")

    def _complain(self, topic: str) -> None:
        """Say what may be wrong when nobody subscribes."""
        plain = self.resolve_topic_name("image")
        if topic != plain and self.count_subscribers(plain):
            hint = f"{plain} has one, but the bag holds compressed images: set the tracker's parameter 'compressed'"
        else:
            hint = "is the tracker active, and its image remapped alike?"
        self.get_logger().warning(f"still no subscriber to {topic}; {hint}")

    def _spin_until(self, due: float) -> None:
        """Serve the node until a time of the monotonic clock; at least once."""
        while True:
            remaining = due - time.monotonic()
            self._wake.spin_once(timeout_sec=max(remaining, 0.0))
            if remaining <= 0.0:
                return

    def _paced(self) -> Iterator[Frame | BagFrame]:
        """The frames of one pass, each when it is due, the first an interval after the last one before; a camera sets
        its own pace."""
        rate = self._settings.number("rate") if isinstance(self._source, Bag) else 0.0
        due, before, interval = self._due, None, 1.0 / rate if rate else self._source.interval
        frames: Iterator[Frame | BagFrame] = self._source.frames()
        for frame in frames:
            if before is not None:
                passed = interval if rate else max(frame.time - before, 0.0)  # a simulation may have begun anew
                due, interval = due + passed, passed or interval
            self._spin_until(0.0 if self._source.live else due)
            if before is None:
                self._epoch = time.time() - frame.time
            before, self._due = frame.time, due + interval
            yield frame

    def _publish(self, frame: Frame | BagFrame) -> float:
        """Send a frame; its stamp in seconds."""
        own_time = self._clock_publisher is not None
        if isinstance(frame, BagFrame):
            image, info, clock = frame.image, frame.info, frame.time
            stamp = self.get_clock().now().to_msg()
            if own_time:  # images that were never stamped have the time of recording
                stamp = image.header.stamp if image.header.stamp != Time() else _time_message(clock)
        else:
            image, info = self._messages(frame)
            clock = frame.time if self._source.live else self._epoch + frame.time
            stamp = _time_message(clock) if own_time else self.get_clock().now().to_msg()
        if self._clock_publisher is not None:
            self._clock_publisher.publish(Clock(clock=_time_message(clock)))
        self._info = info = info or self._info  # cameras tell it with every image; some recordings hold it once
        if info is not None:
            info.header.stamp = stamp
            self._info_publisher.publish(info)
        image.header.stamp = stamp
        self._image_publisher.publish(image)
        return 1e-9 * stamp_of(image)

    def _messages(self, frame: Frame) -> tuple[Image, CameraInfo]:
        image = Image()
        image.header.frame_id = self._settings.text("frame_id")
        fill_image(image, frame.image, "bgr8")
        info = self._calibration
        if info is None:
            info = CameraInfo()
            fill_from_field_of_view(info, image.width, image.height, self._settings.number("field_of_view"))
        elif (info.width, info.height) != (image.width, image.height):
            raise SourceError(
                f"camera_info_file '{self._settings.text('camera_info_file')}' is for {info.width}x{info.height} "
                f"pixels, '{self._source.name}' has {image.width}x{image.height}"
            )
        info.header.frame_id = image.header.frame_id
        return image, info


def _time_message(seconds: float) -> Time:
    whole, nanoseconds = divmod(round(seconds * 1e9), 1_000_000_000)
    return Time(sec=whole, nanosec=nanoseconds)


def main(args: list[str] | None = None) -> int:
    """Play the source to its end: 0, or 2 after a one-line error when it cannot be read."""
    with one_interrupt() as end:
        rclpy.init(args=args)
        node: ImageSourceNode | None = None
        try:
            node = ImageSourceNode()
            node.play()
        except BaseException as error:
            if not asked_to_end(error):
                if isinstance(error, SourceError):
                    rclpy.logging.get_logger("image_source").error(str(error))
                    return 2
                raise
        finally:
            end()
            hear_no_more()
            if node is not None:
                node.destroy_node()
            rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
