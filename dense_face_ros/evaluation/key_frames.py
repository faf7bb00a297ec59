"""A few frames that tell the story of a recording, chosen while it passes: the memory they take is bounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros.drawing import draw_overlay
from dense_face_ros.evaluation.even_selection import EvenSelection
from dense_face_ros.face_model import FaceModel
from dense_face_ros.head_state import HeadState, Status

_EVEN = 12  # most pictures spread over time
_LOSSES = 8  # most pictures of lost tracks
_WIDTH = 400  # pixels
_QUALITY = 80  # JPEG


@dataclass(frozen=True)
class KeyFrame:
    """A drawn frame: its number, the recorded seconds before it, why it is shown, and the picture as JPEG."""

    index: int
    seconds: float
    title: str
    jpeg: bytes


class KeyFrames:
    """Keeps frames spread evenly over time, each loss of the track, and the extremes of turn and of doubt."""

    def __init__(self, model: FaceModel) -> None:
        self._model = model
        self._even: EvenSelection[KeyFrame] = EvenSelection(_EVEN)
        self._losses: list[KeyFrame] = []
        self._extremes: dict[str, tuple[float, KeyFrame]] = {}
        self._tracked = False
        self._index = 0

    def add(self, image: npt.NDArray[np.uint8], state: HeadState, seconds: float) -> None:
        """The next frame."""
        tracking = state.status is Status.TRACKING
        lost = self._tracked and not tracking and len(self._losses) < _LOSSES
        records = {
            title: value
            for title, value in (_extremes(state) if tracking else {}).items()
            if title not in self._extremes or value > self._extremes[title][0]
        }

        @cache  # drawn once, and only where it is shown
        def frame() -> KeyFrame:
            return KeyFrame(self._index, seconds, "", self._picture(image, state))

        self._even.add(frame)
        if lost:
            self._losses.append(replace(frame(), title="lost"))
        for title, value in records.items():
            self._extremes[title] = (value, replace(frame(), title=title))
        self._tracked = tracking
        self._index += 1

    def chosen(self) -> list[KeyFrame]:
        """In order of time; a frame chosen for several reasons comes once, with all of them."""
        frames = [*self._even.kept, *self._losses, *(frame for _, frame in self._extremes.values())]
        merged: dict[int, KeyFrame] = {}
        for frame in frames:
            before = merged.get(frame.index)
            titles = [t for t in ((before.title if before else ""), frame.title) if t]
            merged[frame.index] = KeyFrame(frame.index, frame.seconds, ", ".join(titles), frame.jpeg)
        return [merged[index] for index in sorted(merged)]

    def _picture(self, image: npt.NDArray[np.uint8], state: HeadState) -> bytes:
        drawn = draw_overlay(image, state, self._model)
        height = max(1, round(drawn.shape[0] * _WIDTH / drawn.shape[1]))
        small = cv2.resize(drawn, (_WIDTH, height), interpolation=cv2.INTER_AREA)
        encoded, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        if not encoded:
            raise OSError(f"a picture of shape {small.shape} cannot be encoded")
        return bytes(data.tobytes())


def _extremes(state: HeadState) -> dict[str, float]:
    """What a frame may be the utmost in, the larger the more."""
    yaw, pitch, _ = state.yaw_pitch_roll.tolist()
    return {
        "largest turn to the person's left": yaw,
        "largest turn to the person's right": -yaw,
        "lowest face": pitch,
        "highest face": -pitch,
        "fewest inliers": -state.quality.get("inliers", 1.0),
    }
