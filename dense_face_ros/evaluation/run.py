"""A recording through the tracker, every frame that the node would answer: deterministic but for the time it takes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dense_face_ros.attention.states import Attention
from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.evaluation.attention import AttentionJudge, head_sample
from dense_face_ros.evaluation.frame_table import FrameColumns, FrameTable
from dense_face_ros.evaluation.jitter import JitterMeter
from dense_face_ros.evaluation.key_frames import KeyFrame, KeyFrames
from dense_face_ros.evaluation.memory import forget_peak, peak_mb, resident_mb
from dense_face_ros.evaluation.output_bag import OutputBag
from dense_face_ros.evaluation.progress import ProgressBar
from dense_face_ros.evaluation.recording import Recording
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.ros.frame_sources import SourceError
from dense_face_ros.ros.message_content import pose_is_told
from dense_face_ros.stamp_order import StampOrder, Turn

_DIGITS = 6  # of seconds: more have stamps of today, as float64, none that are right
_SETTLED = 100  # frames after which nothing is set up any more: from here on memory should stay as it is


class Tracker(Protocol):
    """The part of ``FaceTracker`` that is evaluated."""

    @property
    def model(self) -> FaceModel: ...

    def update(self, image: npt.NDArray[np.uint8], stamp: float, camera: PinholeCamera | None) -> HeadState: ...


@dataclass(frozen=True)
class Run:
    """What came of it.

    Attributes:
        columns: a row per frame that was answered.
        key_frames: pictures of some.
        notes: what was wrong with the camera, one line each, no repeats.
        memory_mb: of this process, in MiB: ``settled`` after the first 100 frames, at the ``end``, and the ``peak``;
            None where it is not known, and in shorter recordings. The peak is that of the run.
        silences: frame -> what was concluded when nothing had been recorded for a while after it.
        dropped: how many images were dropped, as the node drops them, by the reason.
        drop_notes: what was wrong with the first that is no frame, one line for each reason.
        withheld: how many frames have a head whose pose was not told, for want of a camera.
    """

    columns: FrameColumns
    key_frames: list[KeyFrame]
    notes: list[str]
    memory_mb: dict[str, float | None]
    silences: dict[int, Attention]
    dropped: dict[str, int]
    drop_notes: list[str]
    withheld: int

    @property
    def pauses(self) -> dict[int, float]:
        """Frame -> recorded seconds from which on nothing is known until the next."""
        played, stamps = self.columns.played, self.columns.stamps
        return {
            frame: round(float(played[frame]) + told.stamp - 1e-9 * float(stamps[frame]), _DIGITS)
            for frame, told in self.silences.items()
        }


def run(
    tracker: Tracker,
    recording: Recording,
    judge: AttentionJudge,
    bag: Path | None = None,
    require_camera_info: bool = False,
) -> Run:
    """Track and judge every frame that the node would answer.

    Args:
        tracker: to be evaluated; it begins anew by itself with a stamp that goes back.
        recording: see there.
        judge: of the driver's attention.
        bag: folder of a bag to write of the nodes' messages, and of what else attention is judged by; None: none.
        require_camera_info: the node's parameter: by an assumed camera no pose is told.

    Raises:
        SourceError: the recording is damaged, or its true poses are in another frame than its images.
    """
    forget_peak()  # what came before, as a table to compare with, is none of the recording's
    truth = recording.true_poses()
    table, meter, pictures = FrameTable(tracker.model.expression_names), JitterMeter(), KeyFrames(tracker.model)
    notes: dict[str, None] = {}
    silences: dict[int, Attention] = {}
    progress = ProgressBar(recording.count)
    order, out_of_order, withheld = StampOrder(), 0, 0
    failed: list[Exception] = []
    played, last = 0, 0  # nanoseconds
    settled: float | None = None
    with nullcontext() if bag is None else OutputBag(bag) as output:
        if output is not None:
            output.copy(recording.beside())
        for frame in recording.frames():
            if truth is not None and truth.frame_id and frame.frame_id and truth.frame_id != frame.frame_id:
                raise SourceError(
                    f"'{recording.name}': true poses are in frame '{truth.frame_id}', images in '{frame.frame_id}'; "
                    "record poses camera <- head in the images' frame"
                )
            progress.step()
            stamp = 1e-9 * frame.stamp
            # By the clock that recorded, as the node would have seen it then.
            if order.take(stamp, 1e-9 * (frame.recorded - frame.stamp)) in (Turn.OUT_OF_ORDER, Turn.ASTRAY):
                out_of_order += 1
                continue
            started = time.perf_counter()
            try:
                state = tracker.update(frame.image, stamp, frame.camera)
            except NetworkUnavailable:  # nor would any other frame be answered
                raise
            except Exception as error:  # as in the node, one frame must not end all
                failed.append(error)
                continue
            milliseconds = 1e3 * (time.perf_counter() - started)
            with_pose = pose_is_told(frame.camera, require_camera_info)
            withheld += state.status is Status.TRACKING and not with_pose
            told = judge.judge(head_sample(state, stamp, frame.speed, with_pose))
            *silent, attention = told
            silences |= {len(table) - 1: silence for silence in silent}
            table.add(frame.stamp, state, meter.add(state), attention, milliseconds, frame.speed)
            played += max(frame.stamp - last, 0) if len(table) > 1 else 0
            last = frame.stamp
            pictures.add(frame.image, state, 1e-9 * played)
            if output is not None:
                output.write(frame, state, with_pose)
                output.write_attention(frame, told)
            if frame.note:
                notes[frame.note] = None
            if len(table) == _SETTLED:
                settled = resident_mb()
    progress.close()
    if failed and not len(table):
        raise failed[0]
    memory = {"settled": settled, "end": resident_mb(), "peak": peak_mb()}
    dropped, drop_notes = {**recording.dropped, "out_of_order": out_of_order}, list(recording.drop_notes)
    if failed:
        dropped["failed"] = len(failed)
        drop_notes.append(f"the tracker failed on some, first with {type(failed[0]).__name__}: {failed[0]}")
    columns = table.columns(truth)
    if truth is not None and not np.isfinite(columns.numbers["true_x"]).any():
        notes["no frame has a true pose: they are by another clock, or more than 0.1 s apart"] = None
    return Run(columns, pictures.chosen(), list(notes), memory, silences, dropped, drop_notes, withheld)
