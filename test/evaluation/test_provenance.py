from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from dense_face_ros.evaluation.provenance import commit_of, model_hashes, origin

SHIPPED = model_hashes()


def written(path: Path) -> Path:
    """A file that no other is like."""
    path.write_bytes(path.name.encode())
    return path


def changed(**used: Path) -> dict[str, str]:
    """Names under which other files than the shipped ones are told, and the names of those."""
    names = {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in used["network"].parent.iterdir()}
    return {name: names[found] for name, found in model_hashes(**used).items() if found != SHIPPED.get(name)}


@pytest.mark.parametrize(
    ("commit", "short"),
    [("a" * 40, "a" * 12), ("a" * 40 + "-dirty", "a" * 12 + "-dirty"), (None, "unknown")],
)
def test_a_commit_in_short_says_whether_there_were_changes(commit: str | None, short: str) -> None:
    assert commit_of({"commit": commit}) == short


def test_an_installed_package_tells_its_version() -> None:
    source: dict[str, Any] = {"commit": None, "version": "1.2", "models": {"correspondence.onnx": "0123456789abcdef"}}
    source["hardware"] = {"processor": "a fast one"}
    assert origin(source) == "version 1.2, network 0123456789ab, a fast one"
    assert origin({**source, "commit": "b" * 40}) == "commit bbbbbbbbbbbb, network 0123456789ab, a fast one"


def test_the_files_beside_a_network_are_told_that_would_run(tmp_path: Path) -> None:
    network = written(tmp_path / "correspondence_mine.onnx")
    for ending in ("_fp16", "_int8"):
        written(tmp_path / f"correspondence_mine{ending}.onnx")
    beside = {"correspondence.onnx": network.name, "correspondence_fp16.onnx": "correspondence_mine_fp16.onnx",
              "correspondence_int8.onnx": "correspondence_mine_int8.onnx"}  # fmt: skip
    assert changed(network=network) == changed(network=tmp_path / "correspondence_mine_int8.onnx") == beside
    for kind in ("face_finder", "eyelids"):
        beside[f"{kind}.onnx"] = written(tmp_path / f"{kind}_mine.onnx").name
    assert changed(network=network) == beside
    own = {"model": written(tmp_path / "mine.npz"), "finder": written(tmp_path / "finder.onnx")}
    assert changed(network=network, **own) == beside | {"face_finder.onnx": "finder.onnx", "face_model.npz": "mine.npz"}


def test_of_a_network_without_files_for_gpus_or_cpus_none_are_told(tmp_path: Path) -> None:
    """Those beside the shipped one are none of its, but the finder and the eyelids are what runs with it."""
    network = written(tmp_path / "correspondence_mine.onnx")
    assert changed(network=network) == {"correspondence.onnx": network.name}
    assert SHIPPED.keys() - model_hashes(network).keys() == {"correspondence_fp16.onnx", "correspondence_int8.onnx"}


def test_with_another_shipped_network_run_its_own(tmp_path: Path) -> None:
    found = model_hashes(Path("correspondence_free.onnx"))
    for name in ("correspondence", "face_finder", "eyelids"):
        assert found[f"{name}.onnx"] == SHIPPED[f"{name}_free.onnx"] != SHIPPED[f"{name}.onnx"]
    assert found["correspondence_int8.onnx"] == SHIPPED["correspondence_free_int8.onnx"]
    assert {name for name in SHIPPED if name.endswith("_free.onnx")} <= found.keys(), "by which it is known"
