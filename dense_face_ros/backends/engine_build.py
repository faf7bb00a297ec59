"""From an ONNX file to a TensorRT engine, with what TensorRT 10.3 to 11 and TensorRT for RTX have in common.

The network is built strongly typed: the file says which numbers are halves, and the builder keeps to it.
"""

from __future__ import annotations

import importlib
import logging
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

from dense_face_ros.backends import NetworkUnavailable

#: What a build may use for trying kernels, in bytes; the network needs a small part of it.
_WORKSPACE = 256 << 20
#: Goes into the engine's identity: another value makes engines of earlier versions stale.
BUILD_OPTIONS = f"strongly typed, TF32 off, workspace {_WORKSPACE >> 20} MiB"

_LINES = 6  # of the log that an error tells
_AMPERE = (8, 0)  # compute capability from which on TensorRT for RTX builds without being asked to

_MODULES = ("tensorrt", "tensorrt_rtx")
#: From this TensorRT on networks can be strongly typed; the RTX edition always could.
_OLDEST_MAJOR = 10
#: What TensorRT says of machines where no attempt will end otherwise, and the cure.
_HOPELESS = {
    "CUDA initialization failure with error: 35": "the NVIDIA driver is older than the CUDA that this TensorRT needs; "
    "update it, or install a TensorRT for the CUDA version that nvidia-smi shows, such as tensorrt-cu12",
    "is not supported by this TensorRT release": "install a TensorRT that knows this GPU: older GPUs need an older "
    "one, new ones a newer",
}

Report = Callable[[str], None]

_LOG = logging.getLogger(__name__)


class EngineError(NetworkUnavailable):
    """TensorRT refused something; the message ends with the last lines of its log."""


class CannotBuild(EngineError):
    """TensorRT cannot build this engine on this machine, now or later."""


class UnreadableNetwork(CannotBuild):
    """TensorRT does not understand the network file."""


def tensorrt_module() -> Any:
    """TensorRT's Python module, or that of TensorRT for RTX, which has the same interface.

    Raises:
        ImportError: neither can be imported, or TensorRT is too old.
    """
    failures = []
    for name in _MODULES:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError) as error:  # a library that does not load is an OSError
            failures.append(f"{name}: {error}")
            continue
        if name == "tensorrt" and int(module.__version__.split(".")[0]) < _OLDEST_MAJOR:
            failures.append(f"{name}: version {module.__version__} is too old, {_OLDEST_MAJOR} is needed")
            continue
        return module
    raise ImportError(
        f"TensorRT cannot be used ({'; '.join(failures)}); on Jetson: apt install python3-libnvinfer, with JetPack 6.1 "
        "or newer, elsewhere: pip install tensorrt"
    )


def full_version(trt: Any) -> str:
    """Package and version: engines of one are of no use to another."""
    return f"{trt.__name__} {trt.__version__}"


class LogTail:
    """The last warnings and errors of TensorRT's log since this was made: its failures are None or False without them.

    Attributes:
        logger: TensorRT's, of which it wants one in a process, for as long as that lasts.
    """

    def __init__(self, trt: Any) -> None:
        self.logger = _logger(trt)
        self._begin = self.logger.count

    def error(self, what: str) -> EngineError:
        """``what`` and the log's last lines as an error."""
        new = self.logger.count - self._begin
        lines = list(self.logger.tail)[-new:] if new else []
        return EngineError(f"{what}: {' | '.join(lines) or 'TensorRT gives no reason'}")


@cache
def _logger(trt: Any) -> Any:
    worth_keeping = (trt.ILogger.INTERNAL_ERROR, trt.ILogger.ERROR, trt.ILogger.WARNING)

    class Logger(trt.ILogger):  # type: ignore[misc]
        """Warnings are logged too, each once: they come with engines that load all the same."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.tail: deque[str] = deque(maxlen=_LINES)
            self.count = 0
            self.warned: set[str] = set()

        def log(self, severity: Any, message: str) -> None:
            if severity in worth_keeping:
                self.tail.append(message.strip())
                self.count += 1
            if severity == trt.ILogger.WARNING and message not in self.warned:
                self.warned.add(message)
                _LOG.warning("TensorRT: %s", message.strip())

    return Logger()


def build(
    trt: Any, onnx: bytes, timing: bytes, report: Report, capability: tuple[int, int] = _AMPERE
) -> tuple[bytes, bytes]:
    """Build an engine for this machine's GPU.

    Args:
        trt: TensorRT's module.
        onnx: content of the network file.
        timing: kernel timings of an earlier build, which shorten this one; may be empty.
        report: called with one line for each step.
        capability: of this machine's GPU.
    Returns:
        The engine, and kernel timings for later builds.
    Raises:
        CannotBuild: TensorRT cannot read the file, does not know such a GPU, or needs a newer driver.
        EngineError: it cannot build now.
    """
    log = LogTail(trt)
    try:
        builder = trt.Builder(log.logger)
    except TypeError as error:  # how the bindings say that TensorRT returned nothing
        raise with_cure(log.error("TensorRT cannot start its builder; check the GPU with nvidia-smi")) from error
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, log.logger)
    if not parser.parse(onnx):
        reasons = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
        raise UnreadableNetwork(str(log.error(f"TensorRT cannot read the network ({reasons})")))
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE)
    # Networks of full precision shall stay that.
    config.clear_flag(trt.BuilderFlag.TF32)
    if hasattr(config, "set_compute_capability") and capability < _AMPERE:
        target = getattr(trt.ComputeCapability, "SM{}{}".format(*capability), None)
        if target is None:
            told = "compute capability {}.{}".format(*capability)
            raise CannotBuild(
                f"TensorRT for RTX does not build for {told}; pip install tensorrt, of a version that does"
            )
        config.num_compute_capabilities = 1
        config.set_compute_capability(target, 0)
    timings = _timing_cache(config, timing)
    monitor = _progress_monitor(trt, report)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise with_cure(log.error("TensorRT cannot build the engine"))
    return bytes(plan), b"" if timings is None else bytes(timings.serialize())


def with_cure(error: EngineError) -> EngineError:
    """The error, or CannotBuild that tells the cure where another attempt is none."""
    for said, cure in _HOPELESS.items():
        if said in str(error):
            return CannotBuild(f"{cure} ({error})")
    return error


def _timing_cache(config: Any, timing: bytes) -> Any:
    """The kernel timings that the builder uses, and adds to; None where it uses none."""
    if not hasattr(config, "create_timing_cache"):  # deprecated in the RTX edition
        return None
    for content in (timing, b""):  # those of another version or clock are refused at either step
        timings = config.create_timing_cache(content)
        if timings is not None and config.set_timing_cache(timings, ignore_mismatch=False):
            return timings
    return None


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
