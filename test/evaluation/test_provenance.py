from __future__ import annotations

from typing import Any

import pytest

from dense_face_ros.evaluation.provenance import commit_of, origin


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
