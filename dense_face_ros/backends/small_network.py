"""Opening the small networks that always run on the CPU: the face finder and the eyelids."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import onnxruntime

from dense_face_ros.backends.cpu_session import session_options
from dense_face_ros.error_text import first_line


def open_small_network(path: Path | None, kind: str, format_version: str, threads: int) -> tuple[Any, dict[str, str]]:
    """ONNX Runtime's session and the file's metadata.

    Args:
        path: ``.onnx`` file; None takes the shipped one, ``models/<kind>.onnx``.
        kind, format_version: what the file's metadata must say.
        threads: CPU threads of a run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: naming the file, when it is no network of this kind and format, or ``threads`` is below 1.
    """
    name = kind.replace("_", " ")
    if threads < 1:
        raise ValueError(f"threads is {threads}; the {name} network needs at least 1")
    if path is None:
        path = Path(str(resources.files("dense_face_ros") / "models" / f"{kind}.onnx"))
    if not path.is_file():
        raise FileNotFoundError(f"{name} network '{path}' does not exist; give the path of a {kind}.onnx")
    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), session_options(threads), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's own kinds derive from Exception only
        reason = first_line(error)
        raise ValueError(f"{name} network '{path}' cannot be read ({reason}); give another {kind}.onnx") from error
    metadata: dict[str, str] = dict(session.get_modelmeta().custom_metadata_map)
    found = (metadata.get("kind"), metadata.get("format_version"))
    if found != (kind, format_version):
        wanted = f"needed are {kind}, {format_version}"
        raise ValueError(
            f"{name} network '{path}' has kind {found[0]}, format {found[1]}; {wanted}: give the one of this version"
        )
    return session, metadata
