"""The vehicle's speed, whichever of the usual messages tells it. Needs no ROS installation."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

SPEED_TYPES = (
    "std_msgs/Float64",
    "geometry_msgs/TwistStamped",
    "geometry_msgs/TwistWithCovarianceStamped",
    "nav_msgs/Odometry",
)
_HOLD = 2.0  # seconds for which a speed stands


def message_type(name: str) -> Any:
    """The class of one of ``SPEED_TYPES``.

    Raises:
        ValueError: its package cannot be imported, which not every installation of ROS has.
    """
    package, kind = name.split("/")
    try:
        return getattr(import_module(f"{package}.msg"), kind)
    except ImportError as error:
        raise ValueError(
            f"parameter 'speed_type' is '{name}' and {package} cannot be imported ({error}); apt install "
            f"ros-$ROS_DISTRO-{package.replace('_', '-')}, or have the speed told by another type"
        ) from error


def speed_of(message: Any) -> float:
    """Metres per second, whichever of ``SPEED_TYPES`` the message has; of a twist, linear.x counts."""
    if not hasattr(message, "twist"):
        return float(message.data)
    twist = getattr(message.twist, "twist", message.twist)
    return float(twist.linear.x)


class VehicleSpeed:
    """The newest speed, for as long as it stands. Times are seconds, of arrival, by the node's clock and by a steady
    one, where there is one: while simulated time stands still, what was told grows old all the same."""

    def __init__(self) -> None:
        self._told: tuple[float, float, float] | None = None
        self._moved = math.nan, 0.0  # the node's clock, and when by the steady one it came to show that

    def tell(self, message: Any, now: float, steady: float | None = None) -> None:
        """A message of one of ``SPEED_TYPES`` arrived."""
        self._told = speed_of(message), now, now if steady is None else steady

    def at(self, now: float, steady: float | None = None) -> float | None:
        """m/s; None where it is unknown, by age or because the vehicle said so."""
        steady = now if steady is None else steady
        if now != self._moved[0]:
            self._moved = now, steady
        if self._told is None:
            return None
        speed, told, told_steady = self._told
        standing = min(steady - self._moved[1], steady - told_steady)
        return speed if max(abs(now - told), standing) <= _HOLD and math.isfinite(speed) else None
