from __future__ import annotations

import pytest

from dense_face_ros.evaluation.page import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123456, "0.1235"), (999.94, "999.9"), (12345.67, "12345.7"), (-4321.0, "-4321.0"), (7200, "7200"), ("a", "a")],
)
def test_figures_are_short_and_the_times_of_long_drives_have_no_exponent(value: object, text: str) -> None:
    assert shown(value) == text


def test_unknown_is_a_dash() -> None:
    assert shown(None) == shown(float("nan")) == "\N{EN DASH}"
