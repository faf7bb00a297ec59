"""Markers for RViz around the driver's head: the zones, the present one bright, and the state in words."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from dense_face_ros.attention.states import Attention, State
from dense_face_ros.attention.zones import ZoneMap
from dense_face_ros.geometry import Array

_RADIUS, _TEXT_HEIGHT, _TEXT_ABOVE = 0.45, 0.03, 0.22  # metres
_PLAIN, _BRIGHT = (0.6, 0.6, 0.6, 0.5), (1.0, 0.85, 0.1, 1.0)
_TEXT_COLOURS = {State.UNKNOWN: (0.6, 0.6, 0.6, 1.0), State.ATTENTIVE: (0.2, 0.9, 0.3, 1.0)}
_ALARM = (1.0, 0.25, 0.15, 1.0)
_UP = np.array([0.0, 0.0, 1.0])


def zone_lines(zones: ZoneMap) -> dict[str, Array]:
    """Zone name -> (N, 3) points of its border on the sphere around the head, car frame, a pair for every line."""
    out = {}
    for zone in zones.zones:
        yaw, pitch = np.radians(zone.region.outline()).T
        points = np.column_stack([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), -np.sin(pitch)])
        out[zone.name] = _RADIUS * np.stack([points[:-1], points[1:]], axis=1).reshape(-1, 3)
    return out


def attention_markers(
    attention: Attention,
    lines: dict[str, Array],
    head: Array,
    car_from_camera: Array | None,
    header: Header,
    shown: Duration,
) -> MarkerArray:
    """The markers in the camera's frame; ``head``: (3,) its position there. Without a mounting only the text.

    ``shown``: their lifetime.
    """
    up = np.array([0.0, -1.0, 0.0]) if car_from_camera is None else car_from_camera.T @ _UP
    text = _marker(header, shown, "attention", Marker.TEXT_VIEW_FACING, _TEXT_COLOURS.get(attention.state, _ALARM))
    text.pose.position = _point(head + _TEXT_ABOVE * up)
    text.scale.z = _TEXT_HEIGHT
    text.text = f"{attention.state.value}\n{attention.zone}"
    out = [text]
    if car_from_camera is not None:
        zones = _marker(header, shown, "zones", Marker.LINE_LIST, _PLAIN)
        zones.scale.x = 0.002
        for name, points in lines.items():
            colour = _colour(_BRIGHT if name == attention.zone else _PLAIN)
            zones.points += [_point(point) for point in head + points @ car_from_camera]
            zones.colors += [colour] * len(points)
        out.append(zones)
    return MarkerArray(markers=out)


def _marker(header: Header, shown: Duration, name: str, kind: int, colour: tuple[float, ...]) -> Marker:
    marker = Marker(header=header, ns=name, id=0, type=kind, action=Marker.ADD, color=_colour(colour))
    marker.pose.orientation.w = 1.0
    marker.lifetime = shown
    return marker


def _point(xyz: Array) -> Point:
    x, y, z = xyz.tolist()
    return Point(x=x, y=y, z=z)


def _colour(rgba: tuple[float, ...]) -> ColorRGBA:
    return ColorRGBA(r=rgba[0], g=rgba[1], b=rgba[2], a=rgba[3])
