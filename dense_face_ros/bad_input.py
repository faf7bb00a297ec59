"""How a command line tells of input that it cannot use."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec

import numpy as np

_Arguments = ParamSpec("_Arguments")


def tells_bad_input(*also: type[Exception]) -> Callable[[Callable[_Arguments, int]], Callable[_Arguments, int]]:
    """Decorator of a command line, which returns an exit code: an error about its input becomes one line on stderr and
    exit code 2.

    Args:
        also: kinds of error that tell of the input of this command, beside OSError and ValueError. All others are
            faults of ours, whose tracebacks are wanted; they pass, as Ctrl-C does.
    """
    kinds: tuple[type[Exception], ...] = (OSError, ValueError, *also)

    def decorate(command: Callable[_Arguments, int]) -> Callable[_Arguments, int]:
        @functools.wraps(command)
        def run(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> int:
            try:
                return command(*arguments, **options)
            except np.linalg.LinAlgError:  # a ValueError in NumPy 2, and a fault of ours
                raise
            except kinds as error:
                said = str(error).strip().replace("\n", " ")
                print(f"error: {said or type(error).__name__}", file=sys.stderr)
                return 2  # as argparse does

        return run

    return decorate
