"""The attention node in a process of its own, fed with head poses and expressions over DDS."""

from __future__ import annotations

import importlib.util
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TransformStamped, TwistStamped
from ros.processes import Observer
from ros.scripted_driver import LAP, LATCHED, MOUNTED, NODE, ROAD, START, Driver, value
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker, MarkerArray

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.geometry import Array, quaternion_from_rotation, rotation_from_yaw_pitch_roll

#: The node in a process where a method of ROS's node fails.
BROKEN = """
from dense_face_ros.ros.attention_node import AttentionNode, run

def broken(*arguments, **options):
    raise RuntimeError("none to be had")

def make():
    node = AttentionNode()
    node.{method} = broken
    return node

run(make)
"""


def test_states_values_and_latched_topics(start: Any, observer: Observer, driver: Driver) -> None:
    # The clock of the test's stamps is not the node's: only silence may be told by the latter.
    process = start(*NODE, *MOUNTED, "-p", "max_silence:=5.0")
    driver.activate()
    assert driver.said[-1].level == DiagnosticStatus.STALE
    assert "nothing received on /head_pose" in driver.said[-1].message
    markers = observer.collect(MarkerArray, "attention/markers", 1)
    driver.drive(1.0, ROAD)
    said = driver.said[-1]
    assert (said.level, value(said, "state"), value(said, "zone")) == (DiagnosticStatus.OK, "attentive", "road")
    assert value(said, "perclos") == "unknown" and value(said, "budget_left") == "10.00"
    driver.drive(3.2, LAP)
    said = driver.said[-1]
    assert (said.level, value(said, "state"), value(said, "zone")) == (DiagnosticStatus.WARN, "long_distraction", "lap")
    assert float(value(said, "glance_duration")) == pytest.approx(3.2, abs=0.1)
    assert float(value(said, "budget_left")) == pytest.approx(6.8, abs=0.1)
    assert float(value(said, "since")) == pytest.approx(START + 4.05, abs=0.07)
    assert "the head points at lap" in said.message and said.hardware_id == "/head_pose"
    driver.drive(1.0, ROAD)
    driver.drive(3.2, ROAD, eyes=0.02)
    assert driver.said[-1].level == DiagnosticStatus.ERROR and value(driver.said[-1], "state") == "sleep"
    driver.drive(0.6, None)
    assert driver.said[-1].level == DiagnosticStatus.STALE and value(driver.said[-1], "last_known_state") == "sleep"
    wanted = ["unknown", "attentive", "long_distraction", "attentive", "microsleep", "sleep", "unknown"]
    assert driver.transitions() == list(zip(["none", *wanted], wanted, strict=False))
    zones = {marker.ns: marker for marker in markers[-1].markers}
    assert zones["attention"].text.startswith("unknown") and zones["attention"].header.frame_id == "cabin_camera"
    assert zones["zones"].type == Marker.LINE_LIST and len(zones["zones"].points) == len(zones["zones"].colors) > 100
    latched = observer.collect(DiagnosticStatus, "attention", LATCHED)
    observer.wait_until(lambda: latched, "the last state comes to late subscribers")
    driver.drive(1.0, ROAD)
    assert observer.change_state("deactivate", "/attention")
    assert "not active" in driver.wait_for("unknown").message, "an inactive node must not leave 'attentive' latched"
    assert observer.change_state("cleanup", "/attention")
    assert process.stop() == 0, process.output


def test_markers_are_nowhere_while_nobody_tells_where_the_head_is(
    start: Any, observer: Observer, driver: Driver
) -> None:
    start(*NODE, *MOUNTED, "-p", "max_silence:=5.0", "-p", "marker_rate:=60.0")
    driver.activate()
    markers = observer.collect(MarkerArray, "attention/markers", 100)
    driver.drive(0.5, ROAD)
    observer.wait_until(lambda: markers, "markers come")
    for nowhere in (np.nan, np.inf, 0.7):
        driver.now += 0.1
        pose = driver.pose(ROAD)
        pose.pose.pose.position.x = nowhere
        driver.poses.publish(pose)
        driver.expressions.publish(driver.expression(0.9))
    last = pose.header.stamp
    observer.wait_until(lambda: markers[-1].markers[0].header.stamp == last, "markers of the last frame")
    places = [marker.pose.position for message in markers for marker in message.markers]
    assert all(math.isfinite(place.x) for place in places)


def test_silence_is_unknown_by_the_clock_and_by_simulated_time(start: Any, observer: Observer, driver: Driver) -> None:
    process = start(*NODE, *MOUNTED)
    driver.activate()
    driver.drive(1.0, ROAD)
    silence = re.search(r"nothing received on /head_pose for ([0-9.]+) s", driver.wait_for("unknown").message)
    assert silence and float(silence[1]) >= 0.4
    observer.wait_until(lambda: ("attentive", "unknown") in driver.transitions(), "the event of falling silent")
    assert process.stop() == 0, process.output

    clock = observer.node.create_publisher(Clock, "/clock", 10)
    process = start(*NODE, *MOUNTED, "-p", "use_sim_time:=true")
    driver.said.clear()
    driver.activate()
    driver.drive(1.0, ROAD)
    driver.wait_for("attentive")
    simulated = 50.0

    def unknown_as_time_passes() -> bool:
        nonlocal simulated
        simulated += 0.05
        clock.publish(Clock(clock=Time(sec=int(simulated), nanosec=int(1e9 * (simulated % 1.0)))))
        return value(driver.said[-1], "state") == "unknown" and told_silence() > 0.0

    def told_silence() -> float:
        silence = re.search(r"nothing received on /head_pose for ([0-9.]+) s", driver.said[-1].message)
        return float(silence[1]) if silence else 0.0

    def silent_for_long() -> bool:
        unknown_as_time_passes()
        return told_silence() > 100.0

    observer.wait_until(unknown_as_time_passes, "silence in simulated time is unknown")
    assert 0.0 < told_silence() < 10.0, "time before the clock began does not count"
    simulated += 100.0
    observer.wait_until(silent_for_long, "the silence grows")
    said = len(driver.said)
    observer.wait_until(lambda: len(driver.said) > said + 3, "the state is repeated though the clock stands still")
    driver.drive(1.0, ROAD)
    driver.wait_for("attentive")
    observer.wait_until(unknown_as_time_passes, "silence is unknown once more")
    assert 0.0 < told_silence() < 10.0, "time before the last message does not count"


def test_before_simulated_time_began_no_driver_was_missed(start: Any, observer: Observer, driver: Driver) -> None:
    clock = observer.node.create_publisher(Clock, "/clock", 10)
    start(*NODE, *MOUNTED, "-p", "use_sim_time:=true")
    driver.activate()
    simulated = 1000.0

    def silent(seconds: float) -> bool:
        nonlocal simulated
        simulated += 0.05
        clock.publish(Clock(clock=Time(sec=int(simulated), nanosec=int(1e9 * (simulated % 1.0)))))
        told = re.search(r"nothing received on /head_pose for ([0-9.]+) s", driver.said[-1].message)
        return told is not None and float(told[1]) >= seconds

    observer.wait_until(lambda: silent(1.0), "silence of a second")
    assert float(value(driver.said[-1], "since")) > 1000.0 and value(driver.said[-1], "degraded") == ""
    simulated += 10.0
    observer.wait_until(lambda: silent(10.0) and value(driver.said[-1], "degraded") != "", "ten seconds of nobody")


def test_a_clock_that_stands_still_is_told_and_counts_nothing(start: Any, observer: Observer, driver: Driver) -> None:
    """It never began, or was paused in the midst of a look away."""
    told: list[DiagnosticArray] = observer.collect(DiagnosticArray, "/diagnostics")
    clock = observer.node.create_publisher(Clock, "/clock", 10)
    start(*NODE, *MOUNTED, "-p", "use_sim_time:=true")
    driver.activate()
    observer.wait_until(lambda: "the clock stands still" in driver.said[-1].message, "silence before the first frame")
    driver.drive(1.0, ROAD)
    driver.wait_for("attentive")

    def unknown_again_and_again() -> None:
        reason = driver.wait_for("unknown").message
        assert reason == "unknown: nothing received on /head_pose, and the clock stands still"
        said = len(driver.said)
        observer.wait_until(lambda: len(driver.said) > said + 3, "the state is repeated")
        assert {value(status, "stamp") for status in driver.said[said:]} == {value(driver.said[said], "stamp")}

    unknown_again_and_again()
    observer.wait_until(
        lambda: told and "the clock stands still: with use_sim_time" in told[-1].status[0].message, "diagnostics say so"
    )
    assert told[-1].status[0].level == DiagnosticStatus.WARN
    clock.publish(Clock(clock=Time(sec=50)))
    driver.drive(1.0, ROAD)
    driver.drive(2.0, LAP)
    clock.publish(Clock(clock=Time(sec=50, nanosec=200_000_000)))  # it goes on for a while after the last frame
    unknown_again_and_again()
    driver.drive(0.9, LAP)
    assert value(driver.said[-1], "state") == "attentive", "the time of the pause was not spent looking away"
    driver.drive(0.3, LAP)
    assert value(driver.said[-1], "state") == "long_distraction", "what was before it is not forgotten"


def test_an_alarm_that_ends_because_the_stamps_went_back_is_an_event(
    start: Any, observer: Observer, driver: Driver
) -> None:
    start(*NODE, *MOUNTED, "-p", "max_silence:=5.0")
    driver.activate()
    driver.drive(1.0, ROAD)
    driver.drive(3.5, ROAD, eyes=0.02)
    driver.drive(0.5, None)
    assert (value(driver.said[-1], "state"), value(driver.said[-1], "last_known_state")) == ("unknown", "sleep")
    before = len(driver.events)
    driver.now -= 10.0
    driver.drive(0.5, None)
    observer.wait_until(lambda: len(driver.events) > before, "the event")
    event = driver.events[before]
    assert value(event, "reason").startswith("the stamps went back by 9.9")
    assert (value(event, "state"), value(event, "previous_state")) == ("unknown", "unknown")
    assert value(event, "last_known_state") == "none" and len(driver.events) == before + 1


def test_speed_decides(start: Any, observer: Observer, driver: Driver) -> None:
    message = TwistStamped()
    message.twist.linear.x = 10.0
    speeds = observer.node.create_publisher(TwistStamped, "car/speed", 5)
    start(
        *NODE, *MOUNTED, "-p", "preset:=eu_addw", "-p", "max_silence:=5.0",
        "-p", "speed_topic:=car/speed", "-p", "speed_type:=geometry_msgs/TwistStamped",
    )  # fmt: skip
    driver.activate()
    observer.wait_until(lambda: speeds.get_subscription_count(), "the node subscribes to the speed")
    speeds.publish(message)
    driver.drive(0.5, ROAD)
    driver.drive(5.0, LAP)
    assert value(driver.said[-1], "state") == "attentive", "36 km/h permit 6 s"
    driver.drive(1.3, LAP)
    assert value(driver.said[-1], "state") == "long_distraction"
    assert value(driver.said[-1], "budget_left") == "not judged"


def test_an_alarm_is_the_answer_to_the_frame_that_crosses_the_threshold(
    start: Any, observer: Observer, driver: Driver
) -> None:
    start(*NODE, *MOUNTED, "-p", "preset:=custom", "-p", "long_glance:=0.6", "-p", "max_silence:=5.0")
    driver.activate()
    driver.drive(1.0, ROAD, rate=30.0)
    # The turn lies half a frame before the first frame away: 18.5 frames have passed at the nineteenth.
    driver.drive(18 / 30, LAP, rate=30.0)
    assert value(driver.said[-1], "state") == "attentive"
    driver.drive(1 / 30, LAP, rate=30.0)
    assert value(driver.said[-1], "state") == "long_distraction"
    observer.wait_until(lambda: ("attentive", "long_distraction") in driver.transitions(), "the event of the alarm")
    assert value(driver.events[-1], "stamp") == value(driver.said[-1], "stamp")


def test_neutral_pose_is_learned_and_reset(start: Any, observer: Observer, driver: Driver) -> None:
    start(*NODE, "-p", "max_silence:=5.0")
    driver.activate()
    driver.drive(5.0, (18.0, 10.0), rate=5.0)
    assert "learning the neutral pose" in driver.said[-1].message
    driver.drive(31.0, (18.0, 10.0), rate=5.0)
    assert value(driver.said[-1], "state") == "attentive", driver.said[-1].message
    answer = observer.call(Trigger, "/attention/reset_neutral_pose", Trigger.Request())
    assert answer.success
    driver.drive(1.0, (18.0, 10.0), rate=5.0)
    assert value(driver.said[-1], "state") == "unknown"


def test_wrong_parameters_are_named_when_configured(start: Any, observer: Observer, tmp_path: Path) -> None:
    process = start(*NODE, "-p", "sleep:=2.0")
    assert not observer.change_state("configure", "/attention")
    message = "parameter 'sleep' is 2 and preset is 'euro_ncap', which has its own; set preset to 'custom'"
    assert message in process.output
    cases: list[tuple[dict[str, Any], str]] = [
        ({"sleep": 0.9, "preset": "custom"}, "microsleep is 1.0; it must be less than sleep, which is 0.9"),
        ({"sleep": 3.0, "zones": str(tmp_path / "none.yaml")}, "none.yaml' cannot be read"),
        (
            {"zones": "", "speed_topic": "{nobody}/speed"},
            "parameter 'speed_topic' is '{nobody}/speed', which can be no topic",
        ),
        (
            {"speed_topic": "vehicle speed"},
            "parameter 'speed_topic' is 'vehicle speed', which can be no topic",
        ),
    ]
    for parameters, message in cases:
        for name, given in parameters.items():
            assert observer.set_parameter(name, given, "/attention")[0]
        assert not observer.change_state("configure", "/attention")
        observer.wait_until(lambda message=message: message in process.output, message)
    assert observer.set_parameter("speed_topic", "", "/attention")[0]
    assert observer.change_state("configure", "/attention")
    assert not observer.set_parameter("preset", "nhtsa", "/attention")[0], "read when configured"
    assert "Traceback" not in process.output
    assert process.stop() == 0, process.output
    alone = start(*NODE, "-p", "preset:=euro", "-p", "autostart:=true")
    assert alone.wait() == 1, "a supervisor sees that it could not start"
    assert "parameter 'preset' is 'euro'" in alone.output and "Traceback" not in alone.output


class Frames:
    """Broadcasts static transforms; through the stand-in for tf2 where tf2_ros is not installed."""

    def __init__(self, observer: Observer) -> None:
        if importlib.util.find_spec("tf2_ros") is None:
            kind, self._wrap = TransformStamped, lambda transform: transform
        else:
            from tf2_msgs.msg import TFMessage

            kind, self._wrap = TFMessage, lambda transform: TFMessage(transforms=[transform])
        self._publisher = observer.node.create_publisher(kind, "/tf_static", LATCHED)

    def send(self, parent: str, child: str, rotation: Array) -> None:
        """Rotation parent <- child."""
        transform = TransformStamped(child_frame_id=child)
        transform.header.frame_id = parent
        q = transform.transform.rotation
        q.x, q.y, q.z, q.w = quaternion_from_rotation(rotation).tolist()
        self._publisher.publish(self._wrap(transform))


def test_mounting_by_tf(start: Any, observer: Observer, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("tf2_ros") is None:
        stand_in = str(Path(__file__).parent / "stand_in_tf2")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([stand_in, os.environ.get("PYTHONPATH", "")]))
    frames = Frames(observer)
    process = start(*NODE, "-p", "mounting:=tf", "-p", "car_frame:=car", "-p", "max_silence:=5.0")
    driver.activate()
    dashboard = rotation_from_yaw_pitch_roll(np.radians([20.0, 0.0, 0.0]))

    def mount(yaw: float, pitch: float) -> None:
        driver.mounting = camera_mounting(yaw, pitch, 4.0)
        frames.send("dashboard", "cabin_camera", dashboard.T @ driver.mounting)

    mount(35.0, -12.0)
    driver.drive(0.5, ROAD)
    assert "mounting is not known" in driver.said[-1].message, "the dashboard is not in the car yet"
    frames.send("car", "dashboard", dashboard)

    def seen_at(at: tuple[float, float]) -> str:
        driver.drive(0.3, at)
        return value(driver.said[-1], "zone")

    observer.wait_until(lambda: seen_at(ROAD) == "road", "the mounting is known")
    assert seen_at(LAP) == "lap" and seen_at((30.0, 5.0)) == "driver_mirror"
    mount(-20.0, 8.0)
    observer.wait_until(lambda: seen_at(ROAD) == "road", "the newest transform counts")
    assert seen_at(LAP) == "lap"
    assert observer.change_state("deactivate", "/attention") and observer.change_state("cleanup", "/attention")
    assert "Traceback" not in process.output and process.stop() == 0


def test_how_the_node_is_comes_on_diagnostics(start: Any, observer: Observer, driver: Driver) -> None:
    told: list[DiagnosticArray] = observer.collect(DiagnosticArray, "/diagnostics")

    def wait_for(message: str) -> DiagnosticStatus:
        observer.wait_until(lambda: told and message in told[-1].status[0].message, f"diagnostics say {message}")
        return told[-1].status[0]

    process = start(*NODE, "-p", "zones:=nowhere.yaml")
    assert wait_for("unconfigured").level == DiagnosticStatus.OK
    assert not observer.change_state("configure", "/attention")
    assert wait_for("nowhere.yaml").level == DiagnosticStatus.ERROR
    assert observer.set_parameter("zones", "", "/attention")[0]
    driver.activate()
    assert wait_for("nothing received on /head_pose").level == DiagnosticStatus.WARN
    driver.drive(1.0, ROAD)
    status = wait_for("the camera's mounting is being learned")
    assert status.name == "/attention: attention node" and value(status, "preset") == "euro_ncap"
    assert process.stop() == 0, process.output


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("create_service", "configure failed: none to be had"),
        ("create_subscription", "activate failed: none to be had"),
    ],
)
def test_why_a_transition_failed_is_on_diagnostics(start: Any, observer: Observer, method: str, told: str) -> None:
    reports: list[DiagnosticArray] = observer.collect(DiagnosticArray, "/diagnostics")
    process = start("-c", BROKEN.format(method=method))
    assert not (observer.change_state("configure", "/attention") and observer.change_state("activate", "/attention"))
    observer.wait_until(lambda: reports and reports[-1].status[0].message == told, f"diagnostics say {told}")
    status = reports[-1].status[0]
    assert status.level == DiagnosticStatus.ERROR and value(status, "state") == "unconfigured"
    assert told in process.output and "Traceback" in process.output
