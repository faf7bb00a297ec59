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
    report(FindsNothing(), tmp_path, 1, "free")
    told = capsys.readouterr().err
    assert "no folder with images/ and landmarks.npz; --sources is best" in told
    assert "no london_portraits/; --sources is free" in told
    assert [line.partition(":")[0] for line in told.splitlines()[:4]] == [
        "made",
        "aflw2000_sample",
        "afw_sample",
        "videos",
    ]
