"""Running an engine: graph and plain enqueue, threads, failures, and that nothing stays on the GPU."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from backends.fake_gpu import ENGINE, CUresult, FakeDriver, FakeTensorRt

from dense_face_ros.backends import NetworkGivenUp, NetworkOutput, NetworkUnavailable
from dense_face_ros.backends.cuda_driver import Cuda, CudaError
from dense_face_ros.backends.engine_build import EngineError
from dense_face_ros.backends.tensorrt import TensorRtNetwork, UnusableEngine


def crop_of(red: int, green: int, blue: int):
    return np.full((128, 128, 3), (red, green, blue), dtype=np.uint8)


class Machine:
    """A machine with a GPU, and the networks loaded there."""

    def __init__(self, integrated: bool = False) -> None:
        self.driver = FakeDriver(integrated=integrated)
        self.trt = FakeTensorRt(self.driver)

    def load(self, engine: bytes = ENGINE, graph: bool = True) -> TensorRtNetwork:
        return TensorRtNetwork(self.trt, Cuda(self.driver), engine, {"recipe": "none"}, graph)

    def assert_nothing_left(self) -> None:
        gc.collect()
        assert self.driver.leaks == 0 and self.trt.engines == 0 and self.trt.misplaced == 0


@pytest.fixture(params=[False, True], ids=["discrete", "integrated"])
def machine(request):
    return Machine(request.param)


@pytest.mark.parametrize("graph", [True, False])
def test_outputs_arrive_under_their_names(machine, graph):
    network = machine.load(graph=graph)
    output = network.run(crop_of(10, 20, 51))
    assert output.flow.shape == (2, 64, 64) and output.matchability.shape == output.log_sigma.shape == (64, 64)
    assert (output.flow[0] == 10).all() and (output.flow[1] == 20).all()
    np.testing.assert_allclose(output.matchability, 0.2, rtol=1e-6)
    np.testing.assert_allclose(output.log_sigma, -0.2, rtol=1e-6)
    network.close()
    machine.assert_nothing_left()


def test_a_frame_is_one_launch(machine):
    network = machine.load()
    assert network.metadata["cuda_graph"] == "yes"
    enqueued, before = machine.trt.enqueues, machine.driver.calls.total()
    network.run(crop_of(1, 2, 3))
    assert machine.trt.enqueues == enqueued
    # Context in and out, launch, and the wait.
    assert machine.driver.calls.total() - before == 4


def test_integrated_gpus_copy_nothing():
    machine = Machine(integrated=True)
    machine.load(graph=False).run(crop_of(1, 2, 3))
    assert not [name for name, _ in machine.driver.calls if name.startswith("cuMemcpy")]


def test_networks_that_cannot_be_captured_are_enqueued(machine):
    machine.trt.capturable = False
    network = machine.load()
    assert network.metadata["cuda_graph"].startswith("no: TensorRT cannot enqueue")
    assert (network.run(crop_of(9, 0, 0)).flow[0] == 9).all()
    network.close()
    machine.assert_nothing_left()


def test_drivers_without_graphs_are_served_too(machine):
    machine.driver.fail["cuGraphInstantiate"] = CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
    network = machine.load()
    assert "CAPTURE_UNSUPPORTED" in network.metadata["cuda_graph"]
    assert (network.run(crop_of(9, 0, 0)).flow[0] == 9).all()
    network.close()
    machine.assert_nothing_left()


def test_results_stay_when_the_next_crop_comes(machine):
    network = machine.load()
    first = network.run(crop_of(1, 2, 3))
    network.run(crop_of(100, 100, 100))
    network.close()
    assert (first.flow[0] == 1).all()


def test_threads_get_the_answers_to_their_own_crops(machine):
    network = machine.load()
    wrong = []

    def work(red: int) -> None:
        for _ in range(30):
            if not (network.run(crop_of(red, 0, 0)).flow[0] == red).all():
                wrong.append(red)

    threads = [threading.Thread(target=work, args=(red,)) for red in (10, 20, 30, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_name_and_metadata_are_for_diagnostics(machine):
    network = machine.load()
    assert network.name == "tensorrt 10.3.0 on Fake GPU"
    assert network.metadata == {"recipe": "none", "cuda_graph": "yes"}


@pytest.mark.parametrize("crop", [np.zeros((64, 64, 3), np.uint8), np.zeros((128, 128, 3), np.float32)])
def test_wrong_crops_are_named(machine, crop):
    with pytest.raises(ValueError, match="the network takes uint8"):
        machine.load().run(crop)


def test_closed_networks_say_so(machine):
    network = machine.load()
    network.close()
    network.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        network.run(crop_of(0, 0, 0))


def test_engines_that_do_not_load_carry_the_log(machine):
    with pytest.raises(UnusableEngine, match="the engine cannot be loaded: magic tag does not match"):
        machine.load(b"an engine for another GPU")
    machine.assert_nothing_left()


def test_warnings_of_engines_that_load_are_logged_once(machine, monkeypatch, caplog):
    runtime = machine.trt.Runtime

    def warning(logger):
        for _ in range(2):
            logger.log(machine.trt.ILogger.WARNING, "an engine of another model of device is not recommended")
        return runtime(logger)

    monkeypatch.setattr(machine.trt, "Runtime", warning)
    machine.load()
    assert [record.message for record in caplog.records] == [
        "TensorRT: an engine of another model of device is not recommended"
    ]


def test_engines_that_answer_what_is_not_finite_are_given_up(machine):
    class Overflowing:
        def run(self, crop) -> NetworkOutput:
            return NetworkOutput(np.full((2, 64, 64), np.nan), np.zeros((64, 64)), np.full((64, 64), np.inf))

    machine.trt.network = Overflowing()
    with pytest.raises(NetworkGivenUp, match=r"network 'tensorrt .*' answers .* not finite \(flow, log_sigma\)"):
        machine.load()
    machine.assert_nothing_left()


def test_a_tensorrt_that_cannot_start_is_told_with_the_cure(machine, monkeypatch):
    def nothing(logger: object) -> None:
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(machine.trt, "Runtime", nothing)
    with pytest.raises(EngineError, match="TensorRT cannot start; check the GPU with nvidia-smi"):
        machine.load()
    machine.assert_nothing_left()


def test_a_driver_too_old_for_tensorrt_is_given_up_with_the_cure(machine, monkeypatch):
    """The RTX edition builds without a driver, and notices here."""

    def nothing(logger) -> None:
        logger.log(machine.trt.ILogger.ERROR, "CUDA initialization failure with error: 35. Please check your CUDA")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(machine.trt, "Runtime", nothing)
    with pytest.raises(NetworkGivenUp, match="driver is older than the CUDA that this TensorRT needs"):
        machine.load()
    machine.assert_nothing_left()


@pytest.mark.parametrize(("shape", "told"), [((1, 3, 64, 64), r"\(1, 3, 64, 64\)"), ((), r"'flow': \(\(\), ")])
def test_engines_of_other_networks_are_refused(machine, shape, told):
    machine.trt.shapes["flow"] = shape
    with pytest.raises(UnusableEngine, match=told) as caught:
        machine.load()
    machine.assert_nothing_left()
    assert caught.tb is not None, "which the engine does not live as long as"


@pytest.mark.parametrize("function", ["cuStreamCreate", "cuMemHostAlloc", "cuStreamSynchronize"])
def test_what_fails_while_loading_leaves_nothing_behind(machine, function):
    machine.driver.fail[function] = CUresult.CUDA_ERROR_OUT_OF_MEMORY
    with pytest.raises(CudaError, match=f"{function} failed: CUDA_ERROR_OUT_OF_MEMORY"):
        machine.load()
    machine.assert_nothing_left()


def test_a_gpu_lost_in_mid_drive_is_unavailable_and_freed(machine):
    network = machine.load()
    machine.driver.kill()
    with pytest.raises(NetworkUnavailable, match="ILLEGAL_ADDRESS"):
        network.run(crop_of(1, 2, 3))
    network.close()
    machine.assert_nothing_left()
    assert (machine.load().run(crop_of(7, 0, 0)).flow[0] == 7).all()
    assert machine.driver.resets == 1


def test_a_lost_gpu_is_reset_when_the_last_network_has_let_go_of_it(machine):
    first, second = machine.load(), machine.load()
    machine.driver.kill()
    with pytest.raises(NetworkUnavailable, match="ILLEGAL_ADDRESS"):
        first.run(crop_of(1, 2, 3))
    first.close()
    with pytest.raises(CudaError, match="1 in this process must let go of it"):
        machine.load()
    assert machine.driver.resets == 0
    second.close()
    first, second = machine.load(), machine.load()
    assert machine.driver.resets == 1 and (second.run(crop_of(7, 0, 0)).flow[0] == 7).all()
    first.close()
    second.close()
    machine.assert_nothing_left()


def test_a_refused_enqueue_is_unavailable(machine):
    network = machine.load(graph=False)
    machine.driver.kill()
    with pytest.raises((EngineError, CudaError)):
        network.run(crop_of(1, 2, 3))
