"""Where a number comes from: version, commit, models, machine and libraries, for the head of every JSON result."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata, resources
from pathlib import Path
from typing import Any

from dense_face_ros.backends.model_file import network_path
from dense_face_ros.backends.model_precision import cpu_network_path

_LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "opencv-python", "onnxruntime", "onnxruntime-gpu",
              "tensorrt", "tensorrt-rtx")  # fmt: skip


def provenance(network: Path | None = None) -> dict[str, Any]:
    """Commit (with ``-dirty`` for uncommitted changes), sha256 of the models, processor and libraries.

    Args:
        network: file, or name of a shipped one, that was used instead of the shipped correspondence network.
    """
    return {
        "version": _library_versions(("dense_face_ros",)).get("dense_face_ros"),
        "commit": _commit(),
        "models": model_hashes(network),
        "hardware": {
            "processor": _processor(),
            "cpus": os.cpu_count(),
            "threads": {k: os.environ[k] for k in ("OMP_NUM_THREADS",) if k in os.environ},
            "system": platform.platform(terse=True),
        },
        "python": platform.python_version(),
        "libraries": _library_versions(_LIBRARIES),
    }


def origin(source: Mapping[str, Any]) -> str:
    """What :func:`provenance` says, in a line."""
    made = f"commit {commit_of(source)}" if source["commit"] else f"version {source['version']}"
    return f"{made}, network {source['models']['correspondence.onnx'][:12]}, {source['hardware']['processor']}"


def commit_of(source: Mapping[str, Any]) -> str:
    """The commit in short."""
    commit = source["commit"] or "unknown"
    return f"{commit[:12]}{'-dirty' if 'dirty' in commit else ''}"


def _commit() -> str | None:
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():  # installed, perhaps within somebody else's repository
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def model_hashes(network: Path | None = None) -> dict[str, str]:
    """SHA-256 of the shipped model files by their names; a ``network`` stands in the place of the shipped one."""
    folder = Path(str(resources.files("dense_face_ros") / "models"))
    files = {path.name: path for path in sorted(folder.glob("*")) if path.suffix in {".npz", ".onnx"}}
    if network is not None:
        network = network_path(network)
        files |= {"correspondence.onnx": network, "correspondence_int8.onnx": cpu_network_path(network)}
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _library_versions(names: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
