"""Nodes, evaluation and training keep BLAS to one thread unless told otherwise, and decide so before NumPy reads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SHOW = "import os, sys, {}; print('numpy' in sys.modules, os.environ.get('OPENBLAS_NUM_THREADS'))"


@pytest.mark.parametrize("package", ["dense_face_ros.ros", "dense_face_ros.evaluation", "training"])
@pytest.mark.parametrize(("given", "expected"), [({}, "False 1"), ({"OMP_NUM_THREADS": "3"}, "False None")])
def test_blas_threads(package: str, given: dict[str, str], expected: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in NAMES} | given
    result = subprocess.run(
        [sys.executable, "-c", SHOW.format(package)],
        env=environment,
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip() == expected, result.stderr
