"""The shipped half-precision file computes what the shipped full-precision one does.

ONNX Runtime's CPU kernels compute with single precision between the rounded weights, so a few crops also go through
ONNX's reference evaluator, which rounds to halves after every operation. What a GPU's kernels do is measured on the
GPU, by ``python -m training.benchmark_tensorrt``.
"""

from __future__ import annotations

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

from dense_face_ros.backends import CROP_SIZE, NetworkOutput
from dense_face_ros.backends.gpu_model_file import gpu_network_path
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from dense_face_ros.template import Template
from training.rendering.settings import Settings
from training.rendering.synthetic import SyntheticHeads

FLOW_P99, MATCHABILITY, LOG_SIGMA = 0.25, 0.02, 0.05


@pytest.fixture(scope="module")
def networks():
    return OnnxRuntimeNetwork(), OnnxRuntimeNetwork(gpu_network_path(None))


@pytest.fixture(scope="module")
def crops(shipped_model):
    """Rendered heads as in training, smooth patterns, and noise."""
    heads = SyntheticHeads(Template(shipped_model), Settings(looks=4))
    rendered = [heads.render(np.random.default_rng(seed)).image for seed in range(12)]
    v, u = np.mgrid[:CROP_SIZE, :CROP_SIZE][..., np.newaxis] / CROP_SIZE
    phase = np.array([0.0, 1.0, 2.0])
    waves = [np.sin(k * (u + 2 * v) + phase) * np.cos(k * (v - u) - phase) for k in (3.0, 8.0, 20.0)]
    patterns = [np.uint8(127.5 + gain * wave) for wave in waves for gain in (30.0, 120.0)]
    return [*rendered, *patterns, np.random.default_rng(0).integers(0, 256, (CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)]


def test_the_two_files_are_one_network(networks):
    full, half = networks
    assert gpu_network_path(None) != network_path(None)
    assert half.metadata == full.metadata, "export both files from one checkpoint"


def assert_close(found: NetworkOutput, wanted: NetworkOutput) -> None:
    assert np.percentile(np.hypot(*(found.flow - wanted.flow)), 99) <= FLOW_P99
    assert np.abs(found.matchability - wanted.matchability).max() <= MATCHABILITY
    assert np.abs(found.log_sigma - wanted.log_sigma).max() <= LOG_SIGMA


def test_they_agree(networks, crops):
    full, half = networks
    for crop in crops:
        assert_close(half.run(crop), full.run(crop))


def test_they_agree_with_halves_after_every_operation(networks, crops):
    evaluator = ReferenceEvaluator(str(gpu_network_path(None)))
    for crop in (crops[0], crops[1], crops[-1]):
        outputs = dict(zip(evaluator.output_names, evaluator.run(None, {"image": crop[None]}), strict=True))
        assert outputs["flow"].dtype == np.float32
        found = NetworkOutput(**{name: output[0] for name, output in outputs.items()})
        assert_close(found, networks[0].run(crop))
