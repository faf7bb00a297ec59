import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from dense_face_ros.evaluation.charts import Band, Series, chart, lanes, stretches, ticks


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


def test_a_lone_point_is_painted() -> None:
    y = np.array([0.0, np.nan, 1.0, np.nan, 1.0, 0.0, np.nan, 1.0])
    (path,) = paths(chart("t", [Series("", np.arange(8.0), y)], "s", "m"))
    assert path.count("M") == 4 and path.count("h0") == 3 and path.count("L") == 1


def test_a_long_line_of_which_little_is_unknown_is_hardly_broken() -> None:
    y = np.sin(np.arange(100_000.0))
    y[::50] = np.nan
    y[40_000:50_000] = np.nan
    (path,) = paths(chart("t", [Series("", np.arange(100_000.0), y)], "s", "m"))
    assert path.count("M") == 2, "where a tenth of it is unknown"


def test_more_is_further_up_and_what_is_beyond_the_range_stays_at_its_edge() -> None:
    line = Series("", np.arange(4.0), np.array([0.0, 1.0, 2.0, -1.0]))
    (path,) = paths(chart("t", [line], "s", "m", y_range=(0.0, 1.0), size=(960, 210)))
    assert [point.split()[1] for point in re.split("[ML]", path)[1:]] == ["170.0", "30.0", "30.0", "170.0"]


def test_a_band_ends_where_the_plot_does() -> None:
    svg = chart("t", [Series("", np.array([10.0, 20.0]), np.zeros(2))], "s", "m", [Band(0.0, 90.0, "#eee")])
    assert 'x="62.0" y="30" width="884.0"' in svg


def test_nothing_is_known_of_a_pause() -> None:
    seconds, names = np.array([0.0, 0.1, 10.0, 10.1]), ["attentive", "asleep", "asleep", "attentive"]
    colours = {"asleep": "red", "unknown": "grey"}
    assert stretches(seconds, names, colours, {1: 0.5}, "grey") == [
        Band(0.1, 0.5, "red"), Band(0.5, 10.0, "grey"), Band(10.0, 10.1, "red"),
    ]  # fmt: skip
    assert stretches(seconds, names, colours, {1: 0.5}) == [Band(0.1, 0.5, "red"), Band(10.0, 10.1, "red")]
    assert stretches(seconds, names, colours) == [Band(0.1, 10.1, "red")]


def test_lanes_lie_below_each_other_and_over_the_axis_of_a_chart() -> None:
    rows = {"this": [Band(10.0, 15.0, "red")], "other": [Band(15.0, 20.0, "red")]}
    svg = lanes("t", rows, "s", (10.0, 20.0), {"asleep": "red"})
    drawn = re.findall(r'<rect x="([^"]*)" y="([^"]*)" width="([^"]*)" height="22" fill="red"', svg)
    assert [(x, width) for x, _, width in drawn] == [("62.0", "442.0"), ("504.0", "442.0")]
    assert int(drawn[1][1]) - int(drawn[0][1]) > 22
    texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert {"this", "other", "asleep", "10", "20"} <= set(texts)


@pytest.mark.parametrize(("usual", "spike", "height"), [(0.0, 1.0, " 30.0"), (1.0, 0.0, " 170.0")])
def test_a_long_line_keeps_its_spike(usual: float, spike: float, height: str) -> None:
    y = np.full(100_000, usual)
    y[61_803] = spike
    (path,) = paths(chart("t", [Series("", np.arange(100_000.0), y)], "s", "m", y_range=(0.0, 1.0), size=(960, 210)))
    assert path.count("L") < 2000 and height in path


def test_dots_and_nothing_to_draw() -> None:
    assert chart("t", [Series("", np.arange(3.0), np.arange(3.0), dots=True)], "x", "y").count("<circle") == 3
    ElementTree.fromstring(chart("t", [Series("", np.arange(3.0), np.full(3, np.nan))], "x", "y"))


@pytest.mark.parametrize(
    ("low", "high", "most", "wanted"),
    [(0.0, 10.0, 5, [0, 2, 4, 6, 8, 10]), (-0.3, 0.35, 4, [-0.2, 0.0, 0.2]), (97.0, 103.0, 3, [98, 100, 102])],
)
def test_ticks_are_round(low: float, high: float, most: int, wanted: list[float]) -> None:
    assert ticks(low, high, most) == pytest.approx(wanted)
