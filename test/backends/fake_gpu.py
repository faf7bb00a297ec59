"""A CUDA driver and a TensorRT runtime in a few lines of Python, for tests of what uses them.

The driver keeps its rules: work waits in streams until they are synchronised, calls need a current context, captured
work is not run, whatever is allocated must be freed, and after a fatal error everything fails until the context is
reset. Before that all that lives in it must be gone, as the real driver crashes on what is freed later, and after that
it must be retained again. The one engine there is says that the flow is the red and green of the crop, and the
matchability its blue / 255, unless it is given another network to ask.
"""

from __future__ import annotations

import ctypes
import threading
from collections import Counter
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np

from dense_face_ros.backends import CROP_SIZE, CorrespondenceNetwork

ENGINE = b"an engine for this GPU"
CELLS = 64
SHAPES = {
    "image": (1, CROP_SIZE, CROP_SIZE, 3),
    "flow": (1, 2, CELLS, CELLS),
    "matchability": (1, CELLS, CELLS),
    "log_sigma": (1, CELLS, CELLS),
}


class CUresult(IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NO_DEVICE = 100
    CUDA_ERROR_INVALID_CONTEXT = 201
    CUDA_ERROR_ILLEGAL_ADDRESS = 700
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901


OK = CUresult.CUDA_SUCCESS


class FakeDriver:
    """Stands for the module ``cuda.bindings.driver``.

    Attributes:
        fail: function name -> error it returns from now on.
        dead: whether the context has been ended by a fatal error; ``kill`` does that. It stays so when all here have
            released it: the CUDA runtime inside TensorRT holds it too.
        dead_is_told: whether a dead context is refused to those who retain it, as some drivers do.
        calls: how often each function was called, with how many arguments.
    """

    CUresult = CUresult
    CU_MEMHOSTALLOC_PORTABLE, CU_MEMHOSTALLOC_DEVICEMAP = 1, 2
    CUstream_flags = SimpleNamespace(CU_STREAM_NON_BLOCKING=1)
    CUstreamCaptureMode = SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1)
    CUdevice_attribute = SimpleNamespace(
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR=75,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR=76,
        CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT=16,
        CU_DEVICE_ATTRIBUTE_INTEGRATED=18,
    )

    def __init__(self, devices: int = 1, integrated: bool = False) -> None:
        self.devices, self.integrated, self.multiprocessors = devices, integrated, 14
        self.fail: dict[str, CUresult] = {}
        self.dead = self.dead_is_told = False
        self.active = True  # to those who have retained it
        self.calls: Counter[tuple[str, int]] = Counter()
        self.retained = self.resets = 0
        self.memory: dict[int, Any] = {}
        self.streams: dict[int, list[Any]] = {}
        self.captures: dict[int, list[Any]] = {}
        self.graphs: dict[int, list[Any]] = {}
        self.broken_captures: set[int] = set()
        self._handles = iter(range(1000, 10**6))
        self._thread = threading.local()

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("cu"):
            raise AttributeError(name)
        function = object.__getattribute__(self, "_" + name)

        def call(*arguments: Any) -> tuple[Any, ...]:
            self.calls[name, len(arguments)] += 1
            if name in self.fail:
                return self.fail[name], None
            result = function(*arguments)
            return result if isinstance(result, tuple) else (result,)

        return call

    def kill(self) -> None:
        """End the context as an illegal access does."""
        self.dead = True

    @property
    def leaks(self) -> int:
        """Things allocated and not freed."""
        return len(self.memory) + len(self.streams) + len(self.graphs) + self.retained

    @property
    def _bad(self) -> CUresult | None:
        if not getattr(self._thread, "contexts", 0):
            return CUresult.CUDA_ERROR_INVALID_CONTEXT
        if not self.active:
            return CUresult.CUDA_ERROR_CONTEXT_IS_DESTROYED
        return CUresult.CUDA_ERROR_ILLEGAL_ADDRESS if self.dead else None

    def _cuInit(self, flags: int) -> Any:
        return OK

    def _cuGetErrorString(self, error: CUresult) -> Any:
        return OK, error.name.lower().replace("_", " ").encode()

    def _cuDeviceGetCount(self) -> Any:
        return OK, self.devices

    def _cuDeviceGet(self, ordinal: int) -> Any:
        return OK, ordinal

    def _cuDeviceGetName(self, length: int, device: int) -> Any:
        return OK, b"Fake GPU".ljust(length, b"\0")

    def _cuDeviceGetAttribute(self, attribute: int, device: int) -> Any:
        return OK, {75: 8, 76: 7, 16: self.multiprocessors, 18: int(self.integrated)}[attribute]

    def _cuDevicePrimaryCtxRetain(self, device: int) -> Any:
        if self.dead and self.dead_is_told:
            return CUresult.CUDA_ERROR_ILLEGAL_ADDRESS, None
        self.retained, self.active = self.retained + 1, True
        return OK, 77

    def _cuDevicePrimaryCtxRelease(self, device: int) -> Any:
        self.retained -= 1
        return OK

    def _cuDevicePrimaryCtxReset(self, device: int) -> Any:
        assert not (self.memory or self.streams or self.graphs), "left from before the reset"
        self.dead, self.active, self.resets = False, False, self.resets + 1
        return OK

    def _cuCtxPushCurrent(self, context: int) -> Any:
        self._thread.contexts = getattr(self._thread, "contexts", 0) + 1
        return OK

    def _cuCtxPopCurrent(self) -> Any:
        self._thread.contexts -= 1
        return OK, 77

    def _cuMemGetInfo(self) -> Any:
        return self._bad or OK, 6_000_000_000, 8_000_000_000

    def _cuMemHostAlloc(self, size: int, flags: int) -> Any:
        return self._allocate(size)

    def _cuMemAlloc(self, size: int) -> Any:
        assert not self.integrated, "an integrated GPU has no memory of its own"
        return self._allocate(size)

    def _allocate(self, size: int) -> Any:
        if self._bad:
            return self._bad, None
        memory = (ctypes.c_uint8 * size)()
        self.memory[ctypes.addressof(memory)] = memory
        return OK, ctypes.addressof(memory)

    def _cuMemHostGetDevicePointer(self, address: int, flags: int) -> Any:
        return self._bad or OK, address

    def _cuMemFree(self, address: int) -> Any:
        return self._free(self.memory, address)

    def _cuMemFreeHost(self, address: int) -> Any:
        return self._free(self.memory, address)

    def _cuStreamDestroy(self, stream: int) -> Any:
        return self._free(self.streams, stream)

    def _cuGraphExecDestroy(self, graph: int) -> Any:
        return self._free(self.graphs, graph)

    def _cuGraphDestroy(self, graph: int) -> Any:
        return self._free(self.graphs, graph)

    def _free(self, things: dict[int, Any], handle: int) -> Any:
        bad = self._bad
        del things[handle]
        return bad or OK

    def _cuStreamCreate(self, flags: int) -> Any:
        if self._bad:
            return self._bad, None
        handle = next(self._handles)
        self.streams[handle] = []
        return OK, handle

    def _cuMemcpyHtoDAsync(self, to: int, source: int, size: int, stream: int) -> Any:
        return self.enqueue(stream, lambda: ctypes.memmove(to, source, size))

    def _cuMemcpyDtoHAsync(self, to: int, source: int, size: int, stream: int) -> Any:
        return self.enqueue(stream, lambda: ctypes.memmove(to, source, size))

    def enqueue(self, stream: int, work: Any) -> CUresult:
        """Put work into a stream, or into the graph that is being captured from it."""
        self.captures.get(stream, self.streams[stream]).append(work)
        return self._bad or OK

    def _cuStreamSynchronize(self, stream: int) -> Any:
        if self._bad:
            return self._bad
        for work in self.streams[stream]:
            work()
        self.streams[stream].clear()
        return OK

    def _cuStreamBeginCapture(self, stream: int, mode: int) -> Any:
        self.captures[stream] = []
        return self._bad or OK

    def _cuStreamEndCapture(self, stream: int) -> Any:
        work = self.captures.pop(stream)
        if stream in self.broken_captures:
            self.broken_captures.remove(stream)
            return CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, 0
        return OK, self._keep_graph(work)

    def _cuGraphInstantiate(self, graph: int, flags: int) -> Any:
        return OK, self._keep_graph(self.graphs[graph])

    def _keep_graph(self, work: list[Any]) -> int:
        handle = next(self._handles)
        self.graphs[handle] = work
        return handle

    def _cuGraphLaunch(self, graph: int, stream: int) -> Any:
        self.streams[stream].extend(self.graphs[graph])
        return self._bad or OK


class FakeTensorRt:
    """Stands for the module ``tensorrt``, its runtime half.

    Attributes:
        capturable: whether the network can be captured into a graph.
        enqueues: how often it was enqueued.
        network: what the engine computes; None: see the module.
        engines: loaded and not freed.
        misplaced: how many were freed outside the context they live in.
    """

    __name__, __version__ = "tensorrt", "10.3.0"
    DataType = SimpleNamespace(UINT8="uint8", FLOAT="float32")

    class ILogger:
        INTERNAL_ERROR, ERROR, WARNING, INFO = range(4)

    def __init__(self, driver: FakeDriver) -> None:
        self.driver, self.capturable, self.enqueues, self.engines, self.misplaced = driver, True, 0, 0, 0
        self.shapes = dict(SHAPES)
        self.network: CorrespondenceNetwork | None = None

    def Runtime(self, logger: Any) -> Any:
        def deserialize(engine: bytes) -> Any:
            if engine != ENGINE:
                logger.log(self.ILogger.INFO, "loading")
                logger.log(self.ILogger.ERROR, "magic tag does not match")
                return None
            return _Engine(self)

        return SimpleNamespace(deserialize_cuda_engine=deserialize)


class _Engine:
    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt, self._names = trt, list(trt.shapes)
        self.num_io_tensors = len(self._names)
        trt.engines += 1

    def __del__(self) -> None:
        self._trt.engines -= 1
        self._trt.misplaced += self._trt.driver._bad == CUresult.CUDA_ERROR_INVALID_CONTEXT

    def get_tensor_name(self, index: int) -> str:
        return self._names[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self._trt.shapes[name]

    def get_tensor_dtype(self, name: str) -> str:
        return "uint8" if name == "image" else "float32"

    def create_execution_context(self) -> Any:
        return _Context(self._trt)


class _Context:
    def __init__(self, trt: FakeTensorRt) -> None:
        self._trt, self._addresses = trt, dict[str, int]()

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return address in self._trt.driver.memory

    def execute_async_v3(self, stream: int) -> bool:
        driver = self._trt.driver
        self._trt.enqueues += 1
        if stream in driver.captures and not self._trt.capturable:
            driver.broken_captures.add(stream)
            return False
        return driver.enqueue(stream, self._compute) == OK

    def _compute(self) -> None:
        crop = self._tensor("image", ctypes.c_uint8)[0]
        if self._trt.network is not None:
            for name, output in vars(self._trt.network.run(crop)).items():
                self._tensor(name, ctypes.c_float)[0] = output
            return
        cells = crop.reshape(CELLS, 2, CELLS, 2, 3).mean(axis=(1, 3))
        self._tensor("flow", ctypes.c_float)[0] = cells[..., :2].transpose(2, 0, 1)
        self._tensor("matchability", ctypes.c_float)[0] = cells[..., 2] / 255.0
        self._tensor("log_sigma", ctypes.c_float)[0] = -cells[..., 2] / 255.0

    def _tensor(self, name: str, kind: Any) -> Any:
        shape = SHAPES[name]
        count = int(np.prod(shape))
        return np.ctypeslib.as_array((kind * count).from_address(self._addresses[name])).reshape(shape)
