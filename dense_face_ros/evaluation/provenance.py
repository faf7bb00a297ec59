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

from dense_face_ros.backends.model_file import companion, network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path

_LIBRARIES = ("numpy", "scipy", "opencv-python-headless", "opencv-python", "onnxruntime", "onnxruntime-gpu",
              "tensorrt", "tensorrt-rtx")  # fmt: skip


def provenance(network: Path | None = None, *, model: Path | None = None, finder: Path | None = None) -> dict[str, Any]:
    """Commit (with ``-dirty`` for uncommitted changes), sha256 of the models, processor and libraries.

    Args:
        network, model, finder: what was used instead of the shipped files, as :func:`model_hashes` takes them.

    Raises:
        FileNotFoundError, ValueError: as there.
    """
    return {
        "version": _library_versions(("dense_face_ros",)).get("dense_face_ros"),
        "commit": _commit(),
        "models": model_hashes(network, model=model, finder=finder),
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


def model_hashes(
    network: Path | None = None, *, model: Path | None = None, finder: Path | None = None
) -> dict[str, str]:
    """SHA-256 of the shipped model files by their names; what runs instead of one stands under that one's name.

    So ``correspondence.onnx``, ``face_finder.onnx``, ``eyelids.onnx`` and ``face_model.npz`` are always what ran, and
    ``correspondence_fp16.onnx`` and ``correspondence_int8.onnx`` what GPUs and CPUs run of the network; these two are
    left out where it has no such file.

    Args:
        network: correspondence network, as :class:`dense_face_ros.FaceTracker` takes it; None: the shipped one.
        model, finder: face model and face finder; None: the shipped model, and the finder that belongs to the network.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or of the network one of less precision only.
    """
    folder = Path(str(resources.files("dense_face_ros") / "models"))
    shipped = {path.name: path for path in sorted(folder.glob("*")) if path.suffix in {".npz", ".onnx"}}
    network = network_path(network)
    half, in_bytes = gpu_network_path(network), cpu_network_path(network)
    files = shipped | {
        "correspondence.onnx": network,
        "correspondence_fp16.onnx": None if half == network else half,
        "correspondence_int8.onnx": None if in_bytes == network else in_bytes,
        "face_finder.onnx": finder or companion(network, "face_finder") or shipped["face_finder.onnx"],
        "eyelids.onnx": companion(network, "eyelids") or shipped["eyelids.onnx"],
        "face_model.npz": model or shipped["face_model.npz"],
    }
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items() if path is not None}


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
