"""From the name of an inference engine to a loaded network."""

from __future__ import annotations

from pathlib import Path

from dense_face_ros.backends import CorrespondenceNetwork

BACKENDS = ("auto", "onnxruntime", "tensorrt")


def load_network(
    backend: str = "auto", path: Path | None = None, threads: int = 1, template_hash: str | None = None
) -> CorrespondenceNetwork:
    """Load the correspondence network.

    Args:
        backend: ``onnxruntime``, or ``auto``, which takes it too: it is the one engine of this version.
        path, threads, template_hash: see :class:`dense_face_ros.backends.onnx_runtime.OnnxRuntimeNetwork`.
    Raises:
        FileNotFoundError, ValueError: as there; ValueError also for a backend this version does not have.
        ImportError: the engine is not installed.
    """
    if backend == "tensorrt":
        raise ValueError("backend is 'tensorrt', which is not part of this version yet; use 'auto' or 'onnxruntime'")
    if backend not in BACKENDS:
        raise ValueError(f"backend is '{backend}'; known are {', '.join(BACKENDS)}")
    try:
        from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
    except ImportError as error:
        raise ImportError(
            f"ONNX Runtime cannot be imported ({error}); install it with: pip install onnxruntime"
        ) from error
    return OnnxRuntimeNetwork(path, threads, template_hash)
