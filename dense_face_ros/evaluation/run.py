"""A recording through the tracker, every frame in order: deterministic but for the time it takes."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dense_face_ros.attention.states import Attention
from dense_face_ros.evaluation.attention import AttentionJudge, head_sample
from dense_face_ros.evaluation.frame_table import FrameColumns, FrameTable
from dense_face_ros.evaluation.jitter import JitterMeter
from dense_face_ros.evaluation.key_frames import KeyFrame, KeyFrames
from dense_face_ros.evaluation.memory import peak_mb, resident_mb
from dense_face_ros.evaluation.output_bag import OutputBag
from dense_face_ros.evaluation.progress import ProgressBar
from dense_face_ros.evaluation.recording import Recording
from dense_face_ros.face_model import FaceModel
from dense_face_ros.geometry import PinholeCamera
from dense_face_ros.head_state import HeadState
from dense_face_ros.ros.frame_sources import SourceError

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
        columns: a row per frame.
        key_frames: pictures of some.
        notes: what was wrong with the camera, one line each, no repeats.
        memory_mb: of this process, in MiB: ``settled`` after the first 100 frames, at the ``end``, and the ``peak``;
            None where it is not known, and in shorter recordings.
        silences: frame -> what was concluded when nothing had been recorded for a while after it.
    """

    columns: FrameColumns
    key_frames: list[KeyFrame]
    notes: list[str]
    memory_mb: dict[str, float | None]
    silences: dict[int, Attention]

    @property
    def pauses(self) -> dict[int, float]:
        """Frame -> seconds since the first frame from which on nothing is known until the next."""
        first = 1e-9 * float(self.columns.stamps[0])
        return {frame: round(told.stamp - first, _DIGITS) for frame, told in self.silences.items()}


def run(tracker: Tracker, recording: Recording, judge: AttentionJudge, bag: Path | None = None) -> Run:
    """Track and judge every frame and, where ``bag`` names a folder, write the node's messages into it, and what else
    attention is judged by.

    Raises:
        SourceError: the recording is damaged, or its true poses are in another frame than its images.
    """
    truth = recording.true_poses()
    table, meter, pictures = FrameTable(tracker.model.expression_names), JitterMeter(), KeyFrames(tracker.model)
    notes: dict[str, None] = {}
    silences: dict[int, Attention] = {}
    progress = ProgressBar(recording.count)
    first: int | None = None
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
            first = frame.stamp if first is None else first
            started = time.perf_counter()
            state = tracker.update(frame.image, 1e-9 * frame.stamp, frame.camera)
            milliseconds = 1e3 * (time.perf_counter() - started)
            *silent, attention = judge.judge(head_sample(state, 1e-9 * frame.stamp, frame.speed))
            silences |= {len(table) - 1: told for told in silent}
            table.add(frame.stamp, state, meter.add(state), attention, milliseconds, frame.speed)
            pictures.add(frame.image, state, 1e-9 * (frame.stamp - first))
            if output is not None:
                output.write(frame, state)
            if frame.note:
                notes[frame.note] = None
            progress.step()
            if len(table) == _SETTLED:
                settled = resident_mb()
    progress.close()
    memory = {"settled": settled, "end": resident_mb(), "peak": peak_mb()}
    return Run(table.columns(truth), pictures.chosen(), list(notes), memory, silences)
