import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from dense_face_ros.evaluation.charts import Band, Series, chart, ticks


def paths(svg: str) -> list[str]:
    return re.findall(r'<path d="([^"]*)" fill="none"', svg)


def test_a_chart_is_well_formed_and_escapes_text() -> None:
    x = np.arange(5.0)
    svg = chart("a < b", [Series("one & two", x, x)], "s", "deg", [Band(1.0, 2.0, "#eee")])
    texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert "a < b" in texts and "one & two" in texts


def test_a_line_breaks_where_nothing_is_known() -> None:
    y = np.array([0.0, 1.0, np.nan, 1.0, 0.0])
    (path,) = paths(chart("t", [Series("", np.arange(5.0), y)], "s", "m"))
    assert path.count("M") == 2 and path.count("L") == 2


def test_a_long_line_keeps_its_spike() -> None:
    y = np.zeros(100_000)
    y[61_803] = 1.0
    (path,) = paths(chart("t", [Series("", np.arange(100_000.0), y)], "s", "m", y_range=(0.0, 1.0), size=(960, 210)))
    assert path.count("L") < 2000 and " 30.0" in path


def test_dots_and_nothing_to_draw() -> None:
    assert chart("t", [Series("", np.arange(3.0), np.arange(3.0), dots=True)], "x", "y").count("<circle") == 3
    ElementTree.fromstring(chart("t", [Series("", np.arange(3.0), np.full(3, np.nan))], "x", "y"))


@pytest.mark.parametrize(
    ("low", "high", "most", "wanted"),
    [(0.0, 10.0, 5, [0, 2, 4, 6, 8, 10]), (-0.3, 0.35, 4, [-0.2, 0.0, 0.2]), (97.0, 103.0, 3, [98, 100, 102])],
)
def test_ticks_are_round(low: float, high: float, most: int, wanted: list[float]) -> None:
    assert ticks(low, high, most) == pytest.approx(wanted)
