from __future__ import annotations

from pathlib import Path

import cv2
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


def test_folder_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), picture(number))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "folder.png").mkdir()
    frames = list(ImageFolder(tmp_path).frames())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert [frame.time for frame in frames] == pytest.approx([0.0, 0.1, 0.2])


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(SourceError, match=r"video '.*broken.mp4' cannot be read"):
        Video(broken)
    with pytest.raises(SourceError, match="holds no images"):
        ImageFolder(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(SourceError, match=r"image '.*empty.png' cannot be read"):
        list(ImageFolder(tmp_path).frames())
    with pytest.raises(SourceError, match="webcam '/dev/video99' cannot be opened"):
        Webcam(99)
