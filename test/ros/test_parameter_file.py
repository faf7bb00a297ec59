"""Parameter files are read as ROS gives them to a node."""

from __future__ import annotations

from pathlib import Path

import pytest

from dense_face_ros.ros.parameter_file import read_parameters
from dense_face_ros.ros.parameter_spec import defaults
from dense_face_ros.ros.parameters import TABLES

CONFIG = Path(__file__).parents[2] / "config"


@pytest.mark.parametrize("node", ["tracker", "attention"])
def test_the_shipped_files_hold_the_defaults(node: str) -> None:
    assert read_parameters(CONFIG / f"{node}.yaml", node) == defaults(TABLES[node]) == read_parameters(None, node)


@pytest.mark.parametrize(
    "text",
    [
        "tracker: {ros__parameters: {seat_left: 0.5, use_sim_time: true}}",
        "/**: {ros__parameters: {seat_left: 0.5, qos_overrides: {/image: {subscription: {depth: 2}}}}}",
        "/cabin: {tracker: {ros__parameters: {seat_left: 0.5}}, attention: {ros__parameters: {preset: custom}}}",
        "/cabin/*: {ros__parameters: {seat_left: 0.5}}",
        "/cabin/tracker: {ros__parameters: {seat_left: 0.5}}\nimage_source: {ros__parameters: {source: x}}",
    ],
)
def test_what_is_said_of_the_node_is_taken(tmp_path: Path, text: str) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    assert read_parameters(file, "tracker") == {**defaults(TABLES["tracker"]), "seat_left": 0.5}


def test_what_is_meant_for_other_nodes_is_passed_over_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text("/**: {ros__parameters: {robot_name: car7, diagnostic_updater: {period: 1.0}, seat_left: 0.5}}")
    assert read_parameters(file, "tracker") == {**defaults(TABLES["tracker"]), "seat_left": 0.5}
    told = "parameters that are unknown here change nothing: 'diagnostic_updater.period', 'robot_name'"
    assert caplog.messages == [f"parameter file '{file}': {told}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tracker: {ros__parameters: {seat_lefd: 0.5}}", "parameter 'seat_lefd' is unknown; did you mean 'seat_left'"),
        ("tracker: {ros__parameters: {seat_left: 2.0}}", "parameter 'seat_left' is 2.0; it must be 0 to 1"),
        ("attention: {ros__parameters: {preset: custom}}", "says nothing of 'tracker'"),
        ("", "says nothing of 'tracker'"),
        ("tracker: {ros__parameters: }", "says nothing of 'tracker'"),
        ("tracker: [", "is no YAML in line 1"),
        ("tracker:\n  ros__parameters:\n    seat_left 0.5: : 3", "is no YAML in line 3: mapping values"),
    ],
)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_parameters(file, "tracker")
    assert str(file) in str(error.value)
    with pytest.raises(FileNotFoundError, match=r"parameter file '.*nothing.yaml' cannot be read: No such file"):
        read_parameters(tmp_path / "nothing.yaml", "tracker")
