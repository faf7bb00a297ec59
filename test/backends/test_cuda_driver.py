"""The wrapper around the CUDA driver: what it asks for, frees and reports, on a driver written in Python."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest
from backends.fake_gpu import CUresult, FakeDriver
from backends.stub_driver import environment_with_driver

from dense_face_ros.backends import cuda_driver
from dense_face_ros.backends.cuda_driver import Cuda, CudaError, NoGpu, SharedTensor, Stream


def test_the_gpu_is_described():
    gpu = Cuda(FakeDriver(integrated=True)).gpu
    assert (gpu.name, gpu.capability, gpu.sm, gpu.integrated) == ("Fake GPU", (8, 7), "sm_87", True)
    assert gpu.multiprocessors == 14


def test_no_gpu_is_told_with_the_cure():
    with pytest.raises(NoGpu, match="finds no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES"):
        Cuda(FakeDriver(devices=0))
    driver = FakeDriver()
    driver.fail["cuInit"] = CUresult.CUDA_ERROR_NO_DEVICE
    with pytest.raises(NoGpu, match=r"CUDA_ERROR_NO_DEVICE \(cuda error no device\)"):
        Cuda(driver)


def test_drivers_too_old_for_a_function_are_told(monkeypatch):
    def missing(flags: int) -> None:
        raise RuntimeError('Function "cuInit" not found')

    driver = FakeDriver()
    monkeypatch.setattr(driver, "cuInit", missing, raising=False)
    with pytest.raises(NoGpu, match='Function "cuInit" not found; update the NVIDIA driver'):
        Cuda(driver)


def test_a_missing_driver_library_is_told_before_anything_else(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(cuda_driver.ctypes, "CDLL", missing)
    with pytest.raises(NoGpu, match=r"no NVIDIA driver \(libcuda.so.1\)"):
        cuda_driver.check_gpu()


def test_missing_bindings_are_told_with_the_cure(monkeypatch):
    monkeypatch.setattr(cuda_driver.ctypes, "CDLL", lambda name: None)
    monkeypatch.setitem(sys.modules, "cuda.bindings.driver", None)
    with pytest.raises(NoGpu, match="pip install cuda-bindings"):
        cuda_driver.check_gpu()


def test_a_healthy_context_is_left_alone_and_given_back():
    driver = FakeDriver()
    cuda = Cuda(driver)
    assert (driver.resets, driver.retained) == (0, 1)
    cuda.close()
    cuda.close()
    assert driver.retained == 0


@pytest.mark.parametrize("told", [False, True])
def test_a_context_ended_by_an_error_is_reset_and_retained_anew(told):
    driver = FakeDriver()
    driver.dead_is_told = told
    driver.kill()
    cuda = Cuda(driver)
    with cuda.current():
        stream = Stream(cuda)
        stream.synchronize()
        stream.close()
    cuda.close()
    assert driver.resets == 1 and driver.leaks == 0


@pytest.mark.parametrize("function", ["cuStreamCreate", "cuStreamSynchronize"])
@pytest.mark.parametrize("error", [CUresult.CUDA_ERROR_OUT_OF_MEMORY, CUresult.CUDA_ERROR_INVALID_CONTEXT])
def test_an_error_that_leaves_the_context_as_it_is_does_not_reset_it(function, error):
    """Others in the process may use it, whom nobody here knows."""
    driver = FakeDriver()
    driver.fail[function] = error
    with pytest.raises(CudaError, match=f"{function} failed: {error.name}") as caught:
        Cuda(driver)
    assert driver.resets == 0 and driver.leaks == 0 and caught.value.code == error


def test_the_context_is_probed_beside_what_is_captured():
    driver = FakeDriver()
    first = Cuda(driver)
    with first.current():
        stream = Stream(first)
        graph = stream.capture(lambda: Cuda(driver).close())
        graph.launch(stream)
        for thing in (graph, stream):
            thing.close()
    first.close()
    assert driver.leaks == 0


def test_a_gpu_that_stays_away_is_an_error_that_holds_nothing():
    driver = FakeDriver()
    driver.fail["cuStreamSynchronize"] = CUresult.CUDA_ERROR_ILLEGAL_ADDRESS
    with pytest.raises(CudaError, match="cuStreamSynchronize failed: CUDA_ERROR_ILLEGAL_ADDRESS"):
        Cuda(driver)
    assert driver.leaks == 0


@pytest.mark.parametrize("integrated", [False, True])
def test_tensors_go_there_and_back(integrated):
    driver = FakeDriver(integrated=integrated)
    cuda = Cuda(driver)
    with cuda.current():
        stream, tensor = Stream(cuda), SharedTensor(cuda, (2, 3), np.float32)
        tensor.host[:] = 5.0
        tensor.upload(stream)
        stream.synchronize()
        on_gpu = np.ctypeslib.as_array(driver.memory[tensor.address]).view(np.float32)
        assert (on_gpu == 5.0).all()
        on_gpu[:] = 7.0
        tensor.download(stream)
        stream.synchronize()
        assert (tensor.host == 7.0).all()
        assert len(driver.memory) == (1 if integrated else 2)
        tensor.close()
        stream.close()
    cuda.close()
    assert driver.leaks == 0


def test_pinned_memory_is_freed_when_the_gpu_has_none_left():
    driver = FakeDriver()
    cuda = Cuda(driver)
    driver.fail["cuMemAlloc"] = CUresult.CUDA_ERROR_OUT_OF_MEMORY
    with cuda.current(), pytest.raises(CudaError, match="OUT_OF_MEMORY"):
        SharedTensor(cuda, (10,), np.uint8)
    assert not driver.memory


def test_captured_work_runs_at_every_launch_and_not_before():
    driver = FakeDriver()
    cuda = Cuda(driver)
    done = []
    with cuda.current():
        stream = Stream(cuda)
        graph = stream.capture(lambda: driver.enqueue(stream.handle, lambda: done.append(1)))
        stream.synchronize()
        assert not done
        for _ in range(3):
            graph.launch(stream)
        stream.synchronize()
        assert len(done) == 3
        graph.close()
        stream.close()
    cuda.close()
    assert driver.leaks == 0


def test_the_genuine_bindings_have_every_function_used():
    genuine = pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed")
    used = set()
    for integrated in (False, True):
        driver = FakeDriver(integrated=integrated)
        driver.kill()
        cuda = Cuda(driver)
        with cuda.current():
            stream, tensor = Stream(cuda), SharedTensor(cuda, (4,), np.uint8)
            tensor.upload(stream)
            tensor.download(stream)
            graph = stream.capture(lambda: None)
            graph.launch(stream)
            stream.synchronize()
            for thing in (graph, tensor, stream):
                thing.close()
        cuda.close()
        driver.fail["cuMemHostAlloc"] = CUresult.CUDA_ERROR_OUT_OF_MEMORY
        with pytest.raises(CudaError), Cuda(driver).current():
            SharedTensor(cuda, (4,), np.uint8)
        used |= set(driver.calls)
    assert len(used) > 20
    for name, count in used:
        signature = inspect.getdoc(getattr(genuine, name)).splitlines()[0]
        parameters = [text for text in signature[signature.index("(") + 1 : signature.rindex(")")].split(",") if text]
        assert len(parameters) == count, f"{signature}, called with {count} arguments"
    for group in ("CUresult", "CUstream_flags", "CUstreamCaptureMode", "CUdevice_attribute"):
        for name, value in vars(getattr(FakeDriver, group)).items():
            if name.startswith("CU"):
                assert int(getattr(getattr(genuine, group), name)) == value
    assert genuine.CUresult.CUDA_SUCCESS.name == "CUDA_SUCCESS"
    assert (genuine.CU_MEMHOSTALLOC_PORTABLE, genuine.CU_MEMHOSTALLOC_DEVICEMAP) == (1, 2)


STUB_PROGRAM = """
import numpy as np
from dense_face_ros.backends.cuda_driver import Cuda, CudaError, Graph, SharedTensor, Stream, check_gpu

check_gpu()
cuda = Cuda()
with cuda.current():
    stream, tensor = Stream(cuda), SharedTensor(cuda, (2, 3), np.float32)
    assert isinstance(int(stream.handle), int) and isinstance(tensor.address, int)
    tensor.host[:] = 5.0
    tensor.upload(stream)
    if not cuda.gpu.integrated:
        tensor.host[:] = 0.0
    tensor.download(stream)
    stream.synchronize()
    assert (tensor.host == 5.0).all()
    graph = stream.capture(lambda: None)
    graph.launch(stream)
    unknown = Graph(cuda, cuda.driver.CUgraphExec(0x66))
    for wrong in (Graph(cuda, cuda.driver.CUgraphExec(5)), unknown):
        try:
            wrong.launch(stream)
        except CudaError as error:
            print(error)
    for thing in (graph, tensor, stream, unknown):
        thing.close()
cuda.close()
print(cuda.gpu)
"""


@pytest.mark.parametrize("integrated", [False, True])
def test_the_genuine_bindings_take_and_give_what_is_expected(tmp_path, integrated):
    environment = environment_with_driver(tmp_path, **({"STUB_INTEGRATED": "1"} if integrated else {}))
    command = [sys.executable, "-c", STUB_PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "cuGraphLaunch failed: CUDA_ERROR_ILLEGAL_ADDRESS (the stub says no)"
    assert said[1] == "cuGraphLaunch failed: 4711 is not a valid CUresult", "drivers know more errors than the bindings"
    assert said[2] == f"Gpu(name='Stub GPU', capability=(8, 7), multiprocessors=14, integrated={integrated})"
