"""Which engine runs the network, and the reason that is told, with and without a GPU."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from backends import fake_gpu
from backends.fake_gpu import ENGINE, CUresult, FakeDriver, FakeTensorRt
from backends.test_onnx_runtime import METADATA, write_network

from dense_face_ros.backends import (
    NetworkGivenUp,
    NetworkUnavailable,
    choose,
    cuda_driver,
    engine_loading,
    recovering_network,
)
from dense_face_ros.backends.build_engine import engine_identity
from dense_face_ros.backends.choose import load_network, wait_until_running
from dense_face_ros.backends.cuda_driver import Cuda
from dense_face_ros.backends.engine_cache import EngineCache
from dense_face_ros.backends.recovering_network import RecoveringNetwork


@pytest.fixture
def network_file(tmp_path):
    return write_network(tmp_path / "net.onnx")


@pytest.fixture
def no_gpu(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(cuda_driver.ctypes, "CDLL", missing)


class Gpu:
    """A machine with a GPU, TensorRT, and an engine for every network in its cache."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.driver = FakeDriver()
        self.trt = FakeTensorRt(self.driver)
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        monkeypatch.setattr(choose, "check_gpu", lambda: Cuda(self.driver).close())
        monkeypatch.setattr(engine_loading, "Cuda", lambda: Cuda(self.driver))
        for module in (choose, engine_loading):
            monkeypatch.setattr(module, "tensorrt_module", lambda: self.trt)

    def put_engine(self, network: Path) -> None:
        EngineCache().store(engine_identity(self.trt, Cuda(FakeDriver()).gpu, network), ENGINE, {})


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    return Gpu(monkeypatch, tmp_path)


def red_of(network) -> float:
    return float(network.run(np.full((128, 128, 3), (5, 0, 0), np.uint8)).flow[0, 0, 0])


@pytest.mark.parametrize(("backend", "why"), [
    ("onnxruntime-cpu", ""), ("onnxruntime", "; ONNX Runtime on the GPU cannot run: it is installed for the CPU only")
])  # fmt: skip
def test_onnx_runtime_is_taken_when_asked_for(network_file, gpu, backend, why):
    network = load_network(backend, network_file, threads=1)
    assert red_of(network) == 5 and network.name.endswith("CPU, 1 thread")
    assert network.metadata["backend_reason"].startswith(f"backend is '{backend}'{why}")


def test_without_a_gpu_auto_runs_on_the_cpu_and_says_why(network_file, no_gpu):
    network = load_network("auto", network_file)
    assert red_of(network) == 5 and network.name.startswith("ONNX Runtime")
    assert network.metadata["backend_reason"].startswith(
        "backend is 'auto'; TensorRT cannot run: this machine has no NVIDIA driver"
    )


def test_without_a_gpu_tensorrt_is_a_clear_error(network_file, no_gpu):
    with pytest.raises(NetworkUnavailable, match="no NVIDIA driver"):
        load_network("tensorrt", network_file)


def test_without_its_package_tensorrt_is_a_clear_error(network_file, gpu, monkeypatch):
    def missing():
        raise ImportError("TensorRT cannot be imported; pip install tensorrt")

    monkeypatch.setattr(choose, "tensorrt_module", missing)
    with pytest.raises(ImportError, match="pip install tensorrt"):
        load_network("tensorrt", network_file)
    assert "pip install tensorrt" in load_network("auto", network_file).metadata["backend_reason"]


@pytest.mark.parametrize("backend", ["auto", "tensorrt"])
def test_with_a_gpu_tensorrt_runs(network_file, gpu, backend):
    gpu.put_engine(network_file)
    network = load_network(backend, network_file)
    assert red_of(network) == 5 and network.name == "tensorrt 10.3.0 on Fake GPU"
    assert network.metadata["backend_reason"].startswith(f"backend is '{backend}'")
    assert network.metadata.items() >= METADATA.items() and network.metadata["network_file"] == "net.onnx"
    network.close()


def test_the_half_precision_file_beside_the_network_is_taken(network_file, gpu):
    gpu.put_engine(write_network(network_file.with_name("net_fp16.onnx"), flow_name="flow"))
    network = load_network("auto", network_file)
    assert network.metadata["network_file"] == "net_fp16.onnx" and red_of(network) == 5
    network.close()


def test_a_half_precision_file_of_another_network_is_refused(network_file, gpu):
    write_network(network_file.with_name("net_fp16.onnx"), {**METADATA, "images_seen": "7"})
    with pytest.raises(ValueError, match=r"net_fp16.onnx' is not the half-precision file of .*: images_seen differ"):
        load_network("auto", network_file)


def test_the_cpu_takes_the_file_in_bytes_beside_the_network(network_file):
    shorter = write_network(network_file.with_name("other.onnx"), cells=32)
    shorter.rename(network_file.with_name("net_int8.onnx"))
    network = load_network("onnxruntime-cpu", network_file)
    assert network.run(np.zeros((128, 128, 3), np.uint8)).matchability.shape == (32, 32)
    network.close()


def test_a_file_in_bytes_of_another_network_is_refused(network_file):
    write_network(network_file.with_name("net_int8.onnx"), {**METADATA, "images_seen": "7"})
    with pytest.raises(ValueError, match=r"net_int8.onnx' is not the file in bytes of .*net.onnx': images_seen differ"):
        load_network("onnxruntime-cpu", network_file)


@pytest.mark.parametrize(("backend", "answers"), [("auto", True), ("tensorrt", False)])
def test_when_the_gpu_is_lost_auto_goes_on_on_the_cpu(network_file, gpu, backend, answers):
    gpu.put_engine(network_file)
    network = load_network(backend, network_file)
    gpu.driver.fail["cuStreamSynchronize"] = gpu.driver.fail["cuGraphLaunch"] = CUresult.CUDA_ERROR_ILLEGAL_ADDRESS
    if answers:
        assert red_of(network) == 5 and "ONNX Runtime" in network.name
    else:
        with pytest.raises(NetworkUnavailable, match="cuGraphLaunch failed"):
            red_of(network)
    assert network.metadata["backend_failures"] == "1"
    network.close()


@pytest.mark.parametrize("function", ["cuMemHostAlloc", "cuDevicePrimaryCtxRetain"])
@pytest.mark.parametrize(("backend", "answers"), [("auto", True), ("tensorrt", False)])
def test_a_gpu_that_fails_at_the_start_is_tried_again(monkeypatch, network_file, gpu, backend, answers, function):
    """Memory is short while everything starts."""
    monkeypatch.setattr(recovering_network, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(choose, "check_gpu", lambda: None)
    gpu.put_engine(network_file)
    gpu.driver.fail[function] = CUresult.CUDA_ERROR_OUT_OF_MEMORY
    network = load_network(backend, network_file)
    if answers:
        assert red_of(network) == 5
    else:
        with pytest.raises(NetworkUnavailable, match=r"TensorRT: (the GPU does not answer|failed, trying again)"):
            red_of(network)
    assert "OUT_OF_MEMORY" in network.metadata["backend_last_failure"]
    del gpu.driver.fail[function]
    wait_until_running(network)
    assert red_of(network) == 5 and network.name == "tensorrt 10.3.0 on Fake GPU"
    network.close()
    assert gpu.driver.leaks == 0


@pytest.mark.parametrize(("backend", "answers"), [("auto", True), ("tensorrt", False)])
def test_a_tensorrt_without_memory_at_the_start_is_tried_again(monkeypatch, network_file, gpu, backend, answers):
    monkeypatch.setattr(recovering_network, "FIRST_PAUSE", 0.05)
    gpu.put_engine(network_file)
    with monkeypatch.context() as moment:
        moment.setattr(fake_gpu._Engine, "create_execution_context", lambda engine: None)
        network = load_network(backend, network_file)
        while network.metadata["backend_failures"] == "0":
            time.sleep(0.001)
        if answers:
            assert red_of(network) == 5
        assert "TensorRT cannot prepare the engine" in network.metadata["backend_last_failure"]
    wait_until_running(network)
    assert red_of(network) == 5 and network.name == "tensorrt 10.3.0 on Fake GPU"
    network.close()
    assert gpu.driver.leaks == 0


def test_other_backends_say_what_there_is(network_file):
    with pytest.raises(ValueError, match="backend is 'cuda'; known are auto, tensorrt, onnxruntime, onnxruntime-cpu"):
        load_network("cuda", network_file)


def test_waiting_ends_when_the_network_runs_and_when_it_never_will():
    class Network:
        def __init__(self, *states: str) -> None:
            self.states, self.name = list(states), "TensorRT (given up: out of memory)"

        @property
        def metadata(self) -> dict[str, str]:
            return {"backend_state": self.states.pop(0)}

    late = Network("building", "running")
    wait_until_running(late)
    assert not late.states
    with pytest.raises(NetworkGivenUp, match="given up: out of memory"):
        wait_until_running(Network("building", "given up: out of memory"))


def test_waiting_ends_when_the_network_fails_again_and_again(monkeypatch, caplog):
    def load(report, stop):
        report("no engine: there is none yet")
        raise NetworkUnavailable("TensorRT cannot prepare the engine: out of memory")

    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(recovering_network, name, 0.01)
    network = RecoveringNetwork(load, "TensorRT", {})
    with pytest.raises(NetworkUnavailable, match=r"out of memory.* has failed 8 times") as caught:
        wait_until_running(network)
    network.close()
    assert not isinstance(caught.value, NetworkGivenUp)
    told = [record.message for record in caplog.records if "out of memory" in record.message]
    assert told == [
        "TensorRT failed, and is tried again until it runs: TensorRT cannot prepare the engine: out of memory"
    ]


def test_there_is_nothing_to_wait_for_on_the_cpu(network_file):
    wait_until_running(load_network("onnxruntime-cpu", network_file))
