from __future__ import annotations

import numpy as np
import pytest

from dense_face_ros.bad_input import tells_bad_input


@tells_bad_input(ImportError)
def command(error: BaseException | None, code: int = 0) -> int:
    """It does."""
    if error is not None:
        raise error
    return code


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (FileNotFoundError("'a.json' does not exist"), "error: 'a.json' does not exist\n"),
        (ValueError("--count is 0"), "error: --count is 0\n"),
        (ModuleNotFoundError("No module named 'cv2'"), "error: No module named 'cv2'\n"),
        (ValueError("\none\ntwo\n"), "error: one two\n"),
        (OSError(), "error: OSError\n"),
    ],
)
def test_an_error_about_input_is_one_line(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(error) == 2
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    "error", [KeyError("yaw"), RuntimeError("a fault of ours"), np.linalg.LinAlgError("singular"), KeyboardInterrupt()]
)
def test_all_others_pass(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(type(error)):
        command(error)
    assert capsys.readouterr() == ("", "")


def test_a_command_that_tells_of_nothing_is_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert (command(None), command(None, code=1)) == (0, 1)
    assert capsys.readouterr() == ("", "")
    assert (command.__name__, command.__doc__) == ("command", "It does.")
