from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from std_msgs.msg import Header

from dense_face_ros.attention.directions import camera_mounting
from dense_face_ros.attention.policy import AttentionPolicy
from dense_face_ros.attention.settings import PRESETS
from dense_face_ros.attention.zones import Cone, Zone, ZoneMap
from dense_face_ros.ros.attention_markers import attention_markers, zone_lines
from dense_face_ros.ros.markers import lifetime

ZONES = ZoneMap((Zone("road", Cone(0.0, 0.0, 10.0)), Zone("left_below", Cone(60.0, 30.0, 5.0))), 2.0)
LINES = zone_lines(ZONES)
SHOWN = lifetime(0.2)


def test_yaw_is_to_the_left_and_pitch_downwards() -> None:
    middle = LINES["left_below"].mean(axis=0)
    wanted = np.array([np.cos(np.pi / 6) * 0.5, np.cos(np.pi / 6) * np.sqrt(0.75), -0.5])
    assert middle / np.linalg.norm(middle) == pytest.approx(wanted, abs=1e-6)


def test_zones_lie_around_the_head_in_the_frame_of_the_camera() -> None:
    head, mounting = np.array([0.1, -0.2, 0.7]), camera_mounting(20.0, -12.0, 4.0)
    attention = AttentionPolicy(PRESETS["euro_ncap"], ZONES, mounting).lapse(1.0, "nothing yet")
    _, zones = attention_markers(attention, LINES, head, mounting, Header(), SHOWN).markers
    points = np.array([(p.x, p.y, p.z) for p in zones.points])
    assert np.allclose((points - head) @ mounting.T, np.concatenate(list(LINES.values())))


def test_the_present_zone_is_bright_and_the_state_stands_above_the_head() -> None:
    head, mounting = np.array([0.1, -0.2, 0.7]), camera_mounting(20.0, -12.0, 4.0)
    unknown = AttentionPolicy(PRESETS["euro_ncap"], ZONES, mounting).lapse(1.0, "nothing yet")
    attention = replace(unknown, zone="left_below")
    text, zones = attention_markers(attention, LINES, head, mounting, Header(), SHOWN).markers
    bright = [colour.r for colour in zones.colors]
    assert len(zones.colors) == len(zones.points) and min(bright[-48:]) == 1.0 > max(bright[:-48])
    at = np.array([text.pose.position.x, text.pose.position.y, text.pose.position.z])
    assert mounting @ (at - head) == pytest.approx([0.0, 0.0, 0.22])
    assert text.lifetime == zones.lifetime == SHOWN, "a lost head's fade"


def test_without_a_mounting_the_state_stands_above_the_head_in_the_image() -> None:
    attention = AttentionPolicy(PRESETS["euro_ncap"], ZONES, None).lapse(1.0, "nothing yet")
    (text,) = attention_markers(attention, LINES, np.zeros(3), None, Header(), SHOWN).markers
    assert text.pose.position.y < 0.0 == text.pose.position.x
