"""The ``tracker`` lifecycle node: images in, head poses and what belongs to them out.

The executor's thread only takes messages and answers services; frames are worked on in a thread of their own, the
newest first, so that parameters and transitions are answered however busy the tracker is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from dense_face_ros.backends import CorrespondenceNetwork, NetworkGivenUp, NetworkUnavailable
from dense_face_ros.calibration import KEY as CALIBRATION
from dense_face_ros.error_text import first_line
from dense_face_ros.ros.autostart import AutostartFailed, run
from dense_face_ros.ros.camera_info import CameraCache, camera_info_topic, image_topic
from dense_face_ros.ros.diagnostics import DiagnosticsWriter, Report
from dense_face_ros.ros.frame_processor import FrameProcessor, Tracker
from dense_face_ros.ros.frame_statistics import FrameStatistics
from dense_face_ros.ros.image_publishers import who_publishes
from dense_face_ros.ros.images import Decoder, decode_compressed, find_decoder
from dense_face_ros.ros.managed_node import ManagedNode, explained
from dense_face_ros.ros.messages import seconds
from dense_face_ros.ros.newest_frame import NewestFrameWorker
from dense_face_ros.ros.node_parameters import NodeParameters
from dense_face_ros.ros.outputs import Outputs
from dense_face_ros.ros.parameters import TRACKER
from dense_face_ros.ros.tracker_setup import face_tracker

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
_RETRY = 0.5  # seconds between two looks at a network that is not ready, when the node activates itself

#: Best effort, the newest only: a slow tracker sees fresh frames and never a queue.
_SENSOR_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
#: Durability too: a driver may have told its calibration before this node was there.
_OVERRIDABLE = (*QoSOverridingOptions.with_default_policies().policy_kinds, QoSPolicyKind.DURABILITY)


MakeTracker = Callable[[dict[str, Any]], Tracker]


class TrackerNode(ManagedNode):
    """configure loads and checks, activate subscribes, deactivate stops and keeps the models, cleanup frees them."""

    def __init__(self, make_tracker: MakeTracker = face_tracker, diagnostics_period: float = 1.0) -> None:
        super().__init__("tracker", automatically_declare_parameters_from_overrides=True)
        self._make_tracker, self._diagnostics_period = make_tracker, diagnostics_period
        self._tracker: Tracker | None = None
        self._outputs: Outputs | None = None
        self._worker: NewestFrameWorker[Any] | None = None
        self._image_subscription: Subscription | None = None
        self._info_subscription: Subscription | None = None
        self._decode: Decoder = decode_compressed
        self._statistics = FrameStatistics()
        self._settings = NodeParameters(self, TRACKER, locked=lambda: self._tracker is not None)
        self._name_topics()
        self._report = Report(lifecycle="unconfigured", image_topic=self._image_topic)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self._diagnostics_writer = DiagnosticsWriter(f"{self.get_fully_qualified_name()}: head tracking")
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(diagnostics_period, self._publish_diagnostics, clock=steady)
        if self._settings.flag("autostart"):
            self._autostart = self.create_timer(0.0, self._start, clock=steady)

    def _configure(self) -> None:
        if self._settings.problems:
            raise ValueError("; ".join(self._settings.problems))
        # For the whole process, and by default as many as there are cores: pictures are too small for that.
        cv2.setNumThreads(int(self._settings.number("threads")))
        self._tracker = self._make_tracker(self._settings.values())
        self._outputs = Outputs(self, self._settings, self._tracker.model)
        self._name_topics()
        # From here on, as a driver may tell its calibration only once.
        self._cameras = CameraCache(self._info_topic)
        self._info_subscription = self._subscribe(CameraInfo, self._info_topic, self._cameras.update)
        compressed = self._settings.flag("compressed")
        decoder_name, self._decode = find_decoder(compressed, int(self._settings.number("bit_depth")))
        network = self._tracker.network
        licences = {f"{name}_licence": terms for name, terms in self._tracker.licences.items()}
        engine = {
            "backend_asked": self._settings.text("backend"), "decoder": decoder_name, **licences, **_facts(network)
        }  # fmt: skip
        self._report = Report("inactive", image_topic=self._image_topic, engine=engine)
        why = network.metadata.get("backend_reason", "no reason given")
        self.get_logger().info(f"configured: {network.name} ({why}), images decoded by {decoder_name}")

    @explained
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to take images.

        FAILURE, and so inactive still, while there is nothing to run the network: its engine is being built, or the GPU
        is lost. ERROR, and so unconfigured, when there will not be.
        """
        assert self._tracker is not None and self._outputs is not None
        try:
            self._tracker.check_network()
        except NetworkGivenUp as why:
            self.tell_failure("activate", why, expected=(NetworkGivenUp,))
            return TransitionCallbackReturn.ERROR
        except NetworkUnavailable as why:
            self.get_logger().warning(f"not activated: {why}; try again later, or set backend to auto to use the CPU")
            return FAILURE
        self._statistics = FrameStatistics()
        self._report = Report("active", image_topic=self._image_topic, engine=self._report.engine)
        answer = super().on_activate(state)
        processor = FrameProcessor(
            self,
            self._settings,
            self._tracker,
            self._decode,
            self._outputs,
            self._cameras,
            self._statistics,
            self._report,
        )
        self._worker = NewestFrameWorker(processor.process)
        kind = CompressedImage if self._settings.flag("compressed") else Image
        self._image_subscription = self._subscribe(kind, self._image_topic, self._take)
        self.get_logger().info(f"active: images on {self._image_topic}, camera_info on {self._info_topic}")
        return answer

    @explained
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop taking images, finish the one at work and forget the driver; the models stay loaded."""
        assert self._tracker is not None and self._outputs is not None
        self._stop()
        self._tracker.reset()
        self._outputs.forget()
        self._report.lifecycle = "inactive"
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the models and take the topics away."""
        self._report = Report("unconfigured", image_topic=self._image_topic)
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything."""
        self._report = Report("finalized", image_topic=self._image_topic)
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node can be configured again."""
        self._report = Report("unconfigured", image_topic=self._image_topic)
        return super().on_error(state)

    def _start(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() != SUCCESS:
            raise AutostartFailed(self.failure)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._autostart = self.create_timer(_RETRY, self._activate_when_ready, clock=steady)
        self._activate_when_ready()

    def _activate_when_ready(self) -> None:
        if self._tracker is None or self._worker is not None:  # somebody else has asked for a transition
            self._autostart.cancel()
            return
        try:
            self._tracker.check_network()
        except NetworkGivenUp:
            pass  # activating will say so
        except NetworkUnavailable:
            return
        self._autostart.cancel()
        if self.trigger_activate() != SUCCESS:
            raise AutostartFailed(self.failure)

    def _stop(self) -> None:
        if self._image_subscription is not None:
            self.destroy_subscription(self._image_subscription)
            self._image_subscription = None
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _release(self) -> None:
        self._stop()
        if self._info_subscription is not None:
            self.destroy_subscription(self._info_subscription)
            self._info_subscription = None
        if self._outputs is not None:
            self._outputs.close()
            self._outputs = None
        if self._tracker is not None:
            self._tracker.close()
            self._tracker = None

    def _name_topics(self) -> None:
        self._image_topic = image_topic(self, self._settings.flag("compressed"))
        self._info_topic = camera_info_topic(self, self._image_topic)

    def _subscribe(self, kind: type, topic: str, take: Callable[[Any], None]) -> Subscription:
        qos = copy(_SENSOR_QOS)  # an override is written into it
        options = QoSOverridingOptions(_OVERRIDABLE)
        prefix = f"qos_overrides.{topic}.subscription"
        given = self.get_parameters_by_prefix(prefix)  # subscribing declares the others
        try:
            return self.create_subscription(kind, topic, take, qos, qos_overriding_options=options)
        except (RuntimeError, AssertionError) as error:  # what rclpy makes of an override that is none
            if not given:
                raise
            values = ", ".join(f"{name} {parameter.value!r}" for name, parameter in sorted(given.items()))
            raise ValueError(f"parameters '{prefix}' cannot be used ({values}): {first_line(error)}") from error

    def _take(self, message: Any) -> None:
        """In the executor's thread: hand the message on and return."""
        self._statistics.receive(seconds(message.header))
        if self._worker is not None and self._worker.submit(message):
            self._statistics.drop("superseded")

    def _publish_diagnostics(self) -> None:
        if self._tracker is not None and self._report.engine:
            self._watch(self._tracker.network)
        report = replace(self._report, failure=self.failure, publishers=self._who_publishes())
        status = self._diagnostics_writer.write(report, self._statistics.figures(), self._diagnostics_period)
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _who_publishes(self) -> str:
        compressed = self._settings.flag("compressed")
        kind = f"sensor_msgs/msg/{'CompressedImage' if compressed else 'Image'}"
        return who_publishes(self, self._image_topic, kind, image_topic(self, not compressed))

    def _watch(self, network: CorrespondenceNetwork) -> None:
        """What runs the network may change: an engine gets ready, a GPU is lost or comes back."""
        facts = _facts(network)
        if facts["backend"] != self._report.engine["backend"]:
            self.get_logger().warning(f"backend: {facts['backend']}")
        self._report.engine = {**self._report.engine, **facts}


def _facts(network: CorrespondenceNetwork) -> dict[str, str]:
    """What diagnostics say of a network."""
    told = {CALIBRATION: "none in its file: that of the shipped networks", **network.metadata}
    return {"backend": network.name, **{f"network_{key}": value for key, value in told.items()}}


def main() -> int:
    """The ``tracker`` executable."""
    return run(TrackerNode)


if __name__ == "__main__":
    sys.exit(main())
