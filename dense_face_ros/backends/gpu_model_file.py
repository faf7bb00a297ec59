"""Which file of a network the GPU runs: the half-precision one beside it, where there is one."""

from __future__ import annotations

from pathlib import Path

from dense_face_ros.backends.model_file import network_path

HALF_SUFFIX = "_fp16"


def gpu_network_path(path: Path | None) -> Path:
    """``net_fp16.onnx`` beside ``net.onnx`` if it exists, else the file itself, at its own precision.

    Args:
        path: the network file as a user names it; None stands for the shipped one.
    Raises:
        FileNotFoundError: there is no such file.
    """
    path = network_path(path)
    half = path.with_name(f"{path.stem}{HALF_SUFFIX}{path.suffix}")
    return half if half.is_file() else path
