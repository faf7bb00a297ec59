"""Reading .npz files of any origin."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from training.npz_files import read_npz


def test_what_is_needed_and_what_is_there_comes_back(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=np.arange(3), two=np.ones(2), other=np.array([None], object))
    found = read_npz(tmp_path / "a.npz", ("one",), "make it", ("two", "three"))
    assert set(found) == {"one", "two"} and found["one"].tolist() == [0, 1, 2]


def test_errors_name_the_file_and_the_cure(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"

    def told(error: type[Exception], said: str) -> None:
        with pytest.raises(error, match=rf"a\.npz'.*{said}.*; make it again$") as raised:
            read_npz(path, ("one",), "make it again")
        assert "pickle" not in str(raised.value)

    told(FileNotFoundError, "does not exist")
    path.write_text("text")
    told(ValueError, "no .npz file, or was cut short")
    np.savez(path, two=np.zeros(2))
    told(ValueError, "lacks one, it has two")
    np.savez(path, one=np.array([{}], object))
    told(ValueError, "one is damaged, or of Python objects")
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("one", b"text")
    told(ValueError, "one is no array")
    np.savez(path, one=np.arange(1000))
    content = bytearray(path.read_bytes())
    content[2000] ^= 255
    path.write_bytes(content)
    told(ValueError, "one is damaged")
