from __future__ import annotations

import math

import pytest

from dense_face_ros.driver import Seat
from dense_face_ros.head_size import PUPIL_DISTANCES
from dense_face_ros.ros.parameter_spec import ParameterSpec, defaults, markdown, unknown
from dense_face_ros.ros.parameters import IMAGE_SOURCE, TABLES, TRACKER
from dense_face_ros.tracker_settings import TrackerSettings

NUMBER = ParameterSpec("speed", 2.0, "How fast.", "at once", "m/s", 0.0, 10.0)
COUNT = ParameterSpec("count", 2, "How many.", "on configure", "pieces", 1, 5)
CHOICE = ParameterSpec("way", "left", "Where.", "at start", choices=("left", "right"))
STEPS = ParameterSpec("turn", 0, "How far.", "at once", "deg", 0, 270, 90)
FLAG = ParameterSpec("loud", False, "Whether.", "at once")


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_complete_and_their_defaults_permitted(name: str) -> None:
    table = TABLES[name]
    assert len({spec.name for spec in table}) == len(table)
    for spec in table:
        assert spec.checked(spec.default) == spec.default
        assert spec.description.endswith(".")
        if isinstance(spec.default, (int, float)) and not isinstance(spec.default, bool):
            assert spec.minimum is not None and spec.maximum is not None and spec.unit, spec.name


def test_whole_numbers_stand_for_decimals_and_strings() -> None:
    assert NUMBER.checked(3) == 3.0 and isinstance(NUMBER.checked(3), float)
    source = next(spec for spec in IMAGE_SOURCE if spec.name == "source")
    assert source.checked(0) == "0"


@pytest.mark.parametrize(
    ("spec", "value", "message"),
    [
        (NUMBER, 10.5, r"parameter 'speed' is 10.5; it must be 0 to 10 m/s"),
        (NUMBER, math.nan, r"parameter 'speed' is nan; it must be 0 to 10 m/s"),
        (NUMBER, "fast", r"parameter 'speed' is 'fast'; it must be a decimal number"),
        (NUMBER, True, r"parameter 'speed' is True; it must be a decimal number"),
        (COUNT, 6, r"parameter 'count' is 6; it must be 1 to 5 pieces"),
        (STEPS, 45, r"parameter 'turn' is 45; it must be 0 to 270 deg in steps of 90"),
        (COUNT, 1.0, r"parameter 'count' is 1.0; it must be a whole number"),
        (CHOICE, "up", r"parameter 'way' is 'up'; it must be one of left, right"),
        (FLAG, 1, r"parameter 'loud' is 1; it must be a boolean"),
    ],
)
def test_wrong_values_are_named(spec: ParameterSpec, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec.checked(value)


def test_steps_are_counted_from_the_least() -> None:
    odd = ParameterSpec("side", 3, "Odd.", "at once", "cells", 1, 9, 2)
    assert odd.checked(5) == 5
    with pytest.raises(ValueError, match="side' is 4; it must be 1 to 9 cells in steps of 2"):
        odd.checked(4)


def test_mistyped_names_are_answered_by_the_right_one_and_others_warned_of() -> None:
    names = ["speed", "sped", "use_sim_time", "qos_overrides./image.subscription.depth"]
    assert unknown(names, (NUMBER, FLAG)) == ({"sped": "parameter 'sped' is unknown; did you mean 'speed'?"}, "")
    warning = "parameters that are unknown here change nothing: 'robot_name', 'speed_limit' (did you mean 'speed'?)"
    assert unknown(["speed_limit", "loud", "robot_name"], (NUMBER, FLAG)) == ({}, warning)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_name_is_known_when_two_letters_changed_places_and_no_other_node_s_is_taken_for_it(
    table: tuple[ParameterSpec, ...],
) -> None:
    names = {spec.name for spec in table}
    swapped = {name[:2] + name[3] + name[2] + name[4:]: name for name in names}
    swapped = {wrong: name for wrong, name in swapped.items() if wrong not in names}
    problems, _ = unknown(swapped, table)
    assert {wrong: name in problems[wrong] for wrong, name in swapped.items()} == dict.fromkeys(swapped, True)
    others = [
        "robot_name",
        "diagnostic_updater.period",
        "camera_frame",
        "camera_name",
        "camera_info_url",
        "publish_rate",
    ]
    assert not unknown(others, table)[0]


def test_markdown_has_a_line_per_parameter() -> None:
    lines = markdown(TRACKER).splitlines()
    assert len(lines) == 2 + len(TRACKER)
    assert all(line.count("|") == 7 for line in lines)
    assert any(line.startswith("| `max_age` | decimal number | 1.0 | 0 to 60 s | at once |") for line in lines)


def test_the_largest_pupil_distance_is_the_trackers() -> None:
    spec = next(spec for spec in TRACKER if spec.name == "interpupillary_distance")
    assert spec.maximum == PUPIL_DISTANCES[1]


def test_defaults() -> None:
    assert defaults((NUMBER, FLAG)) == {"speed": 2.0, "loud": False}


def test_defaults_are_those_of_the_tracker() -> None:
    pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")
    from dense_face_ros.ros.tracker_setup import tracker_settings

    values = defaults(TRACKER)
    assert tracker_settings(values) == TrackerSettings()
    assert tracker_settings({**values, "image_rotation": 180}).image_rotation == 180
    assert tracker_settings({**values, "seat_left": 0.5}).seat == Seat(left=0.5)
    with pytest.raises(ValueError, match=r"seat_left is 0\.5 and seat_right is 0\.2"):
        tracker_settings({**values, "seat_left": 0.5, "seat_right": 0.2})
    assert tracker_settings({**values, "interpupillary_distance": 0.061}).interpupillary_distance == 0.061
    with pytest.raises(ValueError, match=r"interpupillary_distance is 0\.02 m"):
        tracker_settings({**values, "interpupillary_distance": 0.02})
    assert values["field_of_view"] == TrackerSettings().field_of_view
