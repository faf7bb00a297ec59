"""What becomes of a recording's frames: by which of their times, and in whose frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros.fake_tracker import FakeTracker
from ros.materials import write_video

from dense_face_ros.attention.head_sample import HeadSample
from dense_face_ros.attention.states import Attention
from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.evaluation.attention import AttentionJudge
from dense_face_ros.evaluation.attention_timeline import read_bag
from dense_face_ros.evaluation.recording import FileRecording, RecordedFrame
from dense_face_ros.evaluation.run import run
from dense_face_ros.evaluation.truth import TruePoses
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState
from dense_face_ros.ros.attention_setup import attention_policy
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.parameter_spec import defaults
from dense_face_ros.ros.parameters import ATTENTION

CAMERA = PinholeCamera(80.0, 80.0, 31.5, 23.5, 64, 48)
ASSUMED = PinholeCamera.from_field_of_view(64, 48)
STAMPS = 5_000_000_000 + 50_000_000 * np.arange(3)


class Judge(AttentionJudge):
    """Remembers what was judged."""

    def __init__(self) -> None:
        super().__init__(attention_policy(defaults(ATTENTION)), 0.4)
        self.samples: list[HeadSample] = []

    @property
    def stamps(self) -> list[float]:
        return [sample.stamp for sample in self.samples]

    def judge(self, sample: HeadSample) -> list[Attention]:
        self.samples.append(sample)
        return super().judge(sample)


class Counting(FakeTracker):
    """Remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.stamps: list[float] = []

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
        self.stamps.append(stamp)
        return super().update(image, stamp, camera)


class Recording:
    """Grey frames in the frame ``camera``, recorded one after another since it ``began``, which is as a rule a second
    after the first was taken; the last has no camera of its own where one is ``assumed``."""

    name, topic, count = "drive", "/image", None

    def __init__(
        self,
        truth_frame: str | None = None,
        stamps: Sequence[int] = tuple(STAMPS.tolist()),
        assumed: bool = False,
        began: int = 6_000_000_000,
    ) -> None:
        self._truth_frame, self._stamps, self._assumed, self._began = truth_frame, stamps, assumed, began
        self.dropped: dict[str, int] = {}
        self.drop_notes: list[str] = []

    def frames(self) -> Iterator[RecordedFrame]:
        for i, stamp in enumerate(self._stamps):
            image = np.full((48, 64, 3), 120, np.uint8)
            camera = ASSUMED if self._assumed and i == len(self._stamps) - 1 else CAMERA
            yield RecordedFrame(stamp, self._began + 50_000_000 * i, "camera", image, camera, "")

    def beside(self) -> Iterator[tuple[Any, int, bytes]]:
        return iter(())

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


def test_frames_that_the_node_would_drop_are_skipped_and_counted(tmp_path: Path) -> None:
    """A stamp that is repeated, ones that go back by less than a second, and two by more: the recording begins anew."""
    pytest.importorskip("rosbags", reason="rosbags is not installed")
    milliseconds = (5000, 5050, 5050, 5020, 5100, 4200, 4050, 4100, 4100, 4150)
    recording = Recording(stamps=[1_000_000 * stamp for stamp in milliseconds])
    judge, tracker = Judge(), Counting()
    result = run(tracker, recording, judge, tmp_path / "bag")
    answered = [5.0, 5.05, 5.1, 4.1, 4.15]
    assert tracker.stamps == judge.stamps == pytest.approx(answered)
    assert (1e-9 * result.columns.stamps).tolist() == pytest.approx(answered) and result.dropped == {"out_of_order": 5}
    assert result.silences == {} and [sample.stamp for sample in read_bag(tmp_path / "bag")] == pytest.approx(answered)


@pytest.mark.parametrize(("later", "told"), [(0, 0), (60_000_000_000, 1)])
def test_a_truth_that_is_of_no_frame_is_told(later: int, told: int) -> None:
    stamps = [stamp + later for stamp in STAMPS.tolist()]
    result = run(Counting(), Recording(truth_frame="camera", stamps=stamps, began=stamps[0]), Judge())
    assert sum("no frame has a true pose" in note for note in result.notes) == told


class Failing(Counting):
    """Fails on all frames from a stamp on."""

    def __init__(self, since: float, error: Exception) -> None:
        super().__init__()
        self._since, self._error = since, error

    def update(self, image: np.ndarray, stamp: float, camera: PinholeCamera | None) -> HeadState:
        if stamp >= self._since:
            raise self._error
        return super().update(image, stamp, camera)


def test_a_frame_on_which_the_tracker_fails_is_dropped_and_told() -> None:
    stamps = [5_000_000_000 + 50_000_000 * i for i in range(4)]
    result = run(Failing(5.1, RuntimeError("told to fail")), Recording(stamps=stamps), Judge())
    assert len(result.columns) == 2 and result.dropped == {"out_of_order": 0, "failed": 2}
    assert result.drop_notes == ["the tracker failed on some, first with RuntimeError: told to fail"]
    for since, error in ((0.0, RuntimeError("told to fail")), (5.1, NetworkUnavailable("the GPU is gone"))):
        with pytest.raises(type(error), match=str(error)):
            run(Failing(since, error), Recording(stamps=stamps), Judge())


@pytest.mark.parametrize("astray", [0, 900_000_000_000])
def test_a_frame_that_has_lost_its_time_does_not_make_the_recording_begin_anew(astray: int) -> None:
    """By the time of recording, as the node would have seen it then."""
    stamps = [100_000_000_000 + 50_000_000 * i for i in range(4)]
    tracker = Counting()
    result = run(tracker, Recording(stamps=[*stamps[:2], astray, *stamps[3:]], began=100_020_000_000), Judge())
    assert tracker.stamps == pytest.approx([100.0, 100.05, 100.15]) and result.dropped == {"out_of_order": 1}


@pytest.mark.parametrize(("required", "told"), [(False, 3), (True, 2)])
def test_a_pose_by_an_assumed_camera_is_withheld_where_the_node_would(
    required: bool, told: int, tmp_path: Path
) -> None:
    rosbag2 = pytest.importorskip("rosbags.rosbag2", reason="rosbags is not installed")
    judge = Judge()
    result = run(FakeTracker(), Recording(assumed=True), judge, tmp_path / "bag", required)
    assert len(result.columns) == 3 and result.withheld == 3 - told
    assert sum(sample.rotation is not None for sample in judge.samples) == told
    with rosbag2.Reader(tmp_path / "bag") as reader:
        counts = {connection.topic: connection.msgcount for connection in reader.connections}
    attention = {"/attention": 3, "/attention/events": 1}
    assert counts == {"/head_pose": told, "/head_pose/raw": told, "/landmarks": 3, "/expression": 3, **attention}


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
