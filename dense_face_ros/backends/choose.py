"""From the name of an inference engine to a loaded network, and why it is that one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dense_face_ros.backends import CorrespondenceNetwork, NetworkGivenUp, NetworkUnavailable
from dense_face_ros.backends.cuda_driver import CudaError, check_gpu
from dense_face_ros.backends.engine_build import EngineError, Report, tensorrt_module
from dense_face_ros.backends.engine_cache import EngineCache
from dense_face_ros.backends.engine_loading import EngineLoader
from dense_face_ros.backends.model_file import differing, network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path
from dense_face_ros.backends.recovering_network import Load, RecoveringNetwork

if TYPE_CHECKING:
    from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork

BACKENDS = ("auto", "tensorrt", "onnxruntime", "onnxruntime-cpu")
#: Those with which two runs agree: the others may change to the CPU and back on the way.
REPRODUCIBLE_BACKENDS = ("onnxruntime-cpu", "tensorrt")

_REASON = "backend_reason"
_ATTEMPTS = 8  # failures while somebody waits, after which nobody need wait any longer: a minute of pauses
#: Path, the reason so far and the stand-in -> a network on the GPU.
_Load = Callable[[Path | None, str, CorrespondenceNetwork | None], CorrespondenceNetwork]


def load_network(backend: str = "auto", path: Path | None = None, threads: int = 1) -> CorrespondenceNetwork:
    """Load the correspondence network. Its ``metadata["backend_reason"]`` says why it runs on what it runs on.

    Args:
        backend: ``tensorrt``: the GPU only; while it is missing, runs raise NetworkUnavailable. ``onnxruntime``: the
            GPU by ONNX Runtime where its installation can, else the CPU. ``onnxruntime-cpu``: the CPU, whatever there
            is. ``auto``: the first of these three that runs here. With ``auto`` and ``onnxruntime`` the CPU answers
            while an engine is being built and while a GPU that failed is coming back.
        path, threads: see :class:`dense_face_ros.backends.onnx_runtime.OnnxRuntimeNetwork`. GPUs take
            the half-precision file beside ``path``, and the CPU that in bytes, where there is one.
    Raises:
        FileNotFoundError, ValueError: as there; ValueError also for an unknown backend, or where the files are not
            the same network.
        ImportError: the engine is not installed.
        NetworkUnavailable: ``tensorrt`` was asked for and there is no GPU, or none that works.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend is '{backend}'; known are {', '.join(BACKENDS)}")
    reason = f"backend is '{backend}'"
    if backend == "tensorrt":
        return _tensorrt(path, reason, stand_in=None)
    cpu = _on_cpu(path, threads)
    on_gpu: dict[str, tuple[tuple[str, _Load], ...]] = {
        "auto": (("TensorRT", _tensorrt), ("ONNX Runtime on the GPU", _onnx_runtime_on_gpu)),
        "onnxruntime": (("ONNX Runtime on the GPU", _onnx_runtime_on_gpu),),
        "onnxruntime-cpu": (),
    }
    for name, load in on_gpu[backend]:
        try:
            return load(path, reason, cpu)
        except (ImportError, NetworkUnavailable) as why:
            reason += f"; {name} cannot run: {why}"
    cpu.metadata[_REASON] = reason
    return cpu


def wait_until_running(network: CorrespondenceNetwork) -> None:
    """Return when the network runs, at once where nothing has to be built.

    Raises:
        NetworkGivenUp: it never will; the message is the network's name, which says why.
        NetworkUnavailable: it has failed again and again.
    """
    before = _failures(network)
    while (state := network.metadata.get("backend_state", "running")) != "running":
        if state.startswith("given up"):
            raise NetworkGivenUp(network.name)
        if _failures(network) - before >= _ATTEMPTS:
            raise NetworkUnavailable(f"{network.name} has failed {_ATTEMPTS} times")
        time.sleep(0.01)


def _failures(network: CorrespondenceNetwork) -> int:
    return int(network.metadata.get("backend_failures", "0"))


def _onnx_runtime(path: Path | None, threads: int) -> OnnxRuntimeNetwork:
    try:
        from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
    except ImportError as error:
        raise ImportError(
            f"ONNX Runtime cannot be imported ({error}); install it with: pip install onnxruntime"
        ) from error
    return OnnxRuntimeNetwork(path, threads)


def _on_cpu(path: Path | None, threads: int) -> OnnxRuntimeNetwork:
    """The network as the CPU runs it; ValueError where that file is not the network that was named."""
    named, bytes_path = network_path(path), cpu_network_path(path)
    network = _onnx_runtime(bytes_path, threads)
    if bytes_path != named:
        description = _onnx_runtime(named, threads)
        description.close()
        try:
            _check_same(description.metadata, network.metadata, bytes_path, "the file in bytes", named)
        except ValueError:
            network.close()
            raise
    return network


def _tensorrt(path: Path | None, reason: str, stand_in: CorrespondenceNetwork | None) -> CorrespondenceNetwork:
    check_gpu()
    tensorrt_module()
    gpu_path, metadata = _gpu_file(path, stand_in)
    metadata[_REASON] = f"{reason}; there is a GPU, and TensorRT"
    load = _tried_again(EngineLoader(gpu_path, metadata, EngineCache()))
    return RecoveringNetwork(load, "TensorRT", metadata, stand_in)


def _onnx_runtime_on_gpu(
    path: Path | None, reason: str, stand_in: CorrespondenceNetwork | None
) -> CorrespondenceNetwork:
    from dense_face_ros.backends.execution_providers import ProviderLoader, gpu_providers

    providers = gpu_providers()
    if not providers:
        raise NetworkUnavailable("it is installed for the CPU only; with a GPU, install onnxruntime-gpu instead")
    check_gpu()
    gpu_path, metadata = _gpu_file(path, stand_in)
    metadata[_REASON] = f"{reason}; there is a GPU, and ONNX Runtime has {' and '.join(providers)}"
    load = _tried_again(ProviderLoader(gpu_path, metadata, providers))
    return RecoveringNetwork(load, "ONNX Runtime on GPU", metadata, stand_in)


def _tried_again(load: Load) -> Load:
    """A GPU that fails at first, for want of memory while everything starts, is tried again as at any later time."""

    def tried(report: Report, stop: threading.Event) -> CorrespondenceNetwork:
        try:
            return load(report, stop)
        except (CudaError, EngineError):  # whichever of the two asks for the memory that is not there
            report("the GPU does not answer")
            raise

    return tried


def _gpu_file(path: Path | None, on_cpu: CorrespondenceNetwork | None) -> tuple[Path, dict[str, str]]:
    """The file that the GPU runs, and its metadata; ValueError where it is not the network that the CPU runs."""
    gpu_path = gpu_network_path(path)
    # Loading it once on the CPU checks the file as every other one is checked.
    description = _onnx_runtime(gpu_path, threads=1)
    description.close()
    if on_cpu is not None:
        _check_same(on_cpu.metadata, description.metadata, gpu_path, "the half-precision file", network_path(path))
    return gpu_path, {**description.metadata, "network_file": gpu_path.name}


def _check_same(wanted: dict[str, str], found: dict[str, str], path: Path, kind: str, named: Path) -> None:
    """ValueError where the metadata of ``path`` says that it is another network than ``named``."""
    different = differing(wanted, found)
    if different:
        raise ValueError(
            f"'{path}' is not {kind} of '{named}': {', '.join(different)} differ; export both from one checkpoint and "
            "calibrate them together, or remove it"
        )
