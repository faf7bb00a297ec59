import pytest

from dense_face_ros.error_text import first_line


@pytest.mark.parametrize(
    ("error", "line"), [(ValueError("one\ntwo"), "one"), (AssertionError(), "AssertionError"), (ValueError("\n"), "")]
)
def test_the_first_line_of_what_an_error_says_or_its_kind(error: Exception, line: str) -> None:
    assert first_line(error) == line
