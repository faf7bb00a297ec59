"""The GPU benchmark runs through on a GPU written in Python; the times themselves are not asserted."""

from __future__ import annotations

import gc
import json
import os

import numpy as np
import onnx
import pytest
from backends.fake_gpu import ENGINE, FakeDriver, FakeTensorRt
from backends.test_onnx_runtime import write_network
from onnx import numpy_helper

from dense_face_ros.backends import NetworkUnavailable, cuda_driver
from dense_face_ros.backends.build_engine import engine_identity
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.engine_cache import EngineCache
from dense_face_ros.backends.model_file import network_path
from training import benchmark_tensorrt
from training.benchmark_tensorrt import back_to_back, main, measure_tracker, paced
from training.rendering.clip import ClipRenderer


@pytest.fixture
def driver(monkeypatch):
    """A GPU and a TensorRT whose engine computes what ``write_network`` writes."""
    driver = FakeDriver()
    trt = FakeTensorRt(driver)

    def build(network, report, stop) -> None:
        report("building, step 1 of 1")
        EngineCache().store(engine_identity(trt, Cuda(FakeDriver()).gpu, network), ENGINE, {})

    monkeypatch.setattr(benchmark_tensorrt, "Cuda", lambda: Cuda(driver))
    monkeypatch.setattr(benchmark_tensorrt, "tensorrt_module", lambda: trt)
    monkeypatch.setattr(benchmark_tensorrt, "build_in_own_process", build)
    return driver


def test_it_builds_checks_times_and_writes(driver, tmp_path, capsys):
    before = dict(os.environ)
    network = write_network(tmp_path / "net.onnx")
    arguments = ["--network", str(network), "--json", str(tmp_path / "out.json"), "--runs", "5"]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "building, step 1 of 1" in said and "Fake GPU (sm_87), tensorrt 10.3.0, net.onnx" in said
    result = json.loads((tmp_path / "out.json").read_text())
    assert result["network"]["graph"]["cuda_graph"] == "yes" and "commit" in result["provenance"]
    assert result["network"]["enqueue"]["difference"]["equal"]
    for name in ("graph", "enqueue", "onnxruntime_1", "onnxruntime_2"):
        for kind in ("back_to_back", "paced_30_hz"):
            figures = result["network"][name][kind]
            assert 0 < figures["p50_ms"] <= figures["p99_ms"]
    assert dict(os.environ) == before
    gc.collect()
    assert driver.leaks == 0


def test_different_answers_fail(driver, tmp_path, capsys):
    network = write_network(tmp_path / "net.onnx")
    model = onnx.load(network)
    model.graph.initializer[0].CopyFrom(
        numpy_helper.from_array(numpy_helper.to_array(model.graph.initializer[0]) * 2, "full")
    )
    onnx.save(model, network)
    assert main(["--network", str(network), "--runs", "2"]) == 1
    assert "TOO DIFFERENT" in capsys.readouterr().out


def test_without_a_gpu_it_says_what_is_missing(monkeypatch, capsys):
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(cuda_driver.ctypes, "CDLL", missing)
    assert main([]) == 2
    assert "no NVIDIA driver" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--runs", "0"], ["--source", "none.mp4"], ["--network", "none.onnx"]])
def test_bad_arguments_are_named(arguments, capsys):
    assert main(arguments) == 2
    assert arguments[1] in capsys.readouterr().err


def test_paced_runs_are_a_camera_apart(monkeypatch):
    begun, clock = [], [0.0]
    monkeypatch.setattr(benchmark_tensorrt.time, "perf_counter", lambda: clock[0])

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def run(index: int) -> None:
        begun.append(clock[0])
        clock[0] += 0.004

    monkeypatch.setattr(benchmark_tensorrt.time, "sleep", sleep)
    assert paced(run, 4) == {"p50_ms": pytest.approx(4.0), "p99_ms": pytest.approx(4.0)}
    assert begun == pytest.approx([1 / 30, 2 / 30, 3 / 30, 4 / 30])
    assert back_to_back(run, 3)["p50_ms"] == pytest.approx(4.0)


def test_the_tracker_is_timed_from_nothing_to_the_first_pose_and_on(shipped_model, monkeypatch):
    monkeypatch.setattr(benchmark_tensorrt, "_FIRST_POSE_LIMIT", 5)
    renderer = ClipRenderer(shipped_model)
    frames = [np.ascontiguousarray(renderer.frame(i)[:, :, ::-1]) for i in range(3)]
    figures = measure_tracker("onnxruntime", network_path(None), frames)
    assert figures["backend"].startswith("ONNX Runtime") and figures["first_pose_s"] > 0
    assert figures["back_to_back"]["p50_ms"] > 0 and figures["paced_30_hz"]["p50_ms"] > 0
    with pytest.raises(ValueError, match="found no head in the source"):
        measure_tracker("onnxruntime", network_path(None), [np.zeros((48, 64, 3), np.uint8)])


def test_an_engine_that_never_comes_ends_the_measurement():
    class Network:
        name, metadata = "TensorRT (given up: out of memory)", {"backend_state": "given up: out of memory"}

    with pytest.raises(NetworkUnavailable, match="given up: out of memory"):
        benchmark_tensorrt._wait_for_engine(Network())
