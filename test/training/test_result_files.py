"""What a command line that measures leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from training.result_files import Result, answer, make_destination, read_result


def test_the_result_is_written_whole_and_printed_in_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "result.json"
    assert answer(lambda: {"n": 2, "rows": [1, 2]}, file, None, file_only="rows") == 0
    assert json.loads(capsys.readouterr().out) == {"n": 2}
    written = read_result(file)
    assert written.pop("provenance") and written == {"n": 2, "rows": [1, 2]}
    assert answer(lambda: {"n": 2, "rows": [1, 2]}, None, None) == 0
    assert json.loads(capsys.readouterr().out) == {"n": 2, "rows": [1, 2]}


def test_bad_input_is_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> Result:
        raise ValueError("--people is 0")

    assert answer(refuse, tmp_path / "result.json", None) == 2
    assert capsys.readouterr().err == "error: --people is 0\n"
    assert not list(tmp_path.iterdir())


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(lambda: {"n": float("nan")}, tmp_path / "result.json", None) == 2
    assert capsys.readouterr().err.startswith("error: ") and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("text", "message"), [("[1]", "holds no JSON object"), ("{", "is no JSON file")])
def test_a_file_that_is_no_result_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ValueError, match=rf"result\.json' .*{message}"):
        read_result(tmp_path / "result.json")


def test_where_nothing_can_be_written_nothing_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measured: list[None] = []

    def measure() -> Result:
        measured.append(None)
        return {}

    assert answer(measure, tmp_path / "none" / "result.json", None) == 2
    assert "does not exist; make it first" in capsys.readouterr().err and not measured
    assert answer(measure, tmp_path, None) == 2
    assert capsys.readouterr().err == f"error: --json: '{tmp_path}' is a folder; give a file\n" and not measured


def test_the_folder_of_a_file_is_made_but_not_the_file(tmp_path: Path) -> None:
    make_destination(tmp_path / "runs" / "fits.npz")
    assert list(tmp_path.rglob("*")) == [tmp_path / "runs"]
    with pytest.raises(IsADirectoryError, match=r"--out: '.*runs' is a folder; give a file"):
        make_destination(tmp_path / "runs")
