"""A CUDA driver library that does next to nothing, built from ``stub_driver.c``, for processes of a test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def environment_with_driver(folder: Path, **variables: str) -> dict[str, str]:
    """Environment for a process that finds the stub as its CUDA driver; without a compiler the test is skipped."""
    pytest.importorskip("cuda.bindings.driver", reason="cuda-bindings is not installed: pip install cuda-bindings")
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler for the driver library")
    source = Path(__file__).with_suffix(".c")
    subprocess.run([compiler, "-w", "-shared", "-fPIC", "-o", str(folder / "libcuda.so.1"), str(source)], check=True)
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "LD_LIBRARY_PATH": str(folder), "PYTHONPATH": os.pathsep.join(paths), **variables}
