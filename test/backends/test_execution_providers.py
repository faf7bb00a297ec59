"""ONNX Runtime with GPU providers, as its GPU package offers them; what they compute is computed on the CPU here."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail, Fail

pytest.importorskip("onnx")

from backends.fake_gpu import CUresult, FakeDriver
from backends.test_onnx_runtime import METADATA, write_network

from dense_face_ros.backends import NetworkUnavailable, choose, execution_providers, onnx_runtime, recovering_network
from dense_face_ros.backends.choose import load_network
from dense_face_ros.backends.cuda_driver import Cuda, CudaError, NoGpu
from dense_face_ros.backends.engine_cache import EngineCache, file_sha256

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"


class GpuPackage:
    """A machine with a GPU and onnxruntime-gpu, without TensorRT's own package.

    Attributes:
        working: providers whose libraries are there.
        refusing: what ends a session that is asked for TensorRT, if anything; engines it finds always do.
        falls_back: whether it then is one of the CPU alone, as in ONNX Runtime 1.22, where it cannot be helped.
        sessions: the providers each session was asked for, the CPU's own left out.
        lost: whether runs on the GPU fail.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.driver, self.working, self.lost = FakeDriver(), [TENSORRT, CUDA], False
        self.offered = [TENSORRT, CUDA, CPU]
        self.refusing: Exception | None = None
        self.falls_back = False
        self.sessions: list[list[object]] = []
        package = self

        class Session(onnxruntime.InferenceSession):
            def __init__(self, path: str, options: object, providers: list[object], enable_fallback: int) -> None:
                super().__init__(path, options, providers=[CPU])
                names = [provider if isinstance(provider, str) else provider[0] for provider in providers]
                self._gpu = [name for name in names if name in package.working]
                if names != [CPU]:
                    package.sessions.append(providers)
                kept = [dict(providers)[TENSORRT]["trt_engine_cache_path"]] if TENSORRT in names else []
                if any(list(Path(folder).iterdir()) for folder in kept):
                    raise Fail("TensorRT EP could not deserialize engine from cache: /cache/old_sm87.engine")
                if package.refusing is not None and TENSORRT in names:
                    self._gpu = []
                    if not package.falls_back:
                        raise package.refusing

            def get_providers(self) -> list[str]:
                return [*self._gpu, CPU]

            def run_with_iobinding(self, binding: object, run_options: object = None) -> None:
                if package.lost and self._gpu:
                    raise RuntimeError("CUDA failure 700: an illegal memory access was encountered\nin gpu.cc")
                super().run_with_iobinding(binding, run_options)

        def no_tensorrt() -> None:
            raise ImportError("TensorRT cannot be imported")

        monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: self.offered)
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
        monkeypatch.setattr(choose, "check_gpu", lambda: Cuda(self.driver).close())
        monkeypatch.setattr(choose, "tensorrt_module", no_tensorrt)
        monkeypatch.setattr(execution_providers, "Cuda", lambda: Cuda(self.driver))
        monkeypatch.setattr(recovering_network, "FIRST_PAUSE", 0.02)


@pytest.fixture
def package(monkeypatch, tmp_path):
    return GpuPackage(monkeypatch, tmp_path)


@pytest.fixture
def network_file(tmp_path):
    return write_network(tmp_path / "net.onnx")


@pytest.fixture
def load(network_file):
    made = []

    def load_one(backend: str):
        made.append(load_network(backend, network_file))
        return made[-1]

    yield load_one
    for network in made:
        network.close()


def red_of(network) -> float:
    return float(network.run(np.full((128, 128, 3), (5, 0, 0), np.uint8)).flow[0, 0, 0])


def wait_for_name(network, text: str) -> None:
    end = time.monotonic() + 10.0
    while text not in network.name:
        assert time.monotonic() < end, network.name
        time.sleep(0.005)


@pytest.mark.parametrize("backend", ["onnxruntime", "auto"])
def test_the_cuda_provider_is_taken_where_it_is_installed(package, load, backend):
    package.offered = [CUDA, CPU]
    network = load(backend)
    assert network.name.endswith(", CUDA") and red_of(network) == 5
    assert package.sessions == [[(CUDA, {"use_tf32": "0"})]], "full precision stays that"
    reason = network.metadata["backend_reason"]
    assert reason.startswith(f"backend is '{backend}'") and reason.endswith("ONNX Runtime has CUDAExecutionProvider")
    assert network.metadata.items() >= {**METADATA, "backend_state": "running", "network_file": "net.onnx"}.items()


def test_the_tensorrt_provider_comes_first_and_keeps_its_engines(package, load, network_file):
    network = load("onnxruntime")
    wait_for_name(network, ", Tensorrt")
    assert red_of(network) == 5
    (((name, options), (second, _)),) = package.sessions
    assert (name, second) == (TENSORRT, CUDA)
    folder = Path(options["trt_engine_cache_path"])
    assert options["trt_engine_cache_enable"] == "1" and folder.is_dir() and folder.stat().st_mode & 0o022 == 0

    # Its engines are named after the layers alone: other weights must not find them.
    write_network(network_file, {**METADATA, "images_seen": "7"})
    wait_for_name(load("onnxruntime"), ", Tensorrt")
    assert package.sessions[1][0][1]["trt_engine_cache_path"] != str(folder)


def test_the_tensorrt_provider_is_left_out_where_its_engines_would_not_be_safe(package, load, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "dense_face_ros").mkdir()
    os.chmod(tmp_path / "cache" / "dense_face_ros", 0o777)
    assert load("onnxruntime").name.endswith(", CUDA")
    assert [[name for name, _ in providers] for providers in package.sessions] == [[CUDA]]


def test_the_half_precision_file_is_taken(package, load, network_file):
    package.offered = [CUDA, CPU]
    write_network(network_file.with_name("net_fp16.onnx"))
    assert load("onnxruntime").metadata["network_file"] == "net_fp16.onnx"


def test_the_cpu_is_taken_when_asked_for(package, load):
    network = load("onnxruntime-cpu")
    assert network.name.endswith("CPU, 1 thread") and not package.sessions and not package.driver.calls
    assert network.metadata["backend_reason"] == "backend is 'onnxruntime-cpu'"


def test_the_driver_is_asked_before_onnx_runtime(package, load):
    package.driver.devices = 0
    with pytest.raises(NoGpu):
        choose.check_gpu()
    network = load("onnxruntime")
    assert network.name.endswith("CPU, 1 thread") and not package.sessions and red_of(network) == 5
    assert "ONNX Runtime on the GPU cannot run: the NVIDIA driver finds no GPU" in network.metadata["backend_reason"]


def test_providers_without_their_libraries_leave_the_cpu_and_say_why(package, load):
    package.working, package.offered = [], [CUDA, CPU]
    network = load("onnxruntime")
    assert network.name.endswith("CPU, 1 thread") and red_of(network) == 5
    assert "could not set up its GPU providers" in network.metadata["backend_reason"]


def test_a_tensorrt_provider_without_its_libraries_leaves_cuda(package, load):
    package.working = [CUDA]
    network = load("onnxruntime")
    wait_for_name(network, ", CUDA")
    assert network.metadata["backend_failures"] == "0"


@pytest.mark.parametrize(("refusing", "falls_back"), [
    (EPFail("TensorRT EP could not build engine for fused node"), False),
    (RuntimeError("Please install TensorRT libraries"), False),
    (RuntimeError("Please install TensorRT libraries"), True),
])  # fmt: skip
def test_a_tensorrt_provider_that_ends_the_session_is_left_out(package, load, caplog, refusing, falls_back):
    package.refusing, package.falls_back = refusing, falls_back
    network = load("onnxruntime")
    wait_for_name(network, ", CUDA")
    assert red_of(network) == 5 and network.metadata["backend_failures"] == "0"
    assert package.sessions[1:] == [[(CUDA, {"use_tf32": "0"})]]
    (said,) = [record.message for record in caplog.records if "left out" in record.message]
    reason = "could not set up its GPU providers" if falls_back else str(refusing)
    assert said.startswith("TensorrtExecutionProvider is left out: ") and reason in said


def engines_of(network_file: Path) -> Path:
    return EngineCache().folder(f"onnxruntime-{file_sha256(network_file)[:32]}")


def test_engines_that_tensorrt_refuses_are_built_again(package, load, network_file, caplog):
    """As after an update of TensorRT: ONNX Runtime keeps to the old engine, and fails."""
    old = engines_of(network_file) / "old_sm87.engine"
    old.write_bytes(b"of another TensorRT")
    network = load("onnxruntime")
    wait_for_name(network, ", Tensorrt")
    assert red_of(network) == 5 and not old.exists() and old.parent.is_dir() and len(package.sessions) == 2
    assert any(record.message.startswith("the engine is built again: ") for record in caplog.records)


def test_engines_that_are_refused_and_cannot_be_removed_leave_cuda(package, load, network_file, monkeypatch):
    def not_ours(path: str) -> None:
        raise PermissionError(path)

    (engines_of(network_file) / "old_sm87.engine").write_bytes(b"of another TensorRT")
    monkeypatch.setattr(execution_providers.shutil, "rmtree", not_ours)
    network = load("onnxruntime")
    wait_for_name(network, ", CUDA")
    assert red_of(network) == 5 and len(package.sessions) == 2


def test_providers_that_turn_out_not_to_work_are_given_up(package, load):
    package.working = []
    network = load("onnxruntime")
    wait_for_name(network, "given up: ONNX Runtime could not set up")
    assert red_of(network) == 5 and len(package.sessions) == 2


def test_providers_that_answer_what_is_not_finite_leave_the_cpu(package, load, network_file, monkeypatch):
    def overflow(outputs: object, file: Path) -> None:
        if package.sessions:
            raise ValueError(f"network '{file}' answers values that are not finite (flow)")

    package.offered = [CUDA, CPU]
    monkeypatch.setattr(onnx_runtime, "check_answer", overflow)
    network = load("onnxruntime")
    assert network.name.endswith("CPU, 1 thread") and red_of(network) == 5
    assert "net.onnx' answers values that are not finite" in network.metadata["backend_reason"]


def test_a_gpu_lost_in_mid_drive_is_stood_in_for_and_comes_back(package, load):
    package.offered = [CUDA, CPU]
    network = load("onnxruntime")
    package.lost = True
    assert red_of(network) == 5 and "ONNX Runtime on GPU (failed" in network.name
    assert "CUDA failure 700: an illegal memory access was encountered" in network.metadata["backend_last_failure"]
    package.driver.fail["cuStreamSynchronize"] = CUresult.CUDA_ERROR_ILLEGAL_ADDRESS
    wait_for_name(network, "trying again")
    package.working = []
    del package.driver.fail["cuStreamSynchronize"]
    wait_for_name(network, "could not set up")  # not for good: it has run before
    package.working, package.lost = [CUDA], False
    wait_for_name(network, ", CUDA")
    assert red_of(network) == 5


def test_a_network_that_runs_is_not_reset_for_another(package, load):
    package.offered = [CUDA, CPU]
    first, second = load("onnxruntime"), load("onnxruntime")
    package.driver.kill()
    second.close()
    with pytest.raises(CudaError, match="1 in this process must let go of it"):
        Cuda(package.driver)
    assert package.driver.resets == 0
    first.close()
    Cuda(package.driver).close()
    assert package.driver.resets == 1 and package.driver.leaks == 0


def test_a_session_that_cannot_be_made_is_no_fault_of_the_file(package, network_file, monkeypatch):
    from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork

    def fails(*arguments: object, **more: object) -> None:
        raise RuntimeError("")

    monkeypatch.setattr(onnxruntime, "InferenceSession", fails)
    with pytest.raises(NetworkUnavailable, match="onto the GPU: RuntimeError"):
        OnnxRuntimeNetwork(network_file, providers=[CUDA])
