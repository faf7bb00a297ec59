"""The video that the demo makes of a stream of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from demo.recording import Image, StampedVideo


def grey(level: int) -> Image:
    return np.full((48, 64, 3), level, np.uint8)


def levels(path: Path) -> list[int]:
    capture, out = cv2.VideoCapture(str(path)), []
    while True:
        found, image = capture.read()
        if not found:
            return out
        out.append(round(float(np.mean(image)) / 20))


def test_video_shows_each_picture_until_the_next_ones_time(tmp_path: Path) -> None:
    video = StampedVideo(tmp_path / "out.mp4", rate=10.0)
    for stamp, level in ((5.0, 20), (5.1, 60), (5.42, 100), (5.5, 200)):
        video.add(stamp, grey(level))
    video.close()
    assert levels(tmp_path / "out.mp4") == [1, 3, 3, 3, 5, 10]


def test_video_scales_a_picture_of_another_size(tmp_path: Path) -> None:
    video = StampedVideo(tmp_path / "out.mp4", rate=10.0)
    video.add(0.0, grey(20))
    video.add(0.1, np.full((480, 640, 3), 60, np.uint8))
    video.close()
    assert levels(tmp_path / "out.mp4") == [1, 3]


def test_video_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        StampedVideo(tmp_path / "nowhere" / "out.mp4").add(0.0, grey(0))
