"""Node processes end with the demo, whenever its end is asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.processes import NodeProcess, end_in_order

_DEAF = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print('deaf'); time.sleep(60)"
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Handled as in the demo."""
    before = {number: signal.getsignal(number) for number in _ENDINGS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_in_order()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", _ENDINGS)
def test_a_second_interrupt_leaves_no_process_that_does_not_listen(tmp_path: Path, number: signal.Signals) -> None:
    node = NodeProcess("node", ["-c", _DEAF], tmp_path)
    while "deaf" not in node.last_lines():
        time.sleep(0.01)
    second = threading.Timer(0.3, os.kill, (os.getpid(), number))
    second.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            node.stop()
        assert node.exit_code == -signal.SIGKILL
    finally:
        second.join()
        node.stop()


@pytest.mark.parametrize("number", _ENDINGS)
def test_a_process_that_was_just_starting_ends_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class InterruptedStart(subprocess.Popen):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)
            signal.raise_signal(number)

    monkeypatch.setattr(subprocess, "Popen", InterruptedStart)
    try:
        with pytest.raises(KeyboardInterrupt):
            NodeProcess("node", ["-c", "import time; time.sleep(60)"], tmp_path)
        assert started[0].poll() is not None
    finally:
        started[0].kill()
        started[0].wait()
