from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.evaluation.recording import FileRecording
from dense_face_ros.ros.frame_sources import SourceError


def test_the_camera_of_a_folder_is_assumed_once(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((48, 64, 3), 10 * i, np.uint8))
    first, *others = (frame.camera for frame in FileRecording(tmp_path, field_of_view=90.0).frames())
    assert not first.metric and (first.width, first.height, first.fx) == pytest.approx((64, 48, 32.0))
    assert len(others) == 2 and all(camera is first for camera in others)


def test_an_image_that_cannot_be_decoded_is_dropped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no image")
    with pytest.raises(SourceError, match=r"no image can be used; the first that was dropped \(bad_image\) is '1.png'"):
        list(FileRecording(tmp_path).frames())
    for i in (0, 2):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((48, 64, 3), 10 * i, np.uint8))
    recording = FileRecording(tmp_path)
    assert [frame.stamp for frame in recording.frames()] == [0, 200_000_000], "its place in time stays empty"
    assert recording.dropped == {"bad_image": 1} and len(recording.drop_notes) == 1
