"""Binding of a parameter table to a node: declare, check what was given and what is changed."""

from __future__ import annotations

from collections.abc import Callable

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidTopicNameException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_topic_name import validate_topic_name

from dense_face_ros.error_text import first_line
from dense_face_ros.ros.parameter_spec import ParameterSpec, Value, unknown


class NodeParameters:
    """The parameters of one node, always holding permitted values.

    The node must have been made with ``automatically_declare_parameters_from_overrides=True``: that is how ROS shows
    what was given. A value that is not permitted, or a mistyped name, is not an exception but an entry of
    ``problems``, so that a lifecycle node can live on and say it when it is configured. Other names that are not in the
    table are logged.

    Args:
        node: the node.
        table: its parameters.
        locked: whether parameters that are applied on configure must be refused now.
    """

    def __init__(
        self,
        node: Node,
        table: tuple[ParameterSpec, ...],
        locked: Callable[[], bool] = lambda: False,
    ) -> None:
        self._node, self._specs = node, {spec.name: spec for spec in table}
        self._locked = locked
        self._problems: dict[str, str] = {}
        given = {name: value.value for name, value in node.get_parameters_by_prefix("").items()}
        for spec in table:
            self._declare(spec, given)
        mistyped, warning = unknown(given, table)
        self._problems |= mistyped
        if warning:
            node.get_logger().warning(warning)
        if hasattr(node, "add_pre_set_parameters_callback"):  # not in Humble: there a decimal must be written as one
            node.add_pre_set_parameters_callback(self._widen)
        node.add_on_set_parameters_callback(self._validate)

    @property
    def problems(self) -> list[str]:
        """What is wrong with the values given at the start and not corrected since, one line each."""
        return list(self._problems.values())

    def values(self) -> dict[str, Value]:
        """Name -> current value of every parameter of the table."""
        return {name: self._node.get_parameter(name).value for name in self._specs}

    def text(self, name: str) -> str:
        """Value of a string parameter."""
        return str(self._node.get_parameter(name).value)

    def number(self, name: str) -> float:
        """Value of a numeric parameter."""
        return float(self._node.get_parameter(name).value)

    def flag(self, name: str) -> bool:
        """Value of a boolean parameter."""
        return bool(self._node.get_parameter(name).value)

    def _declare(self, spec: ParameterSpec, given: dict[str, object]) -> None:
        value = spec.default
        if spec.name in given:
            self._node.undeclare_parameter(spec.name)
            try:
                value = spec.checked(given[spec.name])
            except ValueError as error:
                self._problems[spec.name] = str(error)
        self._node.declare_parameter(spec.name, value, _descriptor(spec), ignore_override=True)

    def _widen(self, parameters: list[Parameter]) -> list[Parameter]:
        """Let a whole number stand for a decimal one, as at the start; leave everything else to the check."""
        widened = []
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            whole = isinstance(parameter.value, int) and not isinstance(parameter.value, bool)
            if spec is not None and isinstance(spec.default, float) and whole:
                parameter = Parameter(parameter.name, value=float(parameter.value))
            widened.append(parameter)
        return widened

    def _validate(self, parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = self._specs.get(parameter.name)
            if spec is None:
                continue
            try:
                spec.checked(parameter.value)
            except ValueError as error:
                return SetParametersResult(successful=False, reason=str(error))
            if spec.applied == "on configure" and self._locked():
                reason = f"parameter '{spec.name}' is read when the node is configured; clean it up first"
                return SetParametersResult(successful=False, reason=reason)
        for parameter in parameters:
            if parameter.name in self._specs:  # a wrong name stays one
                self._problems.pop(parameter.name, None)
        return SetParametersResult(successful=True)


def check_topic(node: Node, parameter: str, topic: str) -> None:
    """ValueError naming a parameter whose topic can be none of this node; empty is no topic, and permitted."""
    try:
        if topic:
            validate_topic_name(topic)
            expand_topic_name(topic, node.get_name(), node.get_namespace())
    except (InvalidTopicNameException, ValueError) as error:  # the latter: {nobody}/speed
        why = f"parameter '{parameter}' is '{topic}', which can be no topic: {first_line(error)}"
        raise ValueError(why) from error


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    unit = f" [{spec.unit}]" if spec.unit else ""
    descriptor = ParameterDescriptor(
        description=spec.description + unit,
        additional_constraints=f"{spec.constraint}{'; ' if spec.constraint else ''}takes effect {spec.applied}",
        read_only=spec.read_only,
    )
    if spec.minimum is not None and spec.maximum is not None:
        if isinstance(spec.default, float):
            bounds = FloatingPointRange(from_value=float(spec.minimum), to_value=float(spec.maximum))
            descriptor.floating_point_range = [bounds]
        else:
            low, high = int(spec.minimum), int(spec.maximum)
            descriptor.integer_range = [IntegerRange(from_value=low, to_value=high, step=spec.step)]
    return descriptor
