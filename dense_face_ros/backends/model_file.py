"""The network's ONNX file: where the shipped one is, and what its metadata must say, whichever engine runs it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt

FORMAT_VERSION = "1"
DEFAULT_NETWORK = "correspondence.onnx"

#: Metadata every network file carries; ``training.export`` writes them.
METADATA_KEYS = (
    "format_version",
    "architecture",
    "stride",
    "template_kind",
    "template_hash",
    "recipe",
    "training_data",
    "licence",
    "images_seen",
)

#: Ends of the names of a network's files for GPUs and for CPUs, which lie beside its own.
HALF, BYTES = "_fp16", "_int8"

INPUT_NAME = "image"
OUTPUT_NAMES = ("flow", "matchability", "log_sigma")


def network_path(path: Path | None) -> Path:
    """The full-precision file of the network that is named by any of its files; None stands for the shipped one.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: there is one of less precision only.
    """
    path = existing_file(path)
    own = path.with_name(path.stem.removesuffix(HALF).removesuffix(BYTES) + path.suffix)
    if not own.is_file():
        raise ValueError(
            f"'{path}' is one of the files of network '{own}', which does not exist; put it there, or rename the other"
        )
    return own


def existing_file(path: Path | None) -> Path:
    """The given file, a shipped one by its bare name, or the default one; FileNotFoundError where there is none."""
    shipped = Path(str(resources.files("dense_face_ros") / "models"))
    if path is None:
        path = shipped / DEFAULT_NETWORK
    if not path.is_file() and path.name == str(path) and (shipped / path).is_file():
        path = shipped / path
    if not path.is_file():
        files = sorted(file for file in shipped.glob("correspondence*.onnx") if not file.stem.endswith((HALF, BYTES)))
        names = ", ".join(file.name for file in files)
        raise FileNotFoundError(
            f"network file '{path}' does not exist; give the .onnx that training.export wrote, or one of the shipped "
            f"files by its name: {names}"
        )
    return path


def companion(network: Path, kind: str) -> Path | None:
    """The small network (``face_finder``, ``eyelids``) of a correspondence network: beside it, with the same ending.

    ``face_finder_free.onnx`` belongs to ``correspondence_free.onnx``; None where there is no such file.
    """
    stem = Path(DEFAULT_NETWORK).stem
    if not network.stem.startswith(stem):
        return None
    path = network.with_name(f"{kind}{network.stem[len(stem) :]}.onnx")
    return path if path.is_file() else None


def check_metadata(metadata: dict[str, str], path: Path) -> None:
    """Raises ValueError where the file at ``path`` is no network of ours, or of another format."""
    missing = [key for key in METADATA_KEYS if key not in metadata]
    if missing:
        raise ValueError(
            f"network '{path}' lacks the metadata {', '.join(missing)}; give a file that training.export wrote"
        )
    version = metadata["format_version"]
    if version != FORMAT_VERSION:
        raise ValueError(
            f"network '{path}' has format version {version}; this package reads {FORMAT_VERSION}: export it again"
        )


def differing(a: Mapping[str, str], b: Mapping[str, str]) -> list[str]:
    """Names of the entries in which the metadata of two files differ."""
    return sorted(name for name in a.keys() | b.keys() if a.get(name) != b.get(name))


def check_template(metadata: Mapping[str, str], path: Path, template_hash: str) -> None:
    """Raises ValueError where the network at ``path`` was trained for another template than the one in use."""
    found = metadata["template_hash"]
    if found != template_hash:
        raise ValueError(
            f"network '{path}' was trained for the {metadata['template_kind']} template {found[:12]}, but the face "
            f"model in use has template {template_hash[:12]}; use the face model file the network was trained with, "
            "or train a network for this one"
        )


def check_answer(outputs: Mapping[str, npt.NDArray[np.float32]], file: Path | str) -> None:
    """Raises ValueError where what a network says is not finite, as with damaged weights."""
    wrong = [name for name, values in outputs.items() if not np.isfinite(values).all()]
    if wrong:
        raise ValueError(f"network '{file}' answers values that are not finite ({', '.join(wrong)}); export it again")
