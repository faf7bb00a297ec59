"""How long each stage takes: ``python -m training.benchmark --source VIDEO_OR_IMAGE [--json FILE] [--threads N]``.

The source is brought to each size (scaled to cover it, the middle cut out) and decoded beforehand. ``tracker.update``
runs over the frames first; the stages then run alone on the same frames, in upright boxes round the landmarks it found:

- ``finder``: faces in the whole frame; - ``crop``: the window resampled to the network's input;
- ``network``: one inference; - ``correspondences``: cells chosen and lifted to the face surface;
- ``alignment_cold``: Eq. 3 from nothing; - ``alignment_warm``: from the frame before, with its identity as the prior;
- ``outline``: where the matched pixels end, looked for once: a part of both alignments;
- ``visibility``: which landmarks can be seen; - ``eyelids``: both eyes cut out and read;
- ``tracker_update``: a frame, given a track; - ``tracker_search``: the first frame of a video, or when all is lost;
- ``markers``: what RViz is sent about a head, serialised; where ROS is installed.

Every stage is warmed up, then run ``--repeats`` times over all frames; times are wall clock, in milliseconds. Memory is
that of the process, in MiB: before the models are loaded, with them, and the peak of the run, in which the decoded
source frames have their share.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceTracker
from dense_face_ros.alignment import Aligner, Alignment, AlignmentFailure
from dense_face_ros.backends import CROP_SIZE, CorrespondenceNetwork, model_file
from dense_face_ros.bad_input import tells_bad_input
from dense_face_ros.coarse_mesh import coarse_triangles
from dense_face_ros.correspondence import Correspondences, correspondences
from dense_face_ros.crop import Crop
from dense_face_ros.energy import FitState
from dense_face_ros.evaluation.memory import peak_mb, resident_mb
from dense_face_ros.eyes import EyeOpenness
from dense_face_ros.face_finder import FaceFinder
from dense_face_ros.face_model import FaceModel, FloatArray
from dense_face_ros.facing_view import FacingView
from dense_face_ros.geometry import Array
from dense_face_ros.head_fitting import MARGIN, outline_search
from dense_face_ros.head_state import HeadState, Status
from dense_face_ros.outline import Outline, OutlineFinder
from dense_face_ros.template import Template
from dense_face_ros.visibility import LandmarkVisibility
from training.benchmarks.metrics import box_of
from training.benchmarks.subject import HeadTracker
from training.face_model import own_model
from training.options import check_least
from training.result_files import check_destination, write_result
from training.source_frames import check_source, read_frames

Image = npt.NDArray[np.uint8]

SIZES = ((640, 480), (1280, 720))
_RATE = 30.0  # Hz, of the stamps given to the tracker
_MARKER_RATE = 10.0  # Hz, as the node publishes them by default


class Finder(Protocol):
    """The part of ``FaceFinder`` that is timed."""

    def find(self, image: Image) -> Sequence[object]:
        """Faces in an image."""
        ...


@dataclass(frozen=True)
class Stages:
    """What is timed: every stage by itself, and the tracker made of them."""

    finder: Finder
    network: CorrespondenceNetwork
    template: Template
    aligner: Aligner
    outline: OutlineFinder
    visibility: LandmarkVisibility
    eyes: EyeOpenness
    tracker: HeadTracker
    markers: Callable[[HeadState], object] | None


def timed(stage: Callable[[int], object], count: int, repeats: int) -> dict[str, float]:
    """Run ``stage(0) .. stage(count - 1)`` once unmeasured, then ``repeats`` times.

    Returns:
        runs, and median, p90, p99, interquartile range (``iqr``) of one run in milliseconds, and ``median_spread``:
        the range of the medians of the single repeats, below which a difference is noise.
    """
    rounds = np.empty((repeats, count))
    for repeat in range(-1, repeats):
        for index in range(count):
            started = time.perf_counter()
            stage(index)
            if repeat >= 0:
                rounds[repeat, index] = 1e3 * (time.perf_counter() - started)
    low, middle, high, p90, p99 = np.percentile(rounds, (25, 50, 75, 90, 99))
    return {
        "runs": rounds.size,
        "median": float(middle),
        "p90": float(p90),
        "p99": float(p99),
        "iqr": float(high - low),
        "median_spread": float(np.ptp(np.median(rounds, axis=1))),
    }


def measure(stages: Stages, images: Sequence[Image], repeats: int) -> dict[str, Any]:
    """Time the tracker and every stage on images of one size.

    Raises:
        ValueError: the tracker followed no face in the images, so that there is nothing to time.
    """
    stamps = itertools.count()
    last: dict[int, HeadState] = {}

    def update(index: int) -> None:
        last[index] = stages.tracker.update(images[index], stamp=next(stamps) / _RATE)

    def search(index: int) -> None:
        """An earlier stamp begins a new video: nothing is remembered."""
        stages.tracker.update(images[index], stamp=-next(stamps) / _RATE)

    result: dict[str, Any] = {"tracker_update": timed(update, len(images), repeats)}
    result["tracker_search"] = timed(search, len(images), repeats)
    result["finder"] = timed(lambda i: stages.finder.find(images[i]), len(images), repeats)

    followed = [i for i in range(len(images)) if last[i].status is Status.TRACKING]
    if not followed:
        raise ValueError("the tracker followed no face in the source; give one with a face")
    shown = [images[i] for i in followed]
    states = [last[i] for i in followed]
    crops = [Crop.around_box(box_of(state.landmarks_2d), MARGIN, CROP_SIZE) for state in states]
    result |= _measure_stages(stages, shown, crops, states, repeats)
    if stages.markers is not None:
        build = stages.markers
        result["markers"] = timed(lambda i: build(states[i]), len(followed), repeats)
    result["share_tracked"] = len(followed) / len(images)
    return result


def _measure_stages(
    stages: Stages, images: Sequence[Image], crops: Sequence[Crop], states: Sequence[HeadState], repeats: int
) -> dict[str, Any]:
    camera = states[0].camera

    def cut(index: int) -> Image:
        view = FacingView.of(crops[index], camera)
        return cv2.cvtColor(view.cut(images[index]), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

    count = len(images)
    result: dict[str, Any] = {"crop": timed(cut, count, repeats)}
    inputs, views = [cut(i) for i in range(count)], [FacingView.of(crop, camera) for crop in crops]
    result["network"] = timed(lambda i: stages.network.run(inputs[i]), count, repeats)
    outputs = [stages.network.run(image) for image in inputs]

    def judge(index: int) -> Array:
        vertices = states[index].vertices.astype(np.float64)
        return stages.visibility(vertices, outputs[index], views[index])

    def look(index: int) -> tuple[float, float]:
        state = states[index]
        rotation, seen = state.pose_raw[:3, :3], state.landmark_visibility
        return stages.eyes(images[index], state.landmarks_3d, rotation, camera, seen)

    result["visibility"] = timed(judge, count, repeats)
    result["eyelids"] = timed(look, count, repeats)

    def lift(index: int) -> Correspondences:
        return correspondences(outputs[index], views[index], stages.template)

    result["correspondences"] = timed(lift, count, repeats)
    pairs = [lift(i) for i in range(count)]

    def align(index: int, before: Alignment | None = None, vertices: FloatArray | None = None) -> Alignment | None:
        """As the tracker does: in the view, from the frame before, which is in the camera's frame."""
        view = views[index]
        followed = None if before is None or vertices is None else (before.coefficients, vertices)
        outline = outline_search(stages.outline, outputs[index], view, followed)
        start = None if before is None else before.turned(view.rotation.T)
        prior = None if before is None else before.identity
        try:
            found = stages.aligner.align(pairs[index], view.pinhole, start=start, identity_prior=prior, outline=outline)
        except AlignmentFailure:
            return None
        return found.turned(view.rotation)

    fits = [align(i) for i in range(count)]
    fitted = [i for i, fit in enumerate(fits) if fit is not None]
    result["correspondence_count"] = float(np.mean([len(p) for p in pairs]))
    result["share_aligned"] = len(fitted) / count
    if not fitted:
        return result
    result["alignment_cold"] = timed(lambda i: align(fitted[i]), len(fitted), repeats)
    before, track = fits[fitted[0]], []
    for i in fitted:
        assert before is not None
        shape = stages.aligner.model.shape(before.coefficients)
        track.append((before, shape @ before.pose[:3, :3].T + before.pose[:3, 3]))
        before = align(i, *track[-1]) or before
    result["alignment_warm"] = timed(lambda i: align(fitted[i], *track[i]), len(fitted), repeats)

    def outline_of(index: int) -> Outline:
        fit, view = fits[fitted[index]], views[fitted[index]]
        assert fit is not None
        pose = fit.turned(view.rotation.T).pose
        search = outline_search(stages.outline, outputs[fitted[index]], view)
        return search(FitState(pose[:3, :3], pose[:3, 3], fit.coefficients))

    result["outline"] = timed(outline_of, len(fitted), repeats)
    result["outline_count"] = float(np.mean([len(outline_of(i)) for i in range(len(fitted))]))
    return result


def stages_of(network: Path | None, threads: int) -> Stages:
    """A correspondence network (without one the shipped one) and what belongs to it, on ``threads`` CPU threads."""
    cv2.setNumThreads(threads)
    tracker = FaceTracker(model_path=own_model(), network_path=network, threads=threads)
    file = model_file.network_path(network)
    finder = FaceFinder(model_file.companion(file, "face_finder"), threads=threads)
    eyes = EyeOpenness(model_file.companion(file, "eyelids"), threads=threads)
    model = tracker.model
    aligner, outline, visibility = Aligner(model), OutlineFinder(model), LandmarkVisibility(model)
    markers = marker_stage(model)
    return Stages(finder, tracker.network, tracker.template, aligner, outline, visibility, eyes, tracker, markers)


def marker_stage(model: FaceModel) -> Callable[[HeadState], object] | None:
    """Builds and serialises the markers of a tracked head as the node does; None without ROS."""
    try:
        from std_msgs.msg import Header

        from dense_face_ros.ros.markers import MARKER_TRIANGLES, MarkerWriter
    except ImportError:
        return None
    triangles = coarse_triangles(model.mean, model.triangles, MARKER_TRIANGLES)
    writer, header = MarkerWriter(triangles), Header(frame_id="camera")
    return lambda state: writer.write(state, header, _MARKER_RATE)


@tells_bad_input(ImportError)
def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark", description="Time every stage.")
    parser.add_argument("--source", type=Path, required=True, help="video or image with a face")
    parser.add_argument("--network", type=Path, help="correspondence network to use instead of the shipped one")
    parser.add_argument("--json", type=Path, help="write the times to this file")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of every stage (default 1)")
    parser.add_argument("--frames", type=int, default=60, help="frames of the source used (default 60)")
    parser.add_argument("--repeats", type=int, default=5, help="times every stage runs over them (default 5)")
    options = parser.parse_args(arguments)
    for name in ("threads", "frames", "repeats"):
        check_least(f"--{name}", getattr(options, name))
    check_destination(options.json)
    check_source(options.source)
    memory = {"before_loading": resident_mb()}
    stages = stages_of(options.network, options.threads)
    memory["loaded"] = resident_mb()
    result: dict[str, Any] = {"source": options.source.name, "threads": options.threads, "sizes": {}}
    for size in SIZES:
        images = read_frames(options.source, size, options.frames)
        figures = measure(stages, images, options.repeats)
        result["sizes"][f"{size[0]}x{size[1]}"] = figures
        print(table(f"{size[0]}x{size[1]}, {options.threads} thread(s), {stages.network.name}", figures))
    result["memory_mb"] = {**memory, "peak": peak_mb()}
    print("memory, MiB: " + ", ".join(f"{name} {_shown(mb)}" for name, mb in result["memory_mb"].items()))
    write_result(options.json, result, options.network, own_model())
    return 0


def table(title: str, figures: dict[str, Any]) -> str:
    """The times of one size as lines of text."""
    lines = [title, f"{'stage':<18}{'median ms':>11}{'p90':>9}{'p99':>9}{'spread':>9}{'runs':>7}"]
    for name, row in figures.items():
        if isinstance(row, dict):
            numbers = "".join(f"{row[key]:>9.2f}" for key in ("p90", "p99", "median_spread"))
            lines.append(f"{name:<18}{row['median']:>11.2f}{numbers}{row['runs']:>7}")
        else:
            lines.append(f"{name:<18}{row:>11.2f}")
    return "\n".join(lines) + "\n"


def _shown(megabytes: float | None) -> str:
    return "unknown" if megabytes is None else f"{megabytes:.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
