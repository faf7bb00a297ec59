"""The CUDA driver through NVIDIA's ``cuda-bindings``: the GPU, its streams, and memory that host and GPU share.

The driver is asked before TensorRT is touched: without a working driver TensorRT's runtime can end the process.
Another GPU than the first is chosen by the environment variable ``CUDA_VISIBLE_DEVICES``.
"""

from __future__ import annotations

import ctypes
import importlib
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import NetworkUnavailable


class NoGpu(NetworkUnavailable):
    """This machine has no GPU that can be used; the message says what is missing and the cure."""


class CudaError(NetworkUnavailable):
    """A call of the CUDA driver failed, with an error ``code`` where the driver gave one."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


#: Errors that end a context: illegal accesses, launches that failed or took too long, assertions and the like.
_FATAL = {214, 226, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721}


@dataclass(frozen=True)
class Gpu:
    """What the driver says of a GPU.

    Attributes:
        name: as sold.
        capability: compute capability (major, minor).
        multiprocessors: how many of them; boards of one name differ, and on Jetson the power mode decides.
        integrated: whether it shares the host's memory, as on Jetson.
    """

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    integrated: bool

    @property
    def sm(self) -> str:
        """The capability as compilers name it, such as ``sm_87``."""
        return f"sm_{self.capability[0]}{self.capability[1]}"


#: Those whose work a reset of the context would end.
_LIVE: weakref.WeakSet[Cuda] = weakref.WeakSet()
_LIVE_LOCK = threading.Lock()


class Cuda:
    """The first GPU and its primary context, which TensorRT uses too, and all others in the process.

    Threads that use the GPU do so inside :meth:`current`; the calls themselves are safe from any thread.

    Args:
        driver: the module ``cuda.bindings.driver``, or one like it.
    Raises:
        NoGpu: no driver, no ``cuda-bindings``, or no GPU.
        CudaError: there is one, but it does not answer, or was ended by an error while others here still hold it.
    """

    def __init__(self, driver: Any = None) -> None:
        self.driver: Any = driver if driver is not None else _bindings()
        self._context: Any = None
        self._device = _first_device(self.driver)
        self.gpu = self._describe()
        try:
            with _LIVE_LOCK:
                self._open()
                _LIVE.add(self)
        except NetworkUnavailable:
            self.close()
            raise

    def call(self, function: str, *arguments: Any) -> Any:
        """Call a function of the driver; its result, or None where it has none.

        Raises:
            CudaError: the driver reports an error.
        """
        return _call(self.driver, function, *arguments)

    def free(self, function: str, *arguments: Any) -> None:
        """The same for what frees. Errors pass silently: on a GPU that was lost there is nothing left to free."""
        with suppress(NetworkUnavailable):
            self.call(function, *arguments)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make this GPU the calling thread's for as long as the block lasts."""
        self.call("cuCtxPushCurrent", self._context)
        try:
            yield
        finally:
            self.free("cuCtxPopCurrent")

    def close(self) -> None:
        """Give the context back. Whatever lives in it must have been freed before."""
        with _LIVE_LOCK:
            _LIVE.discard(self)
        self._release()

    def _open(self) -> None:
        """A context ended by an earlier error stays so until it is reset; any other is left alone."""
        try:
            self._retain()
        except CudaError as error:
            if error.code not in _FATAL:
                raise
        else:
            return
        others = sum(other.driver is self.driver for other in _LIVE)
        if others:  # they notice with their next frame, free what they have, and the last one resets
            raise CudaError(f"an error has ended all work on the GPU, and {others} in this process must let go of it")
        # A reset takes the context from all who hold it: it is one again only to those who retain it afterwards.
        self._release()
        self.call("cuDevicePrimaryCtxReset", self._device)
        try:
            self._retain()
        except CudaError as error:
            text = f"{error}; if it stays so, the GPU is only to be had again by a process that is started anew"
            raise CudaError(text, error.code) from error

    def _retain(self) -> None:
        """Hold the context; CudaError where an error has ended it, which some drivers tell here, others at work."""
        self._context = self.call("cuDevicePrimaryCtxRetain", self._device)
        self._probe()

    def _release(self) -> None:
        if self._context is not None:
            self._context = None
            self.free("cuDevicePrimaryCtxRelease", self._device)

    def _probe(self) -> None:
        """Raises CudaError where the context takes no work; without waiting for others', whose capture it would end."""
        with self.current():
            stream = Stream(self)
            try:
                stream.synchronize()
            finally:
                stream.close()

    def _describe(self) -> Gpu:
        name = self.call("cuDeviceGetName", 256, self._device)
        attribute = self.driver.CUdevice_attribute
        major, minor, multiprocessors, integrated = (
            int(self.call("cuDeviceGetAttribute", kind, self._device))
            for kind in (
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
                attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
                attribute.CU_DEVICE_ATTRIBUTE_INTEGRATED,
            )
        )
        return Gpu(name.split(b"\0")[0].decode().strip(), (major, minor), multiprocessors, bool(integrated))


class Stream:
    """A queue of work on the GPU. Used, and closed, inside :meth:`Cuda.current`."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self.handle = cuda.call("cuStreamCreate", int(cuda.driver.CUstream_flags.CU_STREAM_NON_BLOCKING))

    def synchronize(self) -> None:
        """Wait until everything in the queue is done; raises CudaError where any of it failed."""
        self._cuda.call("cuStreamSynchronize", self.handle)

    def capture(self, enqueue: Callable[[], None]) -> Graph:
        """What ``enqueue`` puts into this stream, as a graph; nothing of it is run.

        Raises:
            CudaError: it cannot be captured. Errors of ``enqueue`` pass.
        """
        mode = self._cuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._cuda.call("cuStreamBeginCapture", self.handle, mode)
        try:
            enqueue()
        except NetworkUnavailable:
            with suppress(CudaError):
                self._cuda.free("cuGraphDestroy", self._cuda.call("cuStreamEndCapture", self.handle))
            raise
        graph = self._cuda.call("cuStreamEndCapture", self.handle)
        try:
            return Graph(self._cuda, self._cuda.call("cuGraphInstantiate", graph, 0))
        finally:
            self._cuda.free("cuGraphDestroy", graph)

    def close(self) -> None:
        """Free the queue; errors as in :meth:`Cuda.free`."""
        self._cuda.free("cuStreamDestroy", self.handle)


class Graph:
    """Captured work, ready to be run again at the cost of one call."""

    def __init__(self, cuda: Cuda, handle: Any) -> None:
        self._cuda, self._handle = cuda, handle

    def launch(self, stream: Stream) -> None:
        """Put the work into a stream."""
        self._cuda.call("cuGraphLaunch", self._handle, stream.handle)

    def close(self) -> None:
        """Free the graph; errors as in :meth:`Cuda.free`."""
        self._cuda.free("cuGraphExecDestroy", self._handle)


class SharedTensor:
    """A tensor that host and GPU both see: pinned host memory, and its twin on the GPU where that has its own memory.

    Made, and closed, inside :meth:`Cuda.current`.

    Attributes:
        host: the tensor as the host sees it.
        address: of the tensor as the GPU sees it.
    """

    def __init__(self, cuda: Cuda, shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
        self._cuda = cuda
        self._size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        mapped = cuda.gpu.integrated
        flags = cuda.driver.CU_MEMHOSTALLOC_PORTABLE | (cuda.driver.CU_MEMHOSTALLOC_DEVICEMAP if mapped else 0)
        self._pinned = cuda.call("cuMemHostAlloc", self._size, flags)
        self._twin: Any = None
        try:
            if mapped:
                self.address = int(cuda.call("cuMemHostGetDevicePointer", self._pinned, 0))
            else:
                self._twin = cuda.call("cuMemAlloc", self._size)
                self.address = int(self._twin)
        except NetworkUnavailable:
            cuda.free("cuMemFreeHost", self._pinned)
            raise
        memory = (ctypes.c_uint8 * self._size).from_address(int(self._pinned))
        self.host: npt.NDArray[Any] = np.ctypeslib.as_array(memory).view(dtype).reshape(shape)

    def upload(self, stream: Stream) -> None:
        """Enqueue the copy from host to GPU, where there are two memories."""
        if self._twin is not None:
            self._cuda.call("cuMemcpyHtoDAsync", self._twin, self._pinned, self._size, stream.handle)

    def download(self, stream: Stream) -> None:
        """Enqueue the copy from GPU to host, where there are two memories."""
        if self._twin is not None:
            self._cuda.call("cuMemcpyDtoHAsync", self._pinned, self._twin, self._size, stream.handle)

    def close(self) -> None:
        """Free the memory, after which ``host`` must not be touched; errors as in :meth:`Cuda.free`."""
        self.host = np.zeros(0, self.host.dtype)
        if self._twin is not None:
            self._cuda.free("cuMemFree", self._twin)
        self._cuda.free("cuMemFreeHost", self._pinned)


def check_gpu() -> None:
    """Raises NoGpu where there is no driver, no ``cuda-bindings`` or no GPU. Costs little: nothing is set up on it."""
    _first_device(_bindings())


def _first_device(driver: Any) -> Any:
    try:
        _call(driver, "cuInit", 0)
        count = _call(driver, "cuDeviceGetCount")
    except CudaError as error:
        raise NoGpu(f"the NVIDIA driver finds no usable GPU ({error}); check nvidia-smi") from error
    if count == 0:
        raise NoGpu("the NVIDIA driver finds no GPU; check nvidia-smi and CUDA_VISIBLE_DEVICES")
    return _call(driver, "cuDeviceGet", 0)


def _call(driver: Any, function: str, *arguments: Any) -> Any:
    try:
        error, *results = getattr(driver, function)(*arguments)
    except RuntimeError as missing:  # how the bindings say that an old driver has no such function
        raise NoGpu(f"{function} failed: {missing}; update the NVIDIA driver") from missing
    except ValueError as unknown:  # and that a new driver gives an error they do not know
        raise CudaError(f"{function} failed: {unknown}") from unknown
    if error != driver.CUresult.CUDA_SUCCESS:
        _, text = driver.cuGetErrorString(error)
        raise CudaError(f"{function} failed: {error.name}{f' ({text.decode()})' if text else ''}", int(error))
    return results[0] if len(results) == 1 else tuple(results) or None


def _bindings() -> Any:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise NoGpu("this machine has no NVIDIA driver (libcuda.so.1); install the driver of its GPU") from error
    try:
        return importlib.import_module("cuda.bindings.driver")
    except ImportError as error:
        raise NoGpu(
            f"NVIDIA's cuda-bindings cannot be imported ({error}); install it with: pip install cuda-bindings"
        ) from error
