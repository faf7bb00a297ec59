"""What becomes of a recording's frames: by which of their times, and in whose frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from ros.fake_tracker import FakeTracker
from ros.materials import write_video

from dense_face_ros.attention.policy import HeadSample
from dense_face_ros.attention.states import Attention
from dense_face_ros.evaluation.attention import AttentionJudge
from dense_face_ros.evaluation.recording import FileRecording, RecordedFrame
from dense_face_ros.evaluation.run import run
from dense_face_ros.evaluation.truth import TruePoses
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.ros.attention_setup import attention_policy
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.parameters import ATTENTION, defaults

CAMERA = PinholeCamera(80.0, 80.0, 31.5, 23.5, 64, 48)
STAMPS = 5_000_000_000 + 50_000_000 * np.arange(3)


class Judge(AttentionJudge):
    """Remembers when what was judged."""

    def __init__(self) -> None:
        super().__init__(attention_policy(defaults(ATTENTION)), 0.4)
        self.stamps: list[float] = []

    def judge(self, sample: HeadSample) -> list[Attention]:
        self.stamps.append(sample.stamp)
        return super().judge(sample)


class Recording:
    """Three frames in the frame ``camera``, recorded a second after they were taken."""

    name, topic, count = "drive", "/image", 3

    def __init__(self, truth_frame: str | None = None) -> None:
        self._truth_frame = truth_frame

    def frames(self) -> Iterator[RecordedFrame]:
        for stamp in STAMPS.tolist():
            image = np.full((48, 64, 3), 120, np.uint8)
            yield RecordedFrame(stamp, stamp + 1_000_000_000, "camera", image, CAMERA, "")

    def true_poses(self) -> TruePoses | None:
        if self._truth_frame is None:
            return None
        return TruePoses(STAMPS, np.zeros((3, 3)), np.tile([0.0, 0.0, 0.0, 1.0], (3, 1)), self._truth_frame)

    def close(self) -> None:
        pass


def test_frames_are_judged_by_their_stamps_and_shown_by_the_time_since_the_first() -> None:
    judge = Judge()
    result = run(FakeTracker(), Recording(), judge)
    assert judge.stamps == pytest.approx([5.0, 5.05, 5.1])
    assert [frame.seconds for frame in result.key_frames] == pytest.approx([0.0, 0.05, 0.1])


@pytest.mark.parametrize(("frame", "known"), [("camera", True), ("", True), ("base_link", False)])
def test_true_poses_in_another_frame_than_the_images_are_refused(frame: str, known: bool) -> None:
    if known:
        assert "error_rotation" in run(FakeTracker(), Recording(frame), Judge()).columns.numbers
        return
    with pytest.raises(SourceError, match="true poses are in frame 'base_link', images in 'camera'"):
        run(FakeTracker(), Recording(frame), Judge())


def test_the_stamps_of_a_video_are_nanoseconds_from_its_start(tmp_path: Path) -> None:
    recording = FileRecording(write_video(tmp_path / "a.avi", 3, rate=25.0))
    frames = list(recording.frames())
    assert [frame.stamp for frame in frames] == pytest.approx([0, 40_000_000, 80_000_000], abs=1_000_000)
    assert not frames[0].camera.metric and frames[0].note
