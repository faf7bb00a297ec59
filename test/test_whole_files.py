"""Files are the old one or the new one, whole."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from dense_face_ros.whole_files import whole_file, write_json, write_text


def test_until_all_is_written_there_is_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "fits"
    path.write_bytes(b"old")
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old" and (tmp_path / "fits.unfinished").exists()
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_interrupted_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "skins.npz"
    path.write_bytes(b"old")

    def interrupted() -> None:
        with whole_file(path) as file:
            file.write(b"half of the new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="nowhere"), whole_file(tmp_path / "nowhere" / "skins.npz"):
        pass


def test_a_full_disk_is_told_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.bin'"), whole_file(tmp_path / "a.bin"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_arrays_get_the_name_that_was_given(tmp_path: Path) -> None:
    with whole_file(tmp_path / "fits") as file:
        np.savez(file, pose=np.eye(4))
    assert [path.name for path in tmp_path.iterdir()] == ["fits"]
    with np.load(tmp_path / "fits") as found:
        np.testing.assert_array_equal(found["pose"], np.eye(4))


def test_text_is_unicode(tmp_path: Path) -> None:
    write_text(tmp_path / "report.html", "5\u00a0°\n")
    assert (tmp_path / "report.html").read_bytes() == b"5\xc2\xa0\xc2\xb0\n"


def test_json_of_finite_figures_only(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(path, {"failed": 1})
    assert path.read_text() == '{\n "failed": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"failed": float("nan")})
    assert path.read_text() == '{\n "failed": 1\n}\n' and list(tmp_path.iterdir()) == [path]
