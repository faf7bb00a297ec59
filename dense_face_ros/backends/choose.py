"""From the name of an inference engine to a loaded network, and why it is that one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dense_face_ros.backends import CorrespondenceNetwork, NetworkUnavailable
from dense_face_ros.backends.cuda_driver import check_gpu
from dense_face_ros.backends.engine_build import tensorrt_module
from dense_face_ros.backends.engine_cache import EngineCache
from dense_face_ros.backends.engine_loading import EngineLoader
from dense_face_ros.backends.gpu_model_file import gpu_network_path
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.backends.recovering_network import RecoveringNetwork

if TYPE_CHECKING:
    from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork

BACKENDS = ("auto", "onnxruntime", "tensorrt")

_REASON = "backend_reason"


def load_network(
    backend: str = "auto", path: Path | None = None, threads: int = 1, template_hash: str | None = None
) -> CorrespondenceNetwork:
    """Load the correspondence network. Its ``metadata["backend_reason"]`` says why it runs on what it runs on.

    Args:
        backend: ``onnxruntime``: the CPU. ``tensorrt``: the GPU only; while it is missing, runs raise
            NetworkUnavailable. ``auto``: the GPU where there is one, and the CPU otherwise, while the engine is being
            built, and while a GPU that failed is coming back.
        path, threads, template_hash: see :class:`dense_face_ros.backends.onnx_runtime.OnnxRuntimeNetwork`. TensorRT
            takes the half-precision file beside ``path``, where there is one.
    Raises:
        FileNotFoundError, ValueError: as there; ValueError also for an unknown backend, or where the two files are
            not the same network.
        ImportError: the engine is not installed.
        NetworkUnavailable: ``tensorrt`` was asked for and there is no GPU, or none that works.
    """
    if backend not in BACKENDS:
        raise ValueError(f"backend is '{backend}'; known are {', '.join(BACKENDS)}")
    if backend == "tensorrt":
        return _tensorrt(path, template_hash, stand_in=None)
    network = _onnx_runtime(path, threads, template_hash)
    if backend == "onnxruntime":
        network.metadata[_REASON] = "backend is 'onnxruntime'"
        return network
    try:
        return _tensorrt(path, template_hash, stand_in=network)
    except (ImportError, NetworkUnavailable) as why:
        network.metadata[_REASON] = f"backend is 'auto', and TensorRT cannot run: {why}"
        return network


def _onnx_runtime(path: Path | None, threads: int, template_hash: str | None) -> OnnxRuntimeNetwork:
    try:
        from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
    except ImportError as error:
        raise ImportError(
            f"ONNX Runtime cannot be imported ({error}); install it with: pip install onnxruntime"
        ) from error
    return OnnxRuntimeNetwork(path, threads, template_hash)


def _tensorrt(
    path: Path | None, template_hash: str | None, stand_in: CorrespondenceNetwork | None
) -> CorrespondenceNetwork:
    check_gpu()
    tensorrt_module()
    gpu_path = gpu_network_path(path)
    # Loading it once on the CPU checks the file as every other one is checked.
    description = _onnx_runtime(gpu_path, threads=1, template_hash=template_hash)
    description.close()
    if stand_in is not None and description.metadata != stand_in.metadata:
        different = [key for key, value in stand_in.metadata.items() if description.metadata.get(key) != value]
        raise ValueError(
            f"'{gpu_path}' is not the half-precision file of '{network_path(path)}': {', '.join(different)} differ; "
            "export both from one checkpoint, or remove it"
        )
    reason = "backend is 'tensorrt'" if stand_in is None else "backend is 'auto', and there is a GPU with TensorRT"
    metadata = {**description.metadata, _REASON: reason, "network_file": gpu_path.name}
    return RecoveringNetwork(EngineLoader(gpu_path, metadata, EngineCache()), "TensorRT", metadata, stand_in)
