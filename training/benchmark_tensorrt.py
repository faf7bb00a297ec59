"""TensorRT on this machine's GPU, from a cold start to the whole tracker:

    python -m training.benchmark_tensorrt [--source VIDEO_OR_IMAGE] [--json FILE] [--network FILE] [--frames N]

It builds the engine in an empty cache, so nothing of an earlier run helps, checks the GPU's answers against ONNX
Runtime's at full precision, and times: the network with and without a CUDA graph, back to back and paced at 30 Hz (an
idle GPU clocks down); what the host adds to the GPU's own time; ONNX Runtime on the same machine's CPU, with the file
that CPUs run; and, with ``--source``, the tracker on either, and the way from nothing to the first pose. Exit code 1:
the answers differ by more than they may. 2: there is nothing to measure with, and why.
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros import FaceTracker
from dense_face_ros.backends import CROP_SIZE, CorrespondenceNetwork, NetworkUnavailable
from dense_face_ros.backends.build_engine import build_in_own_process, engine_identity
from dense_face_ros.backends.choose import wait_until_running
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.engine_build import full_version, tensorrt_module
from dense_face_ros.backends.engine_cache import EngineCache
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from dense_face_ros.backends.tensorrt import TensorRtNetwork
from dense_face_ros.bad_input import tells_bad_input
from training.cold_start import track_first
from training.face_model import own_model
from training.options import check_least
from training.result_files import check_destination, write_result
from training.source_frames import check_source, read_frames

Image = npt.NDArray[np.uint8]

#: Largest differences from ONNX Runtime at full precision: 99th percentile of the flow in pixels, matchability. Kernels
#: that add up in halves come to 0.26 pixels, all of it where there is no face; a wrong engine is off by tens of pixels.
FLOW_P99, MATCHABILITY = 0.5, 0.02
_RATE = 30.0  # Hz
_SIZE = (1280, 720)


class _Measured(TensorRtNetwork):
    """Tells the time on the GPU apart from the host's."""

    def time_on_gpu(self, count: int) -> float:
        """Milliseconds per frame when ``count`` frames are enqueued and waited for once."""
        with self._cuda.current():
            assert self._stream is not None
            begin = time.perf_counter()
            for _ in range(count):
                if self._graph is not None:
                    self._graph.launch(self._stream)
                else:
                    self._enqueue()
            self._stream.synchronize()
        return 1e3 * (time.perf_counter() - begin) / count


def percentiles(times: list[float]) -> dict[str, float]:
    """p50 and p99 in milliseconds of times in seconds."""
    low, high = np.percentile(1e3 * np.asarray(times), (50, 99))
    return {"p50_ms": float(low), "p99_ms": float(high)}


def back_to_back(run: Callable[[int], object], count: int) -> dict[str, float]:
    """Time ``run(0) .. run(count - 1)`` one after the other, after a tenth as many to warm up."""
    for index in range(max(count // 10, 1)):
        run(index)
    return percentiles([_seconds(run, index) for index in range(count)])


def paced(run: Callable[[int], object], count: int) -> dict[str, float]:
    """The same at 30 Hz: the pauses between are the camera's."""
    times, due = [], time.perf_counter()
    for index in range(count):
        due += 1.0 / _RATE
        time.sleep(max(due - time.perf_counter(), 0.0))
        times.append(_seconds(run, index))
    return percentiles(times)


def _seconds(run: Callable[[int], object], index: int) -> float:
    begin = time.perf_counter()
    run(index)
    return time.perf_counter() - begin


def difference(network: CorrespondenceNetwork, reference: CorrespondenceNetwork, crops: list[Image]) -> dict[str, Any]:
    """The largest differences over the crops, and whether they are allowed."""
    flow, matchability = 0.0, 0.0
    for crop in crops:
        found, wanted = network.run(crop), reference.run(crop)
        flow = max(flow, float(np.percentile(np.hypot(*(found.flow - wanted.flow)), 99)))
        matchability = max(matchability, float(np.abs(found.matchability - wanted.matchability).max()))
    equal = bool(flow <= FLOW_P99 and matchability <= MATCHABILITY)
    return {"flow_p99_px": flow, "matchability": matchability, "equal": equal}


def made_crops(count: int = 20) -> list[Image]:
    """Smooth patterns and noise of different brightness and contrast."""
    rng = np.random.default_rng(0)
    v, u = np.mgrid[:CROP_SIZE, :CROP_SIZE][..., np.newaxis] / CROP_SIZE
    crops = []
    for _ in range(count):
        pitch, phase, gain = rng.uniform(2.0, 25.0), rng.uniform(0.0, 6.0, 3), rng.uniform(20.0, 120.0)
        wave = np.sin(pitch * (u + 2.0 * v) + phase) * np.cos(pitch * (v - u) - phase)
        noise = rng.normal(0.0, rng.uniform(0.0, 15.0), wave.shape)
        crops.append((127.5 + gain * wave + noise).clip(0, 255).astype(np.uint8))
    return crops


def measure_network(network: Path, count: int) -> dict[str, Any]:
    """Build, check and time the network alone."""
    gpu = Cuda()
    gpu_network, cache, trt = gpu_network_path(network), EngineCache(), tensorrt_module()
    begin = time.perf_counter()
    build_in_own_process(gpu_network, cache, False, lambda line: print(f"  {line}"), threading.Event())
    result: dict[str, Any] = {"network": gpu_network.name, "build_s": time.perf_counter() - begin}
    result["gpu"] = {"name": gpu.gpu.name, "sm": gpu.gpu.sm, "integrated": gpu.gpu.integrated}
    result["gpu"]["memory_mb"] = _memory_mb(gpu)[1]
    result["tensorrt"] = full_version(trt)
    engine = cache.load(engine_identity(trt, gpu.gpu, gpu_network))
    result["engine_mb"] = len(engine) / 1e6
    crops, reference = made_crops(), OnnxRuntimeNetwork(network)
    for name, graph in (("graph", True), ("enqueue", False)):
        free, begin = _memory_mb(gpu)[0], time.perf_counter()
        loaded = _Measured(trt, Cuda(), engine, {}, graph)
        figures: dict[str, Any] = {"load_s": time.perf_counter() - begin, "cuda_graph": loaded.metadata["cuda_graph"]}
        figures["memory_mb"] = free - _memory_mb(gpu)[0]
        figures["difference"] = difference(loaded, reference, crops)
        figures |= _times(loaded, crops, count)
        figures["gpu_ms"] = loaded.time_on_gpu(count)
        figures["host_ms"] = figures["back_to_back"]["p50_ms"] - figures["gpu_ms"]
        loaded.close()
        result[name] = figures
    gpu.close()
    reference.close()
    cpu_network = cpu_network_path(network)
    for threads in (1, 2):
        on_cpu = OnnxRuntimeNetwork(cpu_network, threads)
        result[f"onnxruntime_{threads}"] = {"file": cpu_network.name, **_times(on_cpu, crops, max(count // 10, 1))}
        on_cpu.close()
    return result


def _memory_mb(cuda: Cuda) -> tuple[float, float]:
    """Free and all memory of the GPU; one figure for all that use it."""
    with cuda.current():
        free, total = cuda.call("cuMemGetInfo")
    return free / 1e6, total / 1e6


def _times(network: CorrespondenceNetwork, crops: list[Image], count: int) -> dict[str, Any]:
    def run(index: int) -> object:
        return network.run(crops[index % len(crops)])

    return {"back_to_back": back_to_back(run, count), "paced_30_hz": paced(run, max(count // 10, 1))}


def measure_tracker(backend: str, network: Path, frames: list[Image]) -> dict[str, Any]:
    """The tracker with its models from nothing to the first pose, and then frame by frame.

    Raises:
        ValueError: it finds no head in the frames.
    """
    begin, counter = time.perf_counter(), itertools.count()
    tracker = FaceTracker(model_path=own_model(), network_path=network, backend=backend, threads=1)
    try:
        wait_until_running(tracker.network)
        track_first(tracker, frames, counter)
        result: dict[str, Any] = {"first_pose_s": time.perf_counter() - begin, "backend": tracker.network.name}

        def update(index: int) -> object:
            return tracker.update(frames[index % len(frames)], stamp=next(counter) / _RATE)

        result["back_to_back"] = back_to_back(update, len(frames))
        result["paced_30_hz"] = paced(update, len(frames))
    finally:
        tracker.close()
    return result


def measure(network: Path, source: Path | None, count: int, frame_count: int) -> dict[str, Any]:
    """Everything, in an empty cache. Raises as its parts do."""
    result: dict[str, Any] = {}
    before = os.environ.get("XDG_CACHE_HOME")
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CACHE_HOME"] = folder
            result["network"] = measure_network(network, count)
        if source is not None:
            frames = read_frames(source, _SIZE, frame_count)
            with tempfile.TemporaryDirectory() as folder:
                os.environ["XDG_CACHE_HOME"] = folder
                for name, backend in (("cold", "tensorrt"), ("warm", "tensorrt"), ("cpu", "onnxruntime-cpu")):
                    result[f"tracker_{name}"] = measure_tracker(backend, network, frames)
    finally:
        if before is None:
            os.environ.pop("XDG_CACHE_HOME", None)
        else:
            os.environ["XDG_CACHE_HOME"] = before
    return result


def table(result: dict[str, Any]) -> str:
    """The figures as lines of text."""
    network = result["network"]
    lines = [
        f"{network['gpu']['name']} ({network['gpu']['sm']}), {network['tensorrt']}, {network['network']}",
        f"engine built in {network['build_s']:.1f} s, {network['engine_mb']:.1f} MB",
        f"{'':<18}{'back to back p50':>17}{'p99':>8}{'30 Hz p50':>12}{'p99':>8}   (ms)",
    ]
    rows = [(name, network[name]) for name in ("graph", "enqueue", "onnxruntime_1", "onnxruntime_2")]
    rows += [(name, figures) for name, figures in result.items() if name.startswith("tracker_")]
    for name, figures in rows:
        fast, slow = figures["back_to_back"], figures["paced_30_hz"]
        lines.append(
            f"{name:<18}{fast['p50_ms']:>17.3f}{fast['p99_ms']:>8.3f}{slow['p50_ms']:>12.3f}{slow['p99_ms']:>8.3f}"
            f"   {figures.get('file', '')}".rstrip()
        )
    for name in ("graph", "enqueue"):
        figures, apart = network[name], network[name]["difference"]
        lines += [
            f"{name}: loaded in {figures['load_s']:.2f} s, {figures['memory_mb']:.0f} MB, "
            f"GPU {figures['gpu_ms']:.3f} ms + host {figures['host_ms']:.3f} ms; captured: {figures['cuda_graph']}",
            f"{name}: from ONNX Runtime fp32: flow p99 {apart['flow_p99_px']:.3f} px, "
            f"matchability {apart['matchability']:.4f}{'' if apart['equal'] else '  TOO DIFFERENT'}",
        ]
    for name, figures in result.items():
        if name.startswith("tracker_"):
            lines.append(f"{name}: {figures['first_pose_s']:.2f} s to the first pose, {figures['backend']}")
    return "\n".join(lines)


@tells_bad_input(ImportError, NetworkUnavailable)
def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.benchmark_tensorrt", description="Time TensorRT here.")
    parser.add_argument("--source", type=Path, help="video or image with a face, for the tracker's times")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--network", type=Path, help="network file (.onnx); default: the one in the package")
    parser.add_argument("--runs", type=int, default=3000, help="runs of the network (default 3000)")
    parser.add_argument("--frames", type=int, default=300, help="frames of the source used (default 300)")
    options = parser.parse_args(arguments)
    for name in ("runs", "frames"):
        check_least(f"--{name}", getattr(options, name))
    check_destination(options.json)
    check_source(options.source)
    model = None if options.source is None else own_model()  # of the tracker, which is measured last
    result = measure(network_path(options.network), options.source, options.runs, options.frames)
    print(table(result))
    write_result(options.json, result, model=model)
    return 0 if all(result["network"][name]["difference"]["equal"] for name in ("graph", "enqueue")) else 1


if __name__ == "__main__":
    raise SystemExit(main())
