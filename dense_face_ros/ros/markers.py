"""Markers for RViz: the fitted mesh, the landmarks, the head's axes and the way the head points.

A mesh of thousands of triangles takes rclpy tens of milliseconds to serialise, however it is built. So the message is
serialised once with recognisable numbers in it, and from then on the changing parts are written into those bytes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from dense_face_ros.head_state import HeadState

#: At most: RViz shows no more at 10 Hz with ease, and each takes 72 bytes of every message.
MARKER_TRIANGLES = 2000
_AXIS_LENGTH, _FORWARD_START, _FORWARD_END = 0.06, 0.03, 0.30  # metres in the head frame
_SHOWN, _PERIODS_SHOWN = 0.5, 1.5  # seconds, and periods of their rate: a lost face fades by itself, one in view stays
_VISIBLE, _HIDDEN = (0.1, 0.9, 0.3, 1.0), (0.6, 0.6, 0.6, 0.4)
# The skin is opaque: what is transparent RViz draws without depth, the far side of a face over the near one.
_SKIN, _FORWARD = (0.85, 0.75, 0.68, 1.0), (1.0, 0.85, 0.1, 1.0)
_AXIS_COLOURS = np.repeat([(1, 0, 0, 1), (0, 1, 0, 1), (0, 0.4, 1, 1)], 2, axis=0).astype(np.float32)
_NAMES = ("mesh", "landmarks", "axes", "forward")


def lifetime(rate: float) -> Duration:
    """How long a viewer shows markers that come at a rate in Hz."""
    seconds, rest = divmod(max(_SHOWN, _PERIODS_SHOWN / rate), 1.0)
    return Duration(sec=int(seconds), nanosec=int(1e9 * rest))


@dataclass(frozen=True)
class MarkerContent:
    """What changes from frame to frame: points (metres, camera frame) of each marker, colours of the landmarks."""

    points: tuple[npt.NDArray[np.float64], ...]
    landmark_colours: npt.NDArray[np.float32]

    @classmethod
    def of(cls, state: HeadState, triangles: npt.NDArray[np.integer]) -> MarkerContent:
        """From a tracked head and (T, 3) triangles between its vertices."""
        origin, axes = state.pose[:3, 3], state.pose[:3, :3].T
        ends = origin + _AXIS_LENGTH * axes
        return cls(
            points=(
                state.vertices[triangles.ravel()].astype(np.float64),
                state.landmarks_3d.astype(np.float64),
                np.stack([np.broadcast_to(origin, (3, 3)), ends], axis=1).reshape(6, 3),
                np.stack([origin + _FORWARD_START * axes[0], origin + _FORWARD_END * axes[0]]),
            ),
            landmark_colours=np.where(state.landmark_visible[:, None], _VISIBLE, _HIDDEN).astype(np.float32),
        )

    def with_triangles(self, count: int) -> MarkerContent:
        """The same with only the first triangles of the mesh."""
        return MarkerContent((self.points[0][: 3 * count], *self.points[1:]), self.landmark_colours)


def marker_message(content: MarkerContent, header: Header, shown: Duration) -> MarkerArray:
    """The markers, with their lifetime, as a message: right, and slow for a large mesh."""
    kinds = (Marker.TRIANGLE_LIST, Marker.SPHERE_LIST, Marker.LINE_LIST, Marker.ARROW)
    scales = ((1.0, 1.0, 1.0), (0.005, 0.005, 0.005), (0.003, 0.0, 0.0), (0.005, 0.012, 0.02))
    colours = (_SKIN, _VISIBLE, _VISIBLE, _FORWARD)
    out = MarkerArray()
    for name, kind, scale, colour, points in zip(_NAMES, kinds, scales, colours, content.points, strict=True):
        marker = Marker(header=header, ns=name, id=0, type=kind, action=Marker.ADD, color=_colour(colour))
        marker.pose.orientation.w = 1.0
        marker.scale.x, marker.scale.y, marker.scale.z = scale
        marker.lifetime = shown
        marker.points = [Point(x=x, y=y, z=z) for x, y, z in points.tolist()]
        out.markers.append(marker)
    out.markers[1].colors = [_colour(row) for row in content.landmark_colours.tolist()]
    out.markers[2].colors = [_colour(row) for row in _AXIS_COLOURS.tolist()]
    return out


def _colour(rgba: tuple[float, ...] | list[float]) -> ColorRGBA:
    return ColorRGBA(r=float(rgba[0]), g=float(rgba[1]), b=float(rgba[2]), a=float(rgba[3]))


class MarkerWriter:
    """Serialises the markers of one face model quickly, its mesh as ``triangles`` (T, 3) between its vertices."""

    def __init__(self, triangles: npt.NDArray[np.integer]) -> None:
        self._triangles = triangles
        self.forget()

    def forget(self) -> None:
        """Let go of the message that was written last, a face's mesh in it."""
        self._made_for: tuple[str, float] | None = None
        self._template: _Template | None = None

    def write(self, state: HeadState, header: Header, rate: float) -> bytes | MarkerArray:
        """What to publish for a tracked head: serialised, or the message where the quick way proved wrong.

        ``rate``: Hz at which it is published.
        """
        content = MarkerContent.of(state, self._triangles)
        if (header.frame_id, rate) != self._made_for:
            self._made_for = header.frame_id, rate
            self._template = _Template.make(content, header, lifetime(rate))
        if self._template is None:
            return marker_message(content, header, lifetime(rate))
        return self._template.fill(content, header)


class _Template:
    """The serialised message, and views of the parts of it that change."""

    def __init__(self, shape: MarkerContent, frame_id: str, shown: Duration) -> None:
        marked = _marked(shape.with_triangles(1))
        message = marker_message(marked, Header(), shown)
        for marker, stamp in zip(message.markers, _marked_stamps(), strict=True):
            marker.header = Header(frame_id=frame_id)
            marker.header.stamp.sec, marker.header.stamp.nanosec = stamp.tolist()
        self._data = bytearray(serialize_message(message))
        mesh = self._lengthen(marked.points[0], len(shape.points[0]))
        self._points = [mesh, *(self._find(block) for block in marked.points[1:])]
        self._colours = self._find(marked.landmark_colours)
        self._stamps = [self._find(stamp) for stamp in _marked_stamps()]

    @classmethod
    def make(cls, content: MarkerContent, header: Header, shown: Duration) -> _Template | None:
        """A template for contents of this shape, or None where rclpy does not write what is expected.

        That is proved on a mesh of two triangles: proving the whole would hold up a dozen frames.
        """
        small = content.with_triangles(2)
        wanted = deserialize_message(serialize_message(marker_message(small, header, shown)), MarkerArray)
        try:
            if deserialize_message(cls(small, header.frame_id, shown).fill(small, header), MarkerArray) != wanted:
                return None
            return cls(content, header.frame_id, shown)
        except ValueError:
            return None

    def fill(self, content: MarkerContent, header: Header) -> bytes:
        """The message's bytes with this content and stamp."""
        for view, block in zip(self._points, content.points, strict=True):
            view[...] = block
        self._colours[...] = content.landmark_colours
        for stamp in self._stamps:
            stamp[...] = (header.stamp.sec, header.stamp.nanosec)
        return bytes(self._data)

    def _lengthen(self, block: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
        """Make room for ``count`` points in the place of the serialised ``block``; the view of them."""
        start = self._offset(block)
        # The number of points stands before them, perhaps with four bytes between to align them.
        for at in (start - 4, start - 8):
            if int.from_bytes(self._data[at : at + 4], sys.byteorder) == len(block):
                self._data[at : at + 4] = count.to_bytes(4, sys.byteorder)
                self._data[start : start + block.nbytes] = bytes(24 * count)
                return np.frombuffer(self._data, np.float64, 3 * count, start).reshape(count, 3)
        raise ValueError("no number of points before the points")

    def _find(self, block: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """The view of the message's bytes that holds ``block``."""
        return np.frombuffer(self._data, block.dtype, block.size, self._offset(block)).reshape(block.shape)

    def _offset(self, block: npt.NDArray[np.generic]) -> int:
        wanted = block.tobytes()
        offset = self._data.find(wanted)
        if offset < 0 or self._data.find(wanted, offset + 1) >= 0:
            raise ValueError("not found once in the serialised message")
        return offset


def _marked(content: MarkerContent) -> MarkerContent:
    """The same shapes, filled with numbers that occur nowhere else in the message."""
    marks = []
    start = 1e6
    for block in content.points:
        marks.append(start + np.arange(block.size, dtype=np.float64).reshape(block.shape))
        start += block.size
    colours = 1e6 + np.arange(content.landmark_colours.size, dtype=np.float32).reshape(-1, 4)
    return MarkerContent(tuple(marks), colours)


def _marked_stamps() -> list[npt.NDArray[np.int32]]:
    return [np.array([0x51525354 + i, 0x21222324 + i], np.int32) for i in range(len(_NAMES))]
