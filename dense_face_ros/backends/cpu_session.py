"""How ONNX Runtime is set up on the CPU, for every network."""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import onnxruntime


def session_options(threads: int) -> onnxruntime.SessionOptions:
    """Options of a session with ``threads`` CPU threads per run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    # A node waiting for the next frame must not keep a core busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if bytes_overflow():
        options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 3
    return options


@cache
def bytes_overflow(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether products of bytes are added up in 16 bits, where they may overflow: on x86 without VNNI instructions.

    A processor that does not tell is taken for one: the cure costs it time and nothing else.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return False
    return not (cpuinfo.is_file() and "vnni" in cpuinfo.read_text(encoding="utf-8", errors="replace"))
