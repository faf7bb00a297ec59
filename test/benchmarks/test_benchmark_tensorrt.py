"""The GPU benchmark runs through on a GPU written in Python; the times themselves are not asserted."""

from __future__ import annotations

import gc
import json
import os

import cv2
import onnx
import pytest
from backends.fake_gpu import ENGINE, FakeDriver, FakeTensorRt
from backends.test_onnx_runtime import write_network
from onnx import numpy_helper

from dense_face_ros.backends import choose, cuda_driver, engine_loading
from dense_face_ros.backends.build_engine import engine_identity
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from training import benchmark_tensorrt
from training.benchmark_tensorrt import back_to_back, main, paced
from training.rendering.clip import ClipRenderer


@pytest.fixture
def machine(monkeypatch):
    """A TensorRT on a GPU, whose engine computes what ``write_network`` writes."""
    driver = FakeDriver()
    trt = FakeTensorRt(driver)

    def build(network, cache, again, report, stop) -> None:
        report("building, step 1 of 1")
        cache.store(engine_identity(trt, Cuda(FakeDriver()).gpu, network), ENGINE, {})

    monkeypatch.setattr(choose, "check_gpu", lambda: Cuda(driver).close())
    for module in (choose, benchmark_tensorrt, engine_loading):
        monkeypatch.setattr(module, "tensorrt_module", lambda: trt)
    for module in (benchmark_tensorrt, engine_loading):
        monkeypatch.setattr(module, "Cuda", lambda: Cuda(driver))
        monkeypatch.setattr(module, "build_in_own_process", build)
    return trt


@pytest.fixture
def driver(machine):
    return machine.driver


def test_it_builds_checks_times_and_writes(driver, tmp_path, capsys):
    before = dict(os.environ)
    network = write_network(tmp_path / "net.onnx")
    write_network(tmp_path / "net_int8.onnx")
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
    assert result["network"]["onnxruntime_1"]["file"] == "net_int8.onnx", "what the CPU runs"
    assert [line.split()[-1] for line in said.splitlines() if line.startswith("onnxruntime")] == ["net_int8.onnx"] * 2
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


def test_the_tracker_is_timed_from_an_empty_cache_to_the_first_pose_and_on(machine, shipped_model, tmp_path, capsys):
    machine.network = OnnxRuntimeNetwork()
    cv2.imwrite(str(tmp_path / "head.png"), ClipRenderer(shipped_model).frame(0)[:, :, ::-1])
    arguments = ["--source", str(tmp_path / "head.png"), "--json", str(tmp_path / "out.json"), "--runs", "2"]
    assert main([*arguments, "--frames", "2"]) == 0
    result = json.loads((tmp_path / "out.json").read_text())
    wanted = {"cold": "tensorrt 10.3.0", "warm": "tensorrt 10.3.0", "cpu": "ONNX Runtime"}
    for name, backend in wanted.items():
        figures = result[f"tracker_{name}"]
        assert figures["backend"].startswith(backend) and figures["first_pose_s"] > 0
        assert figures["back_to_back"]["p50_ms"] > 0 and figures["paced_30_hz"]["p50_ms"] > 0
    said = capsys.readouterr().out
    assert "tracker_cold: " in said and "s to the first pose, tensorrt 10.3.0 on Fake GPU" in said
    gc.collect()
    assert machine.driver.leaks == machine.engines == 0
