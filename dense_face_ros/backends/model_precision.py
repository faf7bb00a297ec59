"""Which file of a network runs: GPUs take the half-precision one beside it, CPUs that in bytes, where there is one."""

from __future__ import annotations

from pathlib import Path

from dense_face_ros.backends.model_file import BYTES, HALF, network_path


def gpu_network_path(path: Path | None) -> Path:
    """``net_fp16.onnx`` beside ``net.onnx`` if it exists, else the file itself, at its own precision.

    Args:
        path: the network as a user names it, see :func:`dense_face_ros.backends.model_file.network_path`.
    Raises:
        FileNotFoundError, ValueError: as there.
    """
    return _beside(network_path(path), HALF)


def cpu_network_path(path: Path | None) -> Path:
    """``net_int8.onnx`` beside ``net.onnx`` if it exists; else as :func:`gpu_network_path`."""
    return _beside(network_path(path), BYTES)


def _beside(path: Path, suffix: str) -> Path:
    other = path.with_name(f"{path.stem}{suffix}{path.suffix}")
    return other if other.is_file() else path
