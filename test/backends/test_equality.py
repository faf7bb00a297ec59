"""The shipped network answers the same whatever runs it: torch, ONNX Runtime, its half-precision file, TensorRT.

ONNX Runtime's CPU kernels compute with single precision between the rounded weights, so a few crops also go through
ONNX's reference evaluator, which rounds to halves after every operation. What the kernels of a GPU do can be seen on a
GPU only: there the last test runs too, and ``python -m training.benchmark_tensorrt``.
"""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from dense_face_ros import FaceTracker, Status
from dense_face_ros.backends import CROP_SIZE, NetworkOutput, NetworkUnavailable
from dense_face_ros.backends.choose import load_network, wait_until_running
from dense_face_ros.backends.cuda_driver import check_gpu
from dense_face_ros.backends.model_file import network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from dense_face_ros.face_model import FaceModel
from dense_face_ros.template import Template
from training import benchmark_tensorrt
from training.benchmarks.metrics import box_of, point_errors
from training.network import cell_grid, make_network
from training.network.exported_weights import exported_weights
from training.recipes import RECIPES
from training.rendering.settings import Settings
from training.rendering.synthetic import Sample, SyntheticHeads

FLOW_P99, MATCHABILITY, LOG_SIGMA = 0.25, 0.02, 0.05
BYTES_FLOW = 0.4  # pixels, mean over matched cells
NME = {"half": 0.02, "bytes": 0.1}  # percent of the box, of a mean over images


@pytest.fixture(scope="module")
def networks():
    return OnnxRuntimeNetwork(), OnnxRuntimeNetwork(gpu_network_path(None))


@pytest.fixture(scope="module")
def by_torch(crops):
    """Answers of the modules of ``training.network``, given the weights of the shipped file, to the crops."""
    model = onnx.load(network_path(None))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    module = make_network(metadata["architecture"], RECIPES[metadata["recipe"]].width).for_inference()
    module.load_state_dict(exported_weights(model))
    with torch.inference_mode():
        found = module(torch.from_numpy(np.stack(crops)))
        flow = found.template - cell_grid(found.logit.shape[-1])
        outputs = flow.numpy(), torch.sigmoid(found.logit).numpy(), found.log_sigma.numpy()
    return [NetworkOutput(*one) for one in zip(*outputs, strict=True)]


@pytest.fixture(scope="module")
def by_onnx_runtime(networks, crops):
    """Answers of ONNX Runtime at full precision."""
    return [networks[0].run(crop) for crop in crops]


@pytest.fixture(scope="module")
def heads(shipped_model):
    """Rendered heads as in training, turned up to profile, some behind something."""
    painter = SyntheticHeads(Template(shipped_model), Settings(looks=4))
    return [painter.render(np.random.default_rng(seed)) for seed in range(32)]


@pytest.fixture(scope="module")
def crops(heads):
    """The rendered heads, smooth patterns, and noise."""
    v, u = np.mgrid[:CROP_SIZE, :CROP_SIZE][..., np.newaxis] / CROP_SIZE
    phase = np.array([0.0, 1.0, 2.0])
    waves = [np.sin(k * (u + 2 * v) + phase) * np.cos(k * (v - u) - phase) for k in (3.0, 8.0, 20.0)]
    patterns = [np.uint8(127.5 + gain * wave) for wave in waves for gain in (30.0, 120.0)]
    noise = np.random.default_rng(0).integers(0, 256, (CROP_SIZE, CROP_SIZE, 3), dtype=np.uint8)
    return [*(head.image for head in heads), *patterns, noise]


def assert_close(found: NetworkOutput, wanted: NetworkOutput, flow_p99: float = FLOW_P99) -> None:
    assert np.percentile(np.hypot(*(found.flow - wanted.flow)), 99) <= flow_p99
    assert np.abs(found.matchability - wanted.matchability).max() <= MATCHABILITY
    assert np.abs(found.log_sigma - wanted.log_sigma).max() <= LOG_SIGMA


def test_the_two_files_are_one_network(networks):
    full, half = networks
    assert gpu_network_path(None) != network_path(None)
    assert half.metadata == full.metadata, "export both files from one checkpoint"


def test_full_precision_is_what_torch_computes(by_onnx_runtime, by_torch):
    for found, wanted in zip(by_onnx_runtime, by_torch, strict=True):
        np.testing.assert_allclose(found.flow, wanted.flow, atol=0.01)
        np.testing.assert_allclose(found.matchability, wanted.matchability, atol=1e-3)
        np.testing.assert_allclose(found.log_sigma, wanted.log_sigma, atol=1e-3)


def test_half_precision_agrees_with_full_precision_and_torch(networks, crops, by_onnx_runtime, by_torch):
    for crop, *others in zip(crops, by_onnx_runtime, by_torch, strict=True):
        found = networks[1].run(crop)
        for other in others:
            assert_close(found, other)


def test_halves_after_every_operation_agree(crops, by_onnx_runtime):
    evaluator = ReferenceEvaluator(str(gpu_network_path(None)))
    for index in (0, 1, -1):
        outputs = dict(zip(evaluator.output_names, evaluator.run(None, {"image": crops[index][None]}), strict=True))
        assert outputs["flow"].dtype == np.float32
        found = NetworkOutput(**{name: output[0] for name, output in outputs.items()})
        assert_close(found, by_onnx_runtime[index])


class Conv(OpRun):
    """A convolution that rounds its sums to halves after every 16 products, as the fastest kernels of a GPU may do."""

    op_domain = ""

    def _run(self, image, weights, bias, kernel_shape=None, pads=None, strides=None, **_: object):
        side, stride = kernel_shape[0], strides[0]
        padded = np.pad(image[0].astype(np.float32), ((0, 0), (pads[0],) * 2, (pads[1],) * 2))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))[:, ::stride, ::stride]
        products = windows.transpose(3, 4, 0, 1, 2).reshape(-1, windows.shape[1] * windows.shape[2])
        rows = weights.astype(np.float32).transpose(0, 2, 3, 1).reshape(len(weights), -1)
        total = np.zeros((len(rows), products.shape[1]), np.float16)
        for first in range(0, len(products), 16):
            total = (total + rows[:, first : first + 16] @ products[first : first + 16]).astype(np.float16)
        total = (total + bias.astype(np.float32)[:, None]).astype(np.float16)
        return (total.reshape(1, len(rows), *windows.shape[1:3]),)


def test_kernels_that_add_up_in_halves_are_no_false_alarm_and_agree_where_there_is_a_face(networks, crops):
    evaluator = ReferenceEvaluator(str(gpu_network_path(None)), new_ops=[Conv])

    class OnGpu:
        def run(self, crop) -> NetworkOutput:
            outputs = zip(evaluator.output_names, evaluator.run(None, {"image": crop[None]}), strict=True)
            return NetworkOutput(**{name: output[0] for name, output in outputs})

    hardest = benchmark_tensorrt.made_crops()[14]
    found = benchmark_tensorrt.difference(OnGpu(), networks[0], [hardest])
    assert found["equal"] and found["flow_p99_px"] > FLOW_P99, "it is the hardest crop no more"
    wanted, halves = networks[0].run(crops[0]), OnGpu().run(crops[0])
    face = wanted.matchability > 0.5
    assert face.any() and np.percentile(np.hypot(*(halves.flow - wanted.flow))[face], 99) < 0.1


def test_bytes_agree_with_full_precision_on_faces(networks, heads, by_onnx_runtime):
    in_bytes = OnnxRuntimeNetwork(cpu_network_path(None))
    assert in_bytes.metadata == networks[0].metadata, "export all files from one checkpoint"
    gaps = []
    for head, wanted in zip(heads, by_onnx_runtime, strict=False):
        found = in_bytes.run(head.image)
        gaps.append(np.hypot(*(found.flow - wanted.flow))[wanted.matchability > 0.5])
    assert 0.0 < np.concatenate(gaps).mean() <= BYTES_FLOW


@pytest.mark.parametrize(("kind", "path_of"), [("half", gpu_network_path), ("bytes", cpu_network_path)])
def test_less_precision_fits_heads_as_well(shipped_model, heads, tmp_path, kind, path_of):
    errors = []
    for name, network in (("full.onnx", network_path(None)), ("less.onnx", path_of(None))):
        alone = shutil.copy(network, tmp_path / name)  # beside its other files another one would be taken
        tracker = FaceTracker(network_path=alone, backend="onnxruntime-cpu")
        errors.append([nme(tracker, head, shipped_model) for head in heads])
        tracker.close()
    full, less = np.array(errors)
    both = np.isfinite(full) & np.isfinite(less)
    assert both.sum() > 24
    assert (np.isnan(full) == np.isnan(less)).sum() >= len(heads) - 1, "one may lie at the limit of what is believed"
    change = (less - full)[both]
    by_chance = 2.0 * change.std() / np.sqrt(len(change))  # a few heads take another outline, for better or worse
    assert abs(change.mean()) <= NME[kind] + by_chance
    assert by_chance < 0.1


def nme(tracker: FaceTracker, head: Sample, model: FaceModel) -> float:
    """In percent of the box; NaN where no head was found."""
    true = model.at(model.landmarks, head.pixels)
    state = tracker.fit(np.ascontiguousarray(head.image[:, :, ::-1]), box=box_of(true))
    return float(point_errors(state.landmarks_2d, true).mean()) if state.status is Status.TRACKING else np.nan


def test_tensorrt_agrees(crops, by_onnx_runtime, monkeypatch, tmp_path):
    try:
        check_gpu()
    except NetworkUnavailable as why:
        pytest.skip(f"needs a GPU: {why}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    network = load_network("tensorrt")
    wait_until_running(network)
    found = [network.run(crop) for crop in crops]
    network.close()
    for output, wanted in zip(found, by_onnx_runtime, strict=True):
        assert_close(output, wanted, benchmark_tensorrt.FLOW_P99)
