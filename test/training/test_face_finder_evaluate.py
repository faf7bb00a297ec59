"""What the finder is measured by, where the data folder does not hold all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from training.face_finder.evaluate import report


class FindsNothing:
    """Stands in for the finder."""

    def find(self, image: np.ndarray) -> list[object]:
        return []


def test_what_the_folder_lacks_is_left_out_and_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.face_finder.evaluate.timing", lambda _: {})
    with pytest.raises(FileNotFoundError, match=r"backgrounds' holds no \.jpg"):
        report(FindsNothing(), tmp_path, 1)
    shutil.copytree(data / "backgrounds", tmp_path / "backgrounds")
    result = report(FindsNothing(), tmp_path, 1)
    assert list(result) == ["min_score", "backgrounds", "milliseconds_one_thread"]
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "made", "aflw2000_sample", "afw_sample", "videos",
    ]  # fmt: skip
