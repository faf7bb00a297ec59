"""From an ONNX file to a TensorRT engine, with what TensorRT 10.3 to 11 and TensorRT for RTX have in common.

The network is built strongly typed: the file says which numbers are halves, and the builder keeps to it.
"""

from __future__ import annotations

import importlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from dense_face_ros.backends import NetworkUnavailable

#: What a build may use for trying kernels, in bytes; the network needs a small part of it.
_WORKSPACE = 256 << 20
#: Goes into the engine's identity: another value makes engines of earlier versions stale.
BUILD_OPTIONS = f"strongly typed, TF32 off, workspace {_WORKSPACE >> 20} MiB"

_MODULES = ("tensorrt", "tensorrt_rtx")

Report = Callable[[str], None]

_LOG = logging.getLogger(__name__)


class EngineError(NetworkUnavailable):
    """TensorRT refused something; the message ends with the last lines of its log."""


class UnreadableNetwork(EngineError):
    """TensorRT does not understand the network file, now or later."""


def tensorrt_module() -> Any:
    """TensorRT's Python module, or that of TensorRT for RTX, which has the same interface.

    Raises:
        ImportError: neither can be imported.
    """
    failures = []
    for name in _MODULES:
        try:
            return importlib.import_module(name)
        except (ImportError, OSError) as error:  # a library that does not load is an OSError
            failures.append(f"{name}: {error}")
    raise ImportError(
        f"TensorRT cannot be imported ({'; '.join(failures)}); on Jetson: apt install python3-libnvinfer, "
        "elsewhere: pip install tensorrt"
    )


def full_version(trt: Any) -> str:
    """Package and version: engines of one are of no use to another."""
    return f"{trt.__name__} {trt.__version__}"


class LogTail:
    """A logger for TensorRT that keeps the last warnings and errors: its failures are None or False without them.

    Warnings are logged too, each once: they come with engines that load all the same.
    """

    def __init__(self, trt: Any, lines: int = 6) -> None:
        self._tail: deque[str] = deque(maxlen=lines)
        tail, worth_keeping = self._tail, (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR, trt.ILogger.WARNING)
        warned: set[str] = set()

        class Logger(trt.ILogger):  # type: ignore[misc]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                if severity in worth_keeping:
                    tail.append(message.strip())
                if severity == trt.ILogger.WARNING and message not in warned:
                    warned.add(message)
                    _LOG.warning("TensorRT: %s", message.strip())

        self.logger = Logger()

    def error(self, what: str) -> EngineError:
        """``what`` and the log's last lines as an error."""
        return EngineError(f"{what}: {' | '.join(self._tail) or 'TensorRT gives no reason'}")


def build(trt: Any, onnx: bytes, timing: bytes, report: Report) -> tuple[bytes, bytes]:
    """Build an engine for this machine's GPU.

    Args:
        trt: TensorRT's module.
        onnx: content of the network file.
        timing: kernel timings of an earlier build, which shorten this one; may be empty.
        report: called with one line for each step.
    Returns:
        The engine, and kernel timings for later builds.
    Raises:
        UnreadableNetwork: TensorRT cannot read the file.
        EngineError: it cannot build now.
    """
    log = LogTail(trt)
    try:
        builder = trt.Builder(log.logger)
    except TypeError as error:  # how the bindings say that TensorRT returned nothing
        raise log.error("TensorRT cannot start its builder; check the GPU with nvidia-smi") from error
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log.logger)
    if not parser.parse(onnx):
        reasons = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
        raise UnreadableNetwork(str(log.error(f"TensorRT cannot read the network ({reasons})")))
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE)
    # Networks of full precision shall stay that.
    config.clear_flag(trt.BuilderFlag.TF32)
    cache = config.create_timing_cache(timing)
    if cache is None:  # the timings are of another version
        cache = config.create_timing_cache(b"")
    timed = cache is not None and config.set_timing_cache(cache, ignore_mismatch=False)
    monitor = _progress_monitor(trt, report)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise log.error("TensorRT cannot build the engine")
    return bytes(plan), bytes(cache.serialize()) if timed else b""


def _progress_monitor(trt: Any, report: Report) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        """Reports the outermost phases and their steps."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            if parent is None:
                self.steps[phase] = steps

        def step_complete(self, phase: str, step: int) -> bool:
            if phase in self.steps:
                report(f"{phase}, step {step + 1} of {self.steps[phase]}")
            return True

        def phase_finish(self, phase: str) -> None:
            self.steps.pop(phase, None)

    return Monitor()
