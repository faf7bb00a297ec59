"""The correspondence network on an NVIDIA GPU, by TensorRT: a built engine, ready to run."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from dense_face_ros.backends import CROP_SIZE, NetworkGivenUp, NetworkOutput, NetworkUnavailable
from dense_face_ros.backends.cuda_driver import Cuda, Graph, SharedTensor, Stream
from dense_face_ros.backends.engine_build import CannotBuild, EngineError, LogTail, full_version, with_cure
from dense_face_ros.backends.model_file import INPUT_NAME, OUTPUT_NAMES, check_answer


class UnusableEngine(EngineError):
    """The engine cannot be loaded here: made for another GPU or TensorRT, which a build cures, or memory is short."""


class TensorRtNetwork:
    """An engine loaded and warmed up; see :class:`dense_face_ros.backends.CorrespondenceNetwork`.

    Copy to the GPU, network and copy back are one CUDA graph; where they cannot be captured, as ``metadata`` then
    says, they are enqueued one by one. Threads may share it: one frame is worked on at a time.

    Args:
        trt: TensorRT's module, see :func:`dense_face_ros.backends.engine_build.tensorrt_module`.
        cuda: the GPU; closed with the network, and also when loading fails.
        engine: what :func:`dense_face_ros.backends.engine_build.build` returned on this machine.
        metadata: of the network file.
        graph: False enqueues one by one.
    Raises:
        UnusableEngine: another build may help.
        NetworkGivenUp: it runs, but what it says is not finite; or the driver is too old for this TensorRT.
        NetworkUnavailable: the GPU or TensorRT fails.
    """

    def __init__(self, trt: Any, cuda: Cuda, engine: bytes, metadata: dict[str, str], graph: bool = True) -> None:
        self._cuda, self._lock, self._closed = cuda, threading.Lock(), False
        self._log = LogTail(trt)
        self._runtime: Any = None
        self._engine: Any = None
        self._context: Any = None
        self._stream: Stream | None = None
        self._graph: Graph | None = None
        self._tensors: dict[str, SharedTensor] = {}
        self.name = f"{full_version(trt)} on {cuda.gpu.name}"
        self.metadata = dict(metadata)
        try:
            with cuda.current():
                self._load(trt, engine)
                self._run_once()
                self.metadata["cuda_graph"] = self._capture() if graph else "no: not asked for"
                self._run_once()
                self._check_answer()
        except BaseException:
            self.close()
            raise

    def run(self, crop: npt.NDArray[np.uint8]) -> NetworkOutput:
        """crop: (128, 128, 3) RGB uint8. The result is the caller's own.

        Raises:
            ValueError: the crop has another shape or type.
            NetworkUnavailable: the GPU failed; load the network anew.
            RuntimeError: the network has been closed.
        """
        if crop.shape != (CROP_SIZE, CROP_SIZE, 3) or crop.dtype != np.uint8:
            raise ValueError(f"crop is {crop.dtype} {crop.shape}; the network takes uint8 {(CROP_SIZE, CROP_SIZE, 3)}")
        with self._lock:
            if self._closed:
                raise RuntimeError(f"network '{self.name}' has been closed; load it again")
            with self._cuda.current():
                self._tensors[INPUT_NAME].host[0] = crop
                self._run_once()
                return NetworkOutput(**{name: self._tensors[name].host[0].copy() for name in OUTPUT_NAMES})

    def close(self) -> None:
        """Free everything on the GPU; further runs are an error."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                with self._cuda.current():
                    self._free()
            except NetworkUnavailable:  # the GPU is lost, and all on it with it
                self._context = self._engine = self._runtime = None
            self._cuda.close()

    def _load(self, trt: Any, engine: bytes) -> None:
        try:
            self._runtime = trt.Runtime(self._log.logger)
        except TypeError as error:  # how the bindings say that TensorRT returned nothing
            failure = with_cure(self._log.error("TensorRT cannot start; check the GPU with nvidia-smi"))
            raise (NetworkGivenUp(str(failure)) if isinstance(failure, CannotBuild) else failure) from error
        self._engine = self._runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise self._unusable("the engine cannot be loaded")
        shapes = self._shapes(trt)
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise self._log.error("TensorRT cannot prepare the engine")
        self._stream = Stream(self._cuda)
        for name, shape in shapes.items():
            self._tensors[name] = SharedTensor(self._cuda, shape, np.uint8 if name == INPUT_NAME else np.float32)
            if not self._context.set_tensor_address(name, self._tensors[name].address):
                raise self._log.error(f"TensorRT does not take the memory of '{name}'")

    def _shapes(self, trt: Any) -> dict[str, tuple[int, ...]]:
        """Name -> shape of the engine's tensors, checked."""
        # No local names for what TensorRT made: an error's traceback would keep it beyond the context it lives in.
        found = {}
        for i in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(i)
            found[name] = (tuple(self._engine.get_tensor_shape(name)), self._engine.get_tensor_dtype(name))
        *_, cells = 0, *found.get("flow", ((), None))[0]
        expected = {
            INPUT_NAME: ((1, CROP_SIZE, CROP_SIZE, 3), trt.DataType.UINT8),
            "flow": ((1, 2, cells, cells), trt.DataType.FLOAT),
            "matchability": ((1, cells, cells), trt.DataType.FLOAT),
            "log_sigma": ((1, cells, cells), trt.DataType.FLOAT),
        }
        if found != expected:
            raise self._unusable(f"the engine's tensors are {found}, not {expected}")
        return {name: shape for name, (shape, _) in expected.items()}

    def _unusable(self, what: str) -> UnusableEngine:
        return UnusableEngine(str(self._log.error(what)))

    def _capture(self) -> str:
        """Make the graph; what ``metadata`` says of it."""
        assert self._stream is not None
        try:
            self._graph = self._stream.capture(self._enqueue)
        except NetworkUnavailable as error:
            return f"no: {error}"
        return "yes"

    def _enqueue(self) -> None:
        assert self._stream is not None
        self._tensors[INPUT_NAME].upload(self._stream)
        if not self._context.execute_async_v3(int(self._stream.handle)):
            raise self._log.error("TensorRT cannot enqueue the network")
        for name in OUTPUT_NAMES:
            self._tensors[name].download(self._stream)

    def _run_once(self) -> None:
        assert self._stream is not None
        if self._graph is not None:
            self._graph.launch(self._stream)
        else:
            self._enqueue()
        self._stream.synchronize()

    def _check_answer(self) -> None:
        try:
            check_answer(
                {name: self._tensors[name].host for name in OUTPUT_NAMES}, self.metadata.get("network_file", self.name)
            )
        except ValueError as error:
            raise NetworkGivenUp(str(error)) from error

    def _free(self) -> None:
        if self._graph is not None:
            self._graph.close()
        # TensorRT frees as Python forgets, so what is made from another goes first.
        self._context = None
        self._engine = None
        self._runtime = None
        for tensor in self._tensors.values():
            tensor.close()
        if self._stream is not None:
            self._stream.close()
