from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from ros.materials import picture, write_video

from dense_face_ros.ros.frame_sources import ImageFolder, SourceError, Video, Webcam


def test_video_twice(tmp_path: Path) -> None:
    video = Video(write_video(tmp_path / "clip.avi"))
    for _ in range(2):
        frames = list(video.frames())
        assert [frame.time for frame in frames] == pytest.approx([0.0, 0.04, 0.08, 0.12, 0.16])
        assert [round(frame.image.mean() / 30) for frame in frames] == [0, 1, 2, 3, 4]
    video.close()


def test_video_at_another_rate(tmp_path: Path) -> None:
    times = [frame.time for frame in Video(write_video(tmp_path / "clip.avi"), rate=10.0).frames()]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


class UsbCamera:
    """A camera of 640x480 pixels at up to 30 Hz, that tells what it was asked for."""

    asked: ClassVar[dict[int, float]] = {}

    def __init__(self, device: int) -> None:
        self.asked.clear()

    def isOpened(self) -> bool:
        return True

    def set(self, prop: int, value: float) -> bool:
        self.asked[prop] = value
        return True

    def get(self, prop: int) -> float:
        return {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0, cv2.CAP_PROP_FPS: 29.97}[prop]


def test_a_webcam_says_in_what_it_does_not_do_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", UsbCamera)
    assert Webcam(0).note == "" and cv2.CAP_PROP_FOURCC not in UsbCamera.asked
    assert Webcam(0, 640, 480, 30.0).note == ""
    assert UsbCamera.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    note = Webcam(0, 1280, 480, 60.0).note
    assert note == "webcam '/dev/video0' gives width 640 instead of 1280, rate 29.97 instead of 60"


class UnevenCapture:
    """A video that slowed down in the dark, and tells nothing of its last frame's time."""

    _TOLD = (1000.0, 1040.0, 1120.0, 1200.0, math.nan)  # milliseconds

    def __init__(self, name: str) -> None:
        self._index = -1

    def isOpened(self) -> bool:
        return True

    def get(self, prop: int) -> float:
        if prop == cv2.CAP_PROP_POS_MSEC:
            return self._TOLD[self._index]
        return 25.0 if prop == cv2.CAP_PROP_FPS else len(self._TOLD)

    def read(self) -> tuple[bool, np.ndarray | None]:
        self._index += 1
        return (True, picture(self._index)) if self._index < len(self._TOLD) else (False, None)

    def release(self) -> None:
        pass


def test_an_uneven_video_has_its_own_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", UnevenCapture)
    times = [frame.time for frame in Video(Path("phone.mp4")).frames()]
    assert times == pytest.approx([0.0, 0.04, 0.12, 0.20, 0.24])
    times = [frame.time for frame in Video(Path("phone.mp4"), rate=50.0).frames()]
    assert times == pytest.approx([0.0, 0.02, 0.04, 0.06, 0.08]), "else as asked"


def test_a_video_that_was_cut_off_says_so(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "clip.avi", count=40)
    video = Video(whole)
    assert len(list(video.frames())) == 40 and video.note == ""
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    video = Video(whole)
    count = len(list(video.frames()))
    assert 0 < count < 30
    assert video.note == f"video '{whole}' ended after {count} of the 40 frames it tells of; was it cut off?"


def test_folder_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), picture(number))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._frame1.png").write_bytes(b"what a file manager remembers of it")
    (tmp_path / "folder.png").mkdir()
    frames = list(ImageFolder(tmp_path).frames())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert [frame.time for frame in frames] == pytest.approx([0.0, 0.1, 0.2])


def test_files_of_a_folder_are_decoded_by_their_bit_depth(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.full((4, 4), 2048, np.uint16))
    cv2.imwrite(str(tmp_path / "1.png"), np.full((4, 4), 128, np.uint8))
    for bit_depth, expected in ((12, 128), (16, 8)):
        found = [frame.image for frame in ImageFolder(tmp_path, bit_depth=bit_depth).frames()]
        assert [image.shape for image in found] == [(4, 4, 3)] * 2
        assert [int(image.mean()) for image in found] == [expected, 128]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(SourceError, match=r"video '.*broken.mp4' cannot be read"):
        Video(broken)
    with pytest.raises(SourceError, match="holds no images"):
        ImageFolder(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"image '.*empty.png' cannot be read: it is empty"):
        list(ImageFolder(tmp_path).frames())
    (tmp_path / "empty.png").unlink()
    cv2.imwrite(str(tmp_path / "depth.tif"), np.ones((4, 4, 3), np.float32))
    with pytest.raises(SourceError, match=r"image '.*depth.tif' cannot be read: its values are float32; 8 or 16 bits"):
        list(ImageFolder(tmp_path).frames())
    (tmp_path / "depth.tif").unlink()
    bitmap = tmp_path / "huge.bmp"
    cv2.imwrite(str(bitmap), picture(1))
    damaged = bytearray(bitmap.read_bytes())
    damaged[18:22] = (2_000_000).to_bytes(4, "little")  # its width
    bitmap.write_bytes(damaged)
    with pytest.raises(SourceError, match=r"image '.*huge.bmp' cannot be read: it is damaged"):
        list(ImageFolder(tmp_path).frames())
    bitmap.unlink()
    (tmp_path / "drive_0.mcap").write_bytes(b"")
    with pytest.raises(SourceError, match=r"is a rosbag2 without metadata.yaml; run: ros2 bag reindex"):
        ImageFolder(tmp_path)
    with pytest.raises(SourceError, match=r"folder '.*gone' cannot be read: No such file"):
        ImageFolder(tmp_path / "gone")
    with pytest.raises(SourceError, match="webcam '/dev/video99' cannot be opened"):
        Webcam(99)
