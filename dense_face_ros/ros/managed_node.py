"""A lifecycle node that answers every request for a transition, and says why one failed."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import TypeVar

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from dense_face_ros.backends import NetworkUnavailable
from dense_face_ros.ros.ending import asked_to_end

#: Errors of configuring whose message names the parameter, file or package and the cure.
_EXPLAINED = (OSError, ValueError, ImportError, NetworkUnavailable)

_Node = TypeVar("_Node", bound="ManagedNode")
_Transition = Callable[[_Node, LifecycleState], TransitionCallbackReturn]


def explained(transition: _Transition[_Node]) -> _Transition[_Node]:
    """A transition that tells what it raises, and answers ERROR; rclpy would say nothing."""

    @functools.wraps(transition)
    def tried(node: _Node, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(node, state)
        except Exception as error:  # whatever ROS does
            node.tell_failure(transition.__name__.removeprefix("on_"), error)
            return TransitionCallbackReturn.ERROR

    return tried


class ManagedNode(LifecycleNode):
    """See the module's description; what :meth:`_configure` makes is freed by :meth:`_release`.

    Attributes:
        failure: why a transition failed last, for /diagnostics; empty once the node has been configured since.
    """

    failure = ""

    def _LifecycleNodeMixin__change_state(self, transition: int) -> TransitionCallbackReturn:
        # rclpy's own, which it has no public name for, lets a transition that the state does not have end the process
        # (ros2/rclpy issue 1209): a launch file that asks twice, or a second manager.
        try:
            answer: TransitionCallbackReturn = super()._LifecycleNodeMixin__change_state(transition)
        except rclpy_implementation.RCLError as error:
            if asked_to_end(error):
                return TransitionCallbackReturn.FAILURE
            label = self._state_machine.current_state[1]
            self.get_logger().warning(f"asked for transition {transition}, which state '{label}' does not have")
            return TransitionCallbackReturn.FAILURE
        return answer

    def tell_failure(self, transition: str, error: Exception, expected: tuple[type[Exception], ...] = ()) -> None:
        """Keep why a transition failed, and log it: in full unless the error is one of those that were ``expected``."""
        self.failure = f"{transition} failed: {str(error) or type(error).__name__}"
        if not asked_to_end(error):
            where = traceback.format_exc()
            self.get_logger().error(self.failure if isinstance(error, expected) else f"{self.failure}\n{where}")
            if isinstance(error, expected):
                self.get_logger().debug(where)

    def _configure(self) -> None:
        """What :meth:`on_configure` does; raises whatever prevents it."""
        raise NotImplementedError

    def _release(self) -> None:
        """Free what configuring made; may be called at any time, and again."""
        raise NotImplementedError

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Check the parameters and make what they ask for; FAILURE, with the reason told, if it cannot."""
        try:
            self._configure()
        except Exception as error:  # a transition must answer, whatever a model file, a GPU driver or ROS does
            self.tell_failure("configure", error, _EXPLAINED)
            self._release()
            return TransitionCallbackReturn.FAILURE
        self.failure = ""
        return TransitionCallbackReturn.SUCCESS

    @explained
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    @explained
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node can be configured again."""
        if self.context.ok():
            self.get_logger().error(f"a transition failed in state {state.label}; the node is unconfigured again")
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Free everything with the node."""
        self._release()
        super().destroy_node()
