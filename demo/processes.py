"""Node processes that end when the demo ends, whatever ends it, and whose last words are kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

TRACKER = ("-m", "dense_face_ros.ros.tracker_node")
ATTENTION = ("-m", "dense_face_ros.ros.attention_node")
_IMAGE_SOURCE = ("-m", "dense_face_ros.ros.image_source_node")
REPOSITORY = Path(__file__).parents[1]
_AS_CTRL_C = (signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 10.0  # seconds between asking a process to end and ending it
_LAST_LINES = 12
_CONNECT = 2.0  # seconds before the first frame, for everybody to find everybody


class DemoError(RuntimeError):
    """Why the demo cannot go on, in words for the person who started it."""


def end_in_order() -> None:
    """Let SIGTERM and a closed terminal end this program as Ctrl-C does: with its nodes."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for number in _AS_CTRL_C:
        signal.signal(number, interrupt)


def ros_arguments(parameters: dict[str, str]) -> list[str]:
    """The command line that gives a node its parameters."""
    return ["--ros-args", *(word for name, value in parameters.items() for word in ("-p", f"{name}:={value}"))]


def quoted(text: str) -> str:
    """As YAML quotes: a source such as 0 is a number to ROS unless it is."""
    return "'{}'".format(text.replace("'", "''"))


def image_source(source: str, parameters: dict[str, str]) -> list[str]:
    """The program that plays ``source``, and its arguments."""
    settings = {"source": quoted(source), "start_delay": f"{_CONNECT:.1f}", **parameters}
    return [*_IMAGE_SOURCE, *ros_arguments(settings)]


@contextmanager
def _signals_deferred() -> Iterator[list[int]]:
    """Collect what ends this program instead of acting on it: in the midst of a start it would leave an orphan."""
    pending: list[int] = []
    before = {
        number: signal.signal(number, lambda received, _: pending.append(received))
        for number in (signal.SIGINT, *_AS_CTRL_C)
    }
    try:
        yield pending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class NodeProcess:
    """A Python program (``-m module`` or a script, with arguments) in a process of its own, used in a ``with`` block.

    It gets a session of its own: Ctrl-C in the terminal reaches the demo alone, which then ends the nodes in order.

    Args:
        name: of the node.
        program: what Python is given.
        output: folder for what it prints, ``name.log``.
    """

    def __init__(self, name: str, program: list[str], output: Path) -> None:
        self.name, self._log = name, output / f"{name}.log"
        path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
        with self._log.open("w", encoding="utf-8") as file, _signals_deferred() as pending:
            self._process = subprocess.Popen(
                [sys.executable, *program],
                env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": path},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if pending:
            self.stop()
            signal.raise_signal(pending[0])

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise DemoError with its last lines when it has ended by itself."""
        if self.exit_code is not None:
            raise DemoError(f"{self.name} ended with exit code {self.exit_code}; its last lines:\n{self.last_lines()}")

    def last_lines(self) -> str:
        """The end of what it printed."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:]) or "  (it printed nothing)"

    def stop(self) -> None:
        """Interrupt it as Ctrl-C does, and kill it when it does not listen."""
        try:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
        finally:  # a second Ctrl-C ends the patience, not the promise
            self._process.kill()
            self._process.wait()
