from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dense_face_ros.evaluation.recording import FileRecording


def test_the_camera_of_a_folder_is_assumed_once(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((48, 64, 3), 10 * i, np.uint8))
    first, *others = (frame.camera for frame in FileRecording(tmp_path, field_of_view=90.0).frames())
    assert not first.metric and (first.width, first.height, first.fx) == pytest.approx((64, 48, 32.0))
    assert len(others) == 2 and all(camera is first for camera in others)
