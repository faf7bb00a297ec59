"""Head pose and eyelids of one frame come as two messages; here they become one sample again."""

from __future__ import annotations

from dataclasses import dataclass

from dense_face_ros.attention.head_sample import EYES_UNKNOWN, HeadSample
from dense_face_ros.geometry import Array
from dense_face_ros.stamp_order import RESTART

Eyes = tuple[float, float]

#: Why a frame with a head has no pose.
NO_POSE = "expression tells of a head, head_pose does not"
LATE = "head_pose comes later than expression"
_LATE_FOR = 10  # frames without their pose for which one that came late tells why


@dataclass
class _Parts:
    pose: tuple[Array, Array] | None = None
    eyes: Eyes | None = None
    head: bool = False


class SamplePairing:
    """Joins messages of equal stamps, in whichever order they come; returns the samples that became complete, in order.

    A frame without a head has no pose: an empty expression alone is that frame's whole sample. As long as no
    expression has ever come, poses do not wait for one. Stamps that go back far on a topic begin anew.
    """

    def __init__(self) -> None:
        self._pending: dict[int, _Parts] = {}
        self._done: int | None = None
        self._newest_pose = self._newest_expression = -1
        self._eyes_come = False
        self._lacking = False  # whether the frame answered last had a head without a pose
        self._late = 0  # further frames of which it may be said that their pose will be late

    def pose(self, stamp: int, rotation: Array, covariance: Array) -> list[HeadSample]:
        """A head pose: stamp in nanoseconds, rotation (3, 3) camera <- head, covariance (6, 6)."""
        before, self._newest_pose = self._newest_pose, stamp
        parts = self._parts(stamp, before)
        if parts is None:
            if self._lacking:
                self._late = _LATE_FOR
            return []
        parts.pose = (rotation, covariance)
        return self._complete(stamp, parts.eyes is not None or not self._eyes_come)

    def expression(self, stamp: int, eyes: Eyes, head: bool) -> list[HeadSample]:
        """The openness (left, right) of the eyes, NaN where unknown; ``head``: whether the message told anything."""
        self._eyes_come = True
        before, self._newest_expression = self._newest_expression, stamp
        parts = self._parts(stamp, before)
        if parts is None:
            return []
        parts.eyes, parts.head = eyes, head
        return self._complete(stamp, parts.pose is not None or not head)

    def _parts(self, stamp: int, before: int) -> _Parts | None:
        """Where to put a message that came after one of ``before`` on its topic; None when its frame was answered."""
        if self._done is not None and stamp <= self._done:
            lags = stamp >= before  # behind the other topic, however far
            if lags or stamp > self._done - int(RESTART * 1e9):
                return None
            self._pending.clear()
            self._done = None
        return self._pending.setdefault(stamp, _Parts())

    def _complete(self, stamp: int, whole: bool) -> list[HeadSample]:
        """What may be passed on now: up to ``stamp`` if its frame is whole, and all but the newest two frames."""
        stamps = sorted(self._pending)
        ready = [s for i, s in enumerate(stamps) if (whole and s <= stamp) or i < len(stamps) - 2]
        return [self._sample(s) for s in ready]

    def _sample(self, stamp: int) -> HeadSample:
        parts = self._pending.pop(stamp)
        self._done = stamp
        self._lacking = parts.head and parts.pose is None
        self._late = max(self._late - 1, 0) if self._lacking else 0
        eyes = parts.eyes or EYES_UNKNOWN
        if parts.pose is None:
            lacking = (LATE if self._late else NO_POSE) if self._lacking else ""
            return HeadSample(1e-9 * stamp, eye_openness=eyes, lacking=lacking)
        return HeadSample(1e-9 * stamp, *parts.pose, eyes)
