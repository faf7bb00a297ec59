"""Recordings as the evaluation sees them: frames with stamp, frame_id and camera, whatever they are stored in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from dense_face_ros.evaluation.truth import TruePoses
from dense_face_ros.frame_input import assumed_camera
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.ros.frame_sources import ImageFolder, SourceError, Video
from dense_face_ros.ros.images import BgrImage

_FRAME_ID = "camera"


@dataclass(frozen=True)
class RecordedFrame:
    """One image (H, W, 3) BGR, uint8.

    ``stamp`` is the image's, ``recorded`` when it was written, both in nanoseconds. ``camera`` is assumed (not
    ``metric``) where the recording tells no usable one; ``note`` then says why. ``speed`` is the vehicle's, m/s, None
    where it is unknown.
    """

    stamp: int
    recorded: int
    frame_id: str
    image: BgrImage
    camera: PinholeCamera
    note: str
    speed: float | None = None


class Recording(Protocol):
    """What can be evaluated. ``count`` is the number of frames, None where only reading tells; ``topic`` is that of the
    images, empty without topics. ``dropped`` tells how many images that were read are no frames, by the reason
    (``DROP_REASONS``), and ``drop_notes`` what was wrong with the first of them, or with the whole."""

    name: str
    topic: str
    count: int | None
    dropped: dict[str, int]
    drop_notes: list[str]

    def frames(self) -> Iterator[RecordedFrame]: ...

    def true_poses(self) -> TruePoses | None: ...

    def beside(self) -> Iterator[tuple[Any, int, bytes]]: ...

    def close(self) -> None: ...


def drop(recording: Recording, reason: str, note: str) -> None:
    """Count an image of a recording that is no frame; ``note`` tells which it is and why."""
    if not recording.dropped[reason]:
        recording.drop_notes.append(f"the first that was dropped ({reason}) is {note}")
    recording.dropped[reason] += 1


class FileRecording:
    """A video file or a folder of images: stamps start at zero, the camera is assumed.

    Raises:
        SourceError: one line naming the file or folder.
    """

    count: int | None = None
    topic = ""

    def __init__(self, path: Path, field_of_view: float = 60.0, bit_depth: int = 16) -> None:
        self._source: Video | ImageFolder
        if path.is_dir():
            self._source = ImageFolder(path, bit_depth=bit_depth, pass_over=partial(drop, self, "bad_image"))
        else:
            self._source = Video(path)
        self._field_of_view = field_of_view
        self.name = str(path)
        self.dropped: dict[str, int] = {}
        self.drop_notes: list[str] = []

    def frames(self) -> Iterator[RecordedFrame]:
        """All frames from the first; images of a folder that cannot be decoded are dropped and counted.

        Raises:
            SourceError: the source is damaged, or no image can be decoded.
        """
        self.dropped, self.drop_notes, decoded = {}, [], False
        if isinstance(self._source, ImageFolder):
            self.dropped["bad_image"] = 0
        for frame in self._source.frames():
            decoded = True
            stamp = round(1e9 * frame.time)
            height, width = frame.image.shape[:2]
            camera = assumed_camera(width, height, self._field_of_view)
            yield RecordedFrame(stamp, stamp, _FRAME_ID, frame.image, camera, "no camera_info in a video or folder")
        if not decoded:
            raise SourceError(f"folder '{self.name}': no image can be used; {self.drop_notes[0]}")
        if self._source.note:
            self.drop_notes.append(self._source.note)

    def true_poses(self) -> None:
        """A video knows none."""

    def beside(self) -> Iterator[tuple[Any, int, bytes]]:
        """Nothing: a video has no messages."""
        return iter(())

    def close(self) -> None:
        """Close the file."""
        self._source.close()
