"""Who publishes where images are expected, for the line that none come. Needs no ROS installation."""

from __future__ import annotations

from typing import Any


def who_publishes(node: Any, topic: str, kind: str, elsewhere: str) -> str:
    """What an ``rclpy`` node sees of the publishers of images, as the rest of a sentence.

    Args:
        node: asks.
        topic: on which images are expected.
        kind: of messages there, as ``sensor_msgs/msg/Image``.
        elsewhere: topic of the other kind, raw or compressed.
    """
    kinds = _kinds(node, topic)
    if kind in kinds:
        return "though it is published"
    if kinds:
        return f"which is published as {', '.join(kinds)} and not as {kind}"
    others = _kinds(node, elsewhere)
    return "which nobody publishes" + (f"; {elsewhere} is, as {', '.join(others)}" if others else "")


def _kinds(node: Any, topic: str) -> list[str]:
    return sorted({publisher.topic_type for publisher in node.get_publishers_info_by_topic(topic)})
