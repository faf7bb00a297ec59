"""The ``attention`` lifecycle node: head poses and eyelids in, whether the driver attends out.

It keeps nothing but what the policy needs of the last minutes, in memory, and publishes no pictures and no shapes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseWithCovarianceStamped
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.pairing import SamplePairing
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.states import Attention
from dense_face_ros.ros.attention_content import is_event
from dense_face_ros.ros.attention_diagnostics import AttentionReport, Received, attention_diagnostics
from dense_face_ros.ros.attention_markers import attention_markers, zone_lines
from dense_face_ros.ros.attention_messages import attention_message, event_message
from dense_face_ros.ros.attention_setup import attention_policy
from dense_face_ros.ros.autostart import AutostartFailed, run
from dense_face_ros.ros.car_transform import CarTransform
from dense_face_ros.ros.ending import asked_to_end
from dense_face_ros.ros.managed_node import ManagedNode, explained
from dense_face_ros.ros.markers import lifetime
from dense_face_ros.ros.message_readers import read_eyes, read_pose, stamp_of
from dense_face_ros.ros.node_parameters import NodeParameters, check_topic
from dense_face_ros.ros.pace import Pace
from dense_face_ros.ros.parameters import ATTENTION
from dense_face_ros.ros.silence import Silence
from dense_face_ros.ros.vehicle_speed import VehicleSpeed, message_type

SUCCESS = TransitionCallbackReturn.SUCCESS

_LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_EVENTS = QoSProfile(depth=20, durability=DurabilityPolicy.TRANSIENT_LOCAL)
_HEAD = QoSProfile(depth=10)
_ANY_SPEED = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_WATCH_PERIOD = 0.1  # seconds; in silence the state is repeated at this pace
_DIAGNOSTICS_PERIOD = 1.0  # seconds


class AttentionNode(ManagedNode):
    """configure loads the zones and offers the topics, activate subscribes, deactivate says "unknown" and stops."""

    def __init__(self) -> None:
        super().__init__("attention", automatically_declare_parameters_from_overrides=True)
        self._policy: AttentionPolicy | None = None
        self._settings = NodeParameters(self, ATTENTION, locked=lambda: self._policy is not None)
        self._publishers_held: list[Publisher] = []
        self._subscriptions_held: list[Subscription] = []
        self._watch: Timer | None = None
        self._service: Any = None
        self._car: CarTransform | None = None
        self._speed = VehicleSpeed()
        self._received = Received()
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        # A timer of the node's own clock stands still when that is set back or paused.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._silence = Silence(*self._times())
        self.create_timer(_DIAGNOSTICS_PERIOD, self._publish_diagnostics, clock=self._steady)
        if self._settings.flag("autostart"):
            self._autostart = self.create_timer(0.0, self._start, clock=self._steady)

    def _configure(self) -> None:
        if self._settings.problems:
            raise ValueError("; ".join(self._settings.problems))
        check_topic(self, "speed_topic", self._settings.text("speed_topic"))
        self._policy = attention_policy(self._settings.values())
        if self._settings.text("speed_topic"):
            self._speed_type = message_type(self._settings.text("speed_type"))
        if self._settings.text("mounting") == "tf":
            self._car = CarTransform(self, self._settings.text("car_frame"))
        self._status = self._publisher(DiagnosticStatus, "attention", _LATCHED)
        self._events = self._publisher(DiagnosticStatus, "attention/events", _EVENTS)
        self._markers = self._publisher(MarkerArray, "attention/markers", QoSProfile(depth=1))
        self._service = self.create_service(Trigger, "~/reset_neutral_pose", self._reset_neutral)
        self._lines = zone_lines(self._policy.zones)
        settings = self._policy.settings
        self.get_logger().info(f"configured: preset {settings.preset}, inspired by {settings.source}")

    @explained
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin with nothing known about the driver."""
        assert self._policy is not None
        self._policy.reset()
        self._pairing = SamplePairing()
        self._previous: Attention | None = None
        self._speed = VehicleSpeed()
        self._head = PoseWithCovarianceStamped()
        self._markers_pace = Pace()
        self._silence = Silence(*self._times())
        self._last_stamp = self._now()
        answer = super().on_activate(state)
        self._source = self.resolve_topic_name("head_pose")
        self._publish(self._policy.lapse(self._last_stamp, f"nothing received on {self._source} yet"))
        self._subscriptions_held = [
            self.create_subscription(PoseWithCovarianceStamped, "head_pose", self._take_pose, _HEAD),
            self.create_subscription(JointState, "expression", self._take_expression, _HEAD),
        ]
        if self._settings.text("speed_topic"):
            topic = self._settings.text("speed_topic")
            speed = self.create_subscription(self._speed_type, topic, self._take_speed, _ANY_SPEED)
            self._subscriptions_held.append(speed)
        self._watch = self.create_timer(_WATCH_PERIOD, self._watch_silence, clock=self._steady)
        return answer

    @explained
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop; the latched state becomes unknown."""
        self._stop()
        return super().on_deactivate(state)

    def _take_pose(self, message: PoseWithCovarianceStamped) -> None:
        self._head = message
        self._received.poses += 1
        self._judge(self._pairing.pose(stamp_of(message), *read_pose(message)))

    def _take_expression(self, message: JointState) -> None:
        head = bool(message.name)
        self._received.expressions += 1
        self._received.heads += head
        self._judge(self._pairing.expression(stamp_of(message), read_eyes(message), head))

    def _take_speed(self, message: Any) -> None:
        self._speed.tell(message, *self._times())

    def _judge(self, samples: list[HeadSample]) -> None:
        assert self._policy is not None
        now, steady = self._times()
        if samples:  # messages whose stamps stand still are no news
            self._silence.end(now, steady)
        if self._car is not None:
            self._policy.heading.mounting = self._car.rotation(self._head.header.frame_id)
        speed = self._speed.at(now, steady)
        for sample in samples:
            self._last_stamp = sample.stamp
            self._publish(self._policy.update(replace(sample, speed=speed)))
            self._received.judged(self._policy.flaw)

    def _publish_diagnostics(self) -> None:
        report = AttentionReport(
            lifecycle=self._state_machine.current_state[1],
            source=self.resolve_topic_name("head_pose"),
            expressions=self.resolve_topic_name("expression"),
            failure=self.failure,
            received=self._received,
            period=_DIAGNOSTICS_PERIOD,
            speed_source=self._settings.text("speed_topic"),
            speed=self._speed.at(*self._times()),
            clock_stands=self._silence.clock_stands(*self._times()) > self._settings.number("max_silence"),
            policy=self._policy,
        )
        self._received = Received()
        status = attention_diagnostics(report, f"{self.get_fully_qualified_name()}: attention node")
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _watch_silence(self) -> None:
        """Without any message no stamp tells that time passes: then the clock does, or that it stands still."""
        assert self._policy is not None
        (now, steady), longest = self._times(), self._settings.number("max_silence")
        silence = self._silence.by_clock(now, steady)
        if not self._last_stamp and now:  # simulated time began only now: none of it was spent in waiting
            self._policy.reset()
            self._last_stamp = now - silence
        if silence > longest:
            reason = f"nothing received on {self._source} for {silence:.1f} s"
        elif self._silence.without_clock(now, steady) > longest:
            reason = f"nothing received on {self._source}, and the clock stands still"
        else:
            return
        self._publish(self._policy.lapse(self._last_stamp + silence, reason))

    def _publish(self, attention: Attention) -> None:
        previous, self._previous = self._previous, attention
        name = f"{self.get_fully_qualified_name()}: driver attention"
        self._status.publish(attention_message(attention, name, self._source))
        if is_event(attention, previous):
            self._events.publish(event_message(attention, previous, name, self._source))
        self._publish_markers(attention)

    def _publish_markers(self, attention: Attention) -> None:
        assert self._policy is not None
        rate = self._settings.number("marker_rate")
        if (
            not self._markers_pace.due(attention.stamp, rate)
            or not self._head.header.frame_id
            or not self._markers.get_subscription_count()
        ):
            return
        position = self._head.pose.pose.position
        head = np.array([position.x, position.y, position.z])
        if not np.isfinite(head).all():  # another program's: viewers refuse such markers
            return
        self._markers_pace.take(attention.stamp)
        mounting, header = self._policy.heading.car_from_camera, self._head.header
        self._markers.publish(attention_markers(attention, self._lines, head, mounting, header, lifetime(rate)))

    def _reset_neutral(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        if self._policy is None or self._policy.heading.neutral is None:
            response.message = "the neutral pose is learned only with mounting 'learned'"
            return response
        self._policy.heading.neutral.reset()
        self._policy.reset()
        response.success, response.message = True, "the neutral pose is learned anew, and the driver's eyes"
        return response

    def _start(self) -> None:
        self._autostart.cancel()
        if self.trigger_configure() != SUCCESS or self.trigger_activate() != SUCCESS:
            raise AutostartFailed

    def _stop(self) -> None:
        for subscription in self._subscriptions_held:
            self.destroy_subscription(subscription)
        self._subscriptions_held = []
        if self._watch is not None:
            self.destroy_timer(self._watch)
            self._watch = None
            # What is latched must not outlive its evidence.
            if self._policy is not None and self.context.ok():
                try:
                    self._publish(self._policy.lapse(self._last_stamp, "the attention node is not active"))
                except Exception as error:  # the context may go down meanwhile
                    if not asked_to_end(error):
                        raise

    def _release(self) -> None:
        # The topics, and the driver with the neutral pose.
        self._stop()
        for publisher in self._publishers_held:
            self.destroy_lifecycle_publisher(publisher)
        self._publishers_held = []
        if self._service is not None:
            self.destroy_service(self._service)
            self._service = None
        if self._car is not None:
            self._car.close()
            self._car = None
        self._policy = None

    def _publisher(self, kind: type, topic: str, qos: QoSProfile) -> Publisher:
        publisher = self.create_lifecycle_publisher(kind, topic, qos)
        self._publishers_held.append(publisher)
        return publisher

    def _times(self) -> tuple[float, float]:
        """By the node's clock, and by the steady one."""
        return self._now(), 1e-9 * float(self._steady.now().nanoseconds)

    def _now(self) -> float:
        return 1e-9 * float(self.get_clock().now().nanoseconds)


def main() -> int:
    """The ``attention`` executable."""
    return run(AttentionNode)


if __name__ == "__main__":
    sys.exit(main())
