"""The way of one frame through the tracker node: from image message to published head, or to a counted drop."""

from __future__ import annotations

import math
import time
import traceback
from typing import Any, Protocol

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from dense_face_ros.backends import CorrespondenceNetwork
from dense_face_ros.face_model import FaceModel
from dense_face_ros.frame_input import check_image
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.camera_info import CameraCache
from dense_face_ros.ros.diagnostics import Report
from dense_face_ros.ros.frame_statistics import FrameStatistics
from dense_face_ros.ros.images import BgrImage, Decoder
from dense_face_ros.ros.message_content import pose_is_told
from dense_face_ros.ros.messages import seconds
from dense_face_ros.ros.node_parameters import NodeParameters
from dense_face_ros.ros.outputs import Outputs
from dense_face_ros.stamp_order import StampOrder, Turn, age_of

_WARN_EVERY, _REPEAT_EVERY = 5.0, 60.0  # seconds, between warnings of a kind; and if they say the same


class Tracker(Protocol):
    """What the node needs of a ``FaceTracker``."""

    @property
    def model(self) -> FaceModel: ...

    @property
    def network(self) -> CorrespondenceNetwork: ...

    @property
    def licences(self) -> dict[str, str]: ...

    def update(self, image: BgrImage, stamp: float, camera: PinholeCamera | None) -> HeadState: ...

    def reset(self) -> None: ...

    def check_network(self) -> None: ...

    def close(self) -> None: ...


class Dropped(Exception):
    """A frame that is not answered: the ``reason`` to count it under, and one line about it."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class FrameProcessor:
    """Works on the frames of one activation. Used by one thread, except for the counts and the camera it is given."""

    def __init__(
        self,
        node: LifecycleNode,
        parameters: NodeParameters,
        tracker: Tracker,
        decode: Decoder,
        outputs: Outputs,
        cameras: CameraCache,
        statistics: FrameStatistics,
        report: Report,
    ) -> None:
        self._node, self._parameters = node, parameters
        self._tracker, self._decode, self._outputs = tracker, decode, outputs
        self._cameras, self._statistics, self._report = cameras, statistics, report
        self._order = StampOrder()
        self._last_warning: dict[str, tuple[float, str]] = {}

    def process(self, message: Any) -> None:
        """Answer an image message, or count why not. Raises nothing: one frame must not end the node."""
        try:
            state, image, with_pose = self._answer(message)
        except Dropped as drop:
            self._drop(drop.reason, str(drop))
            return
        except Exception:
            if self._node.context.ok():  # publishing fails while ROS shuts down, which is nobody's fault
                self._drop("failed", f"the tracker failed on an image:\n{traceback.format_exc()}")
            return
        begin = time.perf_counter()
        try:
            self._outputs.publish_pictures(state, message.header, image, with_pose)
            self._statistics.draw(time.perf_counter() - begin)
        except Exception:
            if self._node.context.ok():
                self._warn("pictures", f"no pictures of this frame:\n{traceback.format_exc()}")

    def _answer(self, message: Any) -> tuple[HeadState, BgrImage, bool]:
        begin = time.perf_counter()
        header, stamp = message.header, seconds(message.header)
        self._check_time(stamp)
        try:
            image = self._decode(message)
            check_image(image)
        except ValueError as error:
            raise Dropped("bad_image", str(error)) from error
        camera, with_pose, note = self._camera(image, header)
        state = self._tracker.update(image, stamp, camera)
        self._outputs.publish_head(state, header, with_pose)
        age = age_of(self._elapsed(stamp))
        self._statistics.process(time.perf_counter() - begin, age, state.status is Status.TRACKING)
        report = self._report
        report.tracking, report.reason, report.track = state.status.value, state.reason, state.track
        report.quality = state.quality
        report.metric, report.pose_told, report.camera_note = camera.metric, with_pose, note
        report.other_clock = age is None
        return state, image, with_pose

    def _check_time(self, stamp: float) -> None:
        """Raise Dropped for a frame whose time has passed or is not told; notice when the source begins anew."""
        if stamp == 0.0:
            raise Dropped("no_stamp", "images have stamp 0; the camera driver must set header.stamp")
        elapsed, max_age = self._elapsed(stamp), self._parameters.number("max_age")
        age = age_of(elapsed)
        if age is not None and 0.0 < max_age < age:
            text = f"image is {age:.2f} s old, max_age is {max_age:g} s"
            raise Dropped("too_old", f"{text}; to play a bag, set use_sim_time and play it with --clock")
        turn = self._order.take(stamp, elapsed)
        if turn is Turn.ASTRAY:
            raise Dropped("out_of_order", f"image stamp {stamp:.6f} is of another clock than the one before")
        if turn is Turn.OUT_OF_ORDER:
            raise Dropped("out_of_order", f"image stamp {stamp:.6f} is not after {self._order.last:.6f}")
        if turn is Turn.ANEW:
            self._node.get_logger().info("image stamps went back: the source began anew")
            self._tracker.reset()

    def _camera(self, image: BgrImage, header: Header) -> tuple[PinholeCamera, bool, str]:
        """The camera of an image, whether a pose by it is told, and what is wrong with its camera_info, or nothing."""
        height, width = image.shape[:2]
        rectified, field_of_view = self._parameters.flag("rectified"), self._parameters.number("field_of_view")
        camera, note = self._cameras.camera_for(width, height, header.frame_id, rectified, field_of_view)
        with_pose = pose_is_told(camera, self._parameters.flag("require_camera_info"))
        if note:
            assumed = "the field of view is assumed and the pose is not metric" if with_pose else "no pose is published"
            self._warn("camera", note if camera.metric else f"{note}; {assumed}")
        return camera, with_pose, note

    def _elapsed(self, stamp: float) -> float:
        return 1e-9 * float(self._node.get_clock().now().nanoseconds) - stamp

    def _drop(self, reason: str, text: str) -> None:
        self._statistics.drop(reason)
        lines = text.splitlines()
        ends = dict.fromkeys(lines[:1] + lines[-1:])  # a traceback ends with its error
        self._report.last_drop = reason, " ".join(ends)
        self._warn(reason, f"dropped ({reason}): {text}")

    def _warn(self, kind: str, text: str) -> None:
        """Log, but one kind of trouble only every few seconds; rclpy's own throttle would silence the other kinds."""
        now = time.monotonic()
        last, said = self._last_warning.get(kind, (-math.inf, ""))
        if now - last >= (_REPEAT_EVERY if text == said else _WARN_EVERY):
            self._last_warning[kind] = now, text
            self._node.get_logger().warning(text)
