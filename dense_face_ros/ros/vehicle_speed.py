"""The vehicle's speed, whichever of the usual messages tells it."""

from __future__ import annotations

from typing import Any

from geometry_msgs.msg import TwistStamped, TwistWithCovarianceStamped
from nav_msgs.msg import Odometry
from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_topic_name import validate_topic_name
from std_msgs.msg import Float64

SPEED_TYPES: dict[str, type] = {
    "std_msgs/Float64": Float64,
    "geometry_msgs/TwistStamped": TwistStamped,
    "geometry_msgs/TwistWithCovarianceStamped": TwistWithCovarianceStamped,
    "nav_msgs/Odometry": Odometry,
}


def check_topic(parameter: str, topic: str) -> None:
    """ValueError naming a parameter whose topic can be none; empty is no topic, and permitted."""
    try:
        if topic:
            validate_topic_name(topic)
    except InvalidTopicNameException as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"parameter '{parameter}' is '{topic}', which can be no topic: {reason}") from error


def speed_of(message: Any) -> float:
    """Metres per second, whichever of ``SPEED_TYPES`` the message has."""
    if isinstance(message, Float64):
        return float(message.data)
    twist = message.twist if isinstance(message, TwistStamped) else message.twist.twist
    return float(twist.linear.x)
