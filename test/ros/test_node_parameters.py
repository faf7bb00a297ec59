"""A table of parameters bound to a node, as tools see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install requirements/ros-jazzy.txt")

from rclpy.node import Node
from rclpy.parameter import Parameter

from dense_face_ros.ros.node_parameters import NodeParameters
from dense_face_ros.ros.parameters import TRACKER


@pytest.fixture
def node(ros: None) -> Iterator[Node]:
    node = Node("bound", automatically_declare_parameters_from_overrides=True)
    yield node
    node.destroy_node()


def test_tools_are_told_the_bounds_and_what_is_read_at_the_start_only(node: Node) -> None:
    NodeParameters(node, TRACKER)
    (share,) = node.describe_parameter("seat_left").floating_point_range
    (turn,) = node.describe_parameter("image_rotation").integer_range
    assert (share.from_value, share.to_value) == (0.0, 1.0)
    assert (turn.from_value, turn.to_value, turn.step) == (0, 270, 90)
    read_only = {spec.name for spec in TRACKER if node.describe_parameter(spec.name).read_only}
    assert read_only == {"autostart"}


@pytest.mark.parametrize(("value", "taken"), [(3, 3.0), (2.5, 2.5), (True, None), (90, None), ("soon", None)])
def test_a_whole_number_may_stand_for_a_decimal(node: Node, value: Any, taken: float | None) -> None:
    parameters = NodeParameters(node, TRACKER)
    if not hasattr(node, "add_pre_set_parameters_callback"):
        pytest.skip("this release of ROS takes decimals as decimals only")
    (result,) = node.set_parameters([Parameter("max_age", value=value)])
    assert result.successful is (taken is not None)
    assert parameters.number("max_age") == (1.0 if taken is None else taken)


def test_a_wrong_name_stays_one_when_somebody_sets_it(ros: None) -> None:
    overrides = [Parameter("min_inlier", value=0.9), Parameter("max_age", value=-1.0)]
    node = Node("misnamed", automatically_declare_parameters_from_overrides=True, parameter_overrides=overrides)
    parameters = NodeParameters(node, TRACKER)
    assert len(parameters.problems) == 2
    node.set_parameters([Parameter("min_inlier", value=0.8), Parameter("max_age", value=1.0)])
    (left,) = parameters.problems
    assert left.startswith("parameter 'min_inlier' is unknown; did you mean 'min_inliers'?")
    node.destroy_node()


def test_what_is_meant_for_other_nodes_is_warned_of_once(ros: None, capfd: pytest.CaptureFixture[str]) -> None:
    overrides = [Parameter("robot_name", value="car7"), Parameter("diagnostic_updater.period", value=1.0)]
    node = Node("one_of_a_fleet", automatically_declare_parameters_from_overrides=True, parameter_overrides=overrides)
    assert not NodeParameters(node, TRACKER).problems
    node.destroy_node()
    told = "parameters that are unknown here change nothing: 'diagnostic_updater.period', 'robot_name'"
    assert capfd.readouterr().err.count(told) == 1
