"""The correspondence network by ONNX Runtime: on the CPU, or on the GPU by one of its execution providers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from dense_face_ros.backends import CROP_SIZE, NetworkOutput, NetworkUnavailable
from dense_face_ros.backends.cpu_session import session_options
from dense_face_ros.backends.model_file import INPUT_NAME, OUTPUT_NAMES, check_answer, check_metadata, existing_file
from dense_face_ros.error_text import first_line

CPU = "CPUExecutionProvider"
_CURE = "give the .onnx that training.export wrote"
#: An execution provider by name, with its options where it needs any.
Provider = str | tuple[str, dict[str, str]]


class OnnxRuntimeNetwork:
    """A network file loaded and warmed up; see :class:`dense_face_ros.backends.CorrespondenceNetwork`.

    Threads may share it: one crop is worked on at a time.

    Args:
        path: ``.onnx`` file, run as it is, whatever lies beside it; None takes the shipped one.
        threads: CPU threads per run. One is often best: the network is small, and more compete with the node.
        providers: of ONNX Runtime, the preferred one first. What they cannot do is left to the CPU.
    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no network of this package, the CPU cannot run it, or it answers what is not finite.
        NetworkUnavailable: not one of the providers could be set up.
    """

    def __init__(
        self,
        path: Path | None = None,
        threads: int = 1,
        providers: Sequence[Provider] = (CPU,),
    ) -> None:
        if threads < 1:
            raise ValueError(f"threads is {threads}; the network needs at least 1")
        self._path = existing_file(path)
        session = _open(self._path, threads, providers)
        self.metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        shapes = _shapes(session)
        _check_shapes(shapes, self._path)
        check_metadata(self.metadata, self._path)
        #: The execution provider that was set up.
        self.provider: str = session.get_providers()[0]
        if self.provider not in (provider if isinstance(provider, str) else provider[0] for provider in providers):
            raise NetworkUnavailable(
                "ONNX Runtime could not set up its GPU providers, and has printed why; often the libraries of CUDA or "
                "cuDNN are missing or of another version"
            )
        place = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
        if self.provider != CPU:
            place = self.provider.removesuffix("ExecutionProvider")
        self.name = f"ONNX Runtime {onnxruntime.__version__}, {place}"
        self._lock = threading.Lock()
        self._input = np.zeros(shapes[INPUT_NAME], dtype=np.uint8)
        self._outputs = {name: np.zeros(shapes[name], dtype=np.float32) for name in OUTPUT_NAMES}
        self._binding: Any = session.io_binding()
        self._binding.bind_input(INPUT_NAME, "cpu", 0, np.uint8, self._input.shape, self._input.ctypes.data)
        for name, array in self._outputs.items():
            self._binding.bind_output(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        self._session: Any = session
        try:
            self._run_once()
        except NetworkUnavailable as error:
            if self.provider != CPU:
                raise
            raise ValueError(f"network '{self._path}' cannot be run ({error}); {_CURE}") from error
        check_answer(self._outputs, self._path)

    def run(self, crop: npt.NDArray[np.uint8]) -> NetworkOutput:
        """crop: (128, 128, 3) RGB uint8. The result is the caller's own.

        Raises:
            ValueError: the crop has another shape or type.
            NetworkUnavailable: ONNX Runtime failed; load the network anew.
            RuntimeError: the network has been closed.
        """
        if crop.shape != self._input.shape[1:] or crop.dtype != np.uint8:
            raise ValueError(f"crop is {crop.dtype} {crop.shape}; the network takes uint8 {self._input.shape[1:]}")
        with self._lock:
            if self._session is None:
                raise RuntimeError(f"network '{self._path}' has been closed; load it again")
            self._input[0] = crop
            self._run_once()
            return NetworkOutput(**{name: array[0].copy() for name, array in self._outputs.items()})

    def close(self) -> None:
        """Free the session; further runs are an error."""
        with self._lock:
            self._binding = self._session = None

    def _run_once(self) -> None:
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:  # ONNX Runtime's own kinds derive from Exception only
            raise NetworkUnavailable(f"{self.name} failed: {first_line(error)}") from error


def _open(path: Path, threads: int, providers: Sequence[Provider]) -> onnxruntime.InferenceSession:
    try:
        # From 1.23 on it can be kept from falling back on what it likes, without our options.
        return onnxruntime.InferenceSession(
            str(path), session_options(threads), providers=list(providers), enable_fallback=0
        )
    except Exception as error:  # as above
        if CPU not in providers:
            raise NetworkUnavailable(f"ONNX Runtime cannot load '{path}' onto the GPU: {first_line(error)}") from error
        raise ValueError(f"network '{path}' cannot be read ({first_line(error)}); {_CURE}") from error


def _shapes(session: onnxruntime.InferenceSession) -> dict[str, tuple[int, ...]]:
    """Shape of each input and output, with its type checked."""
    wanted = {INPUT_NAME: "tensor(uint8)", **{name: "tensor(float)" for name in OUTPUT_NAMES}}
    ends = [*session.get_inputs(), *session.get_outputs()]
    return {end.name: tuple(end.shape) for end in ends if wanted.get(end.name) == end.type}


def _check_shapes(shapes: dict[str, tuple[int, ...]], path: Path) -> None:
    *_, cells = "h", *shapes.get("flow", ())  # a flow without sides, or none, is told of in the terms of the contract
    expected = {
        "flow": (1, 2, cells, cells),
        "matchability": (1, cells, cells),
        "log_sigma": (1, cells, cells),
        INPUT_NAME: (1, CROP_SIZE, CROP_SIZE, 3),
    }
    for name, shape in expected.items():
        if shapes.get(name) != shape or not all(isinstance(side, int) for side in shape):
            kind = "uint8" if name == INPUT_NAME else "float32"
            found = shapes.get(name, f"no such {kind} tensor")
            raise ValueError(
                f"network '{path}': '{name}' should be {kind} {shape}, found {found}; is it another network?"
            )
