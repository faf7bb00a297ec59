from __future__ import annotations

import sys
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from geometry_msgs.msg import TwistStamped, TwistWithCovarianceStamped
from nav_msgs.msg import Odometry
from std_msgs.msg import Float64

from dense_face_ros.attention.directions import HeadDirection
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.states import Attention, State
from dense_face_ros.ros.attention_content import LEVELS
from dense_face_ros.ros.attention_messages import attention_message, read_attention
from dense_face_ros.ros.attention_setup import attention_policy, attention_settings
from dense_face_ros.ros.car_transform import CarTransform
from dense_face_ros.ros.parameter_spec import defaults
from dense_face_ros.ros.parameters import ATTENTION
from dense_face_ros.ros.vehicle_speed import SPEED_TYPES, VehicleSpeed, message_type, speed_of


def values(**given: Any) -> dict[str, Any]:
    return {**defaults(ATTENTION), **given}


@pytest.mark.parametrize("name", ["euro_ncap", "eu_addw", "nhtsa"])
def test_presets_are_taken_as_they_are(name: str) -> None:
    assert attention_settings(values(preset=name)) is PRESETS[name]


def test_defaults_of_the_custom_preset_are_those_of_the_parameters() -> None:
    custom, preset = attention_settings(values(preset="custom")), PRESETS["custom"]
    for setting in ("glance_limits", "glance_budget", "budget_window", "budget_reset", "microsleep", "sleep",
                    "perclos_drowsy", "perclos_awake", "unresponsive_closure"):  # fmt: skip
        assert getattr(custom, setting) == getattr(preset, setting), setting


def test_custom_numbers() -> None:
    settings = attention_settings(values(preset="custom", long_glance=1.5, sleep=8.0, perclos_drowsy=0.06))
    assert settings.glance_limit(None) == 1.5 and settings.sleep == 8.0
    assert settings.unresponsive_closure > 8.0 and settings.perclos_awake < 0.06
    assert settings.unresponsive_glance is None, "a glance that the user permits is no missing response"


@pytest.mark.parametrize("known", [True, False])
def test_what_a_status_tells_is_read_again(known: bool) -> None:
    direction, mounting = (HeadDirection(-31.25, 4.5, 1.75), (12.0, 15.0, -4.0)) if known else (None, None)
    told = Attention(10.5, State.ATTENTIVE, "on the road", 9.25, "road", 0.0, 8.75, 0.0, 0.12, "", State.ATTENTIVE,
                     direction, mounting)  # fmt: skip
    status = attention_message(told, "attention: driver", "/head_pose")
    assert read_attention(status) == told
    status.values = [value for value in status.values if not value.key.startswith(("head_", "camera_"))]
    assert read_attention(status).direction is None, "as an earlier version wrote it"


def test_mountings() -> None:
    told = attention_policy(values(mounting="parameters", camera_yaw=10.0))
    assert told.heading.neutral is None and told.heading.car_from_camera is not None
    learned = attention_policy(values(mounting="learned"))
    assert learned.heading.neutral is not None and learned.heading.car_from_camera is None
    assert attention_policy(values(mounting="tf")).heading.car_from_camera is None


def test_what_cannot_be_imported_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tf2_ros", "nav_msgs.msg"):
        monkeypatch.setitem(sys.modules, module, None)
    told = r"parameter 'mounting' is 'tf' and tf2_ros cannot be imported \(.*tf2_ros.*\); apt install ros-"
    with pytest.raises(ValueError, match=told):
        CarTransform(None, "base_link")
    told = r"parameter 'speed_type' is 'nav_msgs/Odometry' and nav_msgs cannot be imported \(.*\); .*-nav-msgs,"
    with pytest.raises(ValueError, match=told):
        message_type("nav_msgs/Odometry")


def test_messages_are_read() -> None:
    twist = TwistStamped()
    twist.twist.linear.x = -3.0
    assert speed_of(twist) == -3.0 and speed_of(Float64(data=4.0)) == 4.0
    for message in (TwistWithCovarianceStamped(), Odometry()):
        message.twist.twist.linear.x = 5.0
        assert speed_of(message) == 5.0


def test_every_speed_type_is_read() -> None:
    assert next(spec for spec in ATTENTION if spec.name == "speed_type").choices == SPEED_TYPES
    kinds = [message_type(name) for name in SPEED_TYPES]
    assert kinds == [Float64, TwistStamped, TwistWithCovarianceStamped, Odometry]
    assert [speed_of(kind()) for kind in kinds] == [0.0] * 4


def test_a_speed_stands_for_two_seconds() -> None:
    vehicle = VehicleSpeed()
    assert vehicle.at(0.0) is None
    vehicle.tell(Float64(data=7.0), 100.0)
    assert [vehicle.at(now) for now in (100.0, 101.9, 102.1, 97.0)] == [7.0, 7.0, None, None]
    vehicle.tell(Float64(data=float("nan")), 103.0)
    assert vehicle.at(103.0) is None


def test_every_state_has_a_level() -> None:
    assert {state.value: level for state, level in LEVELS.items()} == {
        "unknown": 3, "attentive": 0, "drowsy": 1, "repeated_distraction": 1, "long_distraction": 1,
        "microsleep": 2, "sleep": 2, "unresponsive": 2,
    }  # fmt: skip
