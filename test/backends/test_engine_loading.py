"""From a network file to a running engine: the cache's, or a new one."""

from __future__ import annotations

import gc
import stat
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from backends.fake_gpu import ENGINE, CUresult, FakeDriver, FakeTensorRt

from dense_face_ros.backends import NetworkGivenUp, NetworkUnavailable, engine_loading
from dense_face_ros.backends.build_engine import BuildFailed, engine_identity
from dense_face_ros.backends.cuda_driver import Cuda, CudaError, NoGpu
from dense_face_ros.backends.engine_cache import EngineCache, NoEngine
from dense_face_ros.backends.engine_loading import EngineLoader


class Machine:
    """A machine with a GPU and a cache, where builds are counted and give the engine in ``built``, or ``failure``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder) -> None:
        self.driver, self.cache = FakeDriver(), EngineCache(folder / "cache")
        self.trt = FakeTensorRt(self.driver)
        self.network = folder / "net.onnx"
        self.network.write_bytes(b"network")
        self.built = ENGINE
        self.failure: NetworkUnavailable | None = None
        self.builds = 0
        self.lines: list[str] = []
        monkeypatch.setattr(engine_loading, "Cuda", lambda: Cuda(self.driver))
        monkeypatch.setattr(engine_loading, "tensorrt_module", lambda: self.trt)
        monkeypatch.setattr(engine_loading, "build_in_own_process", self._build)

    @property
    def identity(self):
        cuda = Cuda(self.driver)
        cuda.close()
        return engine_identity(self.trt, cuda.gpu, self.network)

    def load(self):
        return EngineLoader(self.network, {}, self.cache)(self.lines.append, threading.Event())

    def _build(self, network, cache, again, report, stop) -> None:
        self.builds += 1
        if self.failure is not None:
            raise self.failure
        try:
            cache.load(self.identity)
        except NoEngine:
            again = True
        if again:
            cache.store(self.identity, self.built, {})


@pytest.fixture
def machine(monkeypatch, tmp_path):
    return Machine(monkeypatch, tmp_path)


def assert_runs(network) -> None:
    assert (network.run(np.full((128, 128, 3), 5, np.uint8)).flow == 5).all()


def test_the_first_start_builds_and_the_second_does_not(machine):
    assert_runs(machine.load())
    assert machine.builds == 1 and machine.lines == ["no engine: there is none yet for this network, GPU and TensorRT"]
    assert_runs(machine.load())
    assert machine.builds == 1 and len(machine.lines) == 1


def test_a_changed_network_is_built_anew(machine):
    machine.load()
    machine.network.write_bytes(b"trained a little longer")
    machine.load()
    assert machine.builds == 2


def test_a_power_mode_with_fewer_multiprocessors_is_built_anew(machine):
    machine.load()
    machine.driver.multiprocessors = 8
    machine.load()
    assert machine.builds == 2
    machine.driver.multiprocessors = 14
    machine.load()
    assert machine.builds == 2


def test_another_tensorrt_is_built_anew(machine):
    machine.load()
    machine.trt.__version__ = "10.3.1"
    machine.load()
    assert machine.builds == 2


def test_damaged_files_are_built_anew(machine):
    machine.load()
    machine.cache.path(machine.identity).write_bytes(b"cut")
    assert_runs(machine.load())
    assert machine.builds == 2 and "is damaged" in machine.lines[-1]


def test_engines_that_tensorrt_refuses_are_built_anew_once(machine):
    machine.cache.store(machine.identity, b"of another driver", {})
    assert_runs(machine.load())
    assert machine.builds == 1 and machine.lines == [
        "building again: the engine cannot be loaded: magic tag does not match"
    ]
    machine.cache.store(machine.identity, b"of another driver", {})
    machine.built = b"no better"
    with pytest.raises(BuildFailed, match=r"just built is of no use: .* magic tag"):
        machine.load()
    assert machine.builds == 2


def test_failed_builds_leave_nothing_on_the_gpu(machine):
    machine.failure = BuildFailed("the engine could not be built: no such operator (exit code 3)")
    with pytest.raises(BuildFailed, match="no such operator"):
        machine.load()
    gc.collect()
    assert machine.driver.leaks == 0 and machine.trt.engines == 0


def test_without_a_gpu_tensorrt_is_not_touched(machine, monkeypatch):
    machine.driver.devices = 0

    def touched() -> None:
        raise AssertionError("TensorRT was touched")

    monkeypatch.setattr(engine_loading, "tensorrt_module", touched)
    with pytest.raises(NoGpu):
        machine.load()


def test_a_gpu_that_fails_while_loading_is_no_reason_to_build(machine):
    machine.load()
    machine.driver.fail["cuMemHostAlloc"] = CUresult.CUDA_ERROR_OUT_OF_MEMORY
    with pytest.raises(CudaError):
        machine.load()
    assert machine.builds == 1


def test_a_good_engine_outlives_a_moment_without_gpu_memory(machine, monkeypatch):
    def without_memory(logger):
        def deserialize(engine: bytes) -> None:
            logger.log(machine.trt.ILogger.ERROR, "Error Code 1: Cuda Runtime (out of memory)")

        return SimpleNamespace(deserialize_cuda_engine=deserialize)

    machine.cache.store(machine.identity, ENGINE, {})
    machine.failure = NetworkUnavailable("the engine could not be built: out of memory (exit code 1)")
    with monkeypatch.context() as moment:
        moment.setattr(machine.trt, "Runtime", without_memory)
        with pytest.raises(NetworkUnavailable, match="could not be built: out of memory") as caught:
            machine.load()
    assert not isinstance(caught.value, NetworkGivenUp)
    assert_runs(machine.load())
    assert machine.builds == 1


def test_where_the_cache_cannot_be_written_the_engine_lasts_as_long_as_the_loader(machine, tmp_path, caplog):
    (tmp_path / "file").write_text("where the folder should be")
    machine.cache = EngineCache(tmp_path / "file")
    loader = EngineLoader(machine.network, {}, machine.cache)
    for _ in range(2):
        network = loader(machine.lines.append, threading.Event())
        assert_runs(network)
        network.close()
    assert machine.builds == 1
    (said,) = [record.message for record in caplog.records]
    assert "is built at every start" in said and "file" in said and "set XDG_CACHE_HOME" in said
    kept = loader._cache.directory
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700 and list(kept.glob("*.engine"))
    del loader
    gc.collect()
    assert not kept.parent.exists()


def test_where_the_lock_is_another_users_the_engine_is_built_all_the_same(machine, caplog):
    """Root's, after one build with sudo."""
    machine.cache.directory.mkdir(parents=True)
    (machine.cache.directory / f"{machine.identity.key}.lock").mkdir()
    assert_runs(machine.load())
    (said,) = [record.message for record in caplog.records]
    assert "is built at every start" in said and ".lock" in said


def test_without_any_place_for_engines_the_cure_is_told(machine, tmp_path, monkeypatch):
    def nowhere(**_: object) -> None:
        raise FileNotFoundError("No usable temporary directory found")

    (tmp_path / "file").write_text("where the folder should be")
    machine.cache = EngineCache(tmp_path / "file")
    monkeypatch.setattr(engine_loading.tempfile, "mkdtemp", nowhere)
    with pytest.raises(NetworkUnavailable, match=r"no place for an engine \(.*No usable temp.*\); set XDG_CACHE_HOME"):
        machine.load()
