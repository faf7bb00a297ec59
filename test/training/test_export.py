import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

import training.export
from dense_face_ros.backends import cpu_session
from dense_face_ros.backends.choose import load_network
from dense_face_ros.backends.model_file import METADATA_KEYS
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork
from training.checkpoint import load_checkpoint, save_checkpoint
from training.export import export
from training.network import cell_grid


def test_exported_network_computes_what_torch_does(trained, tmp_path):
    checkpoint, network = trained
    export(checkpoint, tmp_path / "net.onnx")
    crop = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    found = OnnxRuntimeNetwork(tmp_path / "net.onnx").run(crop)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(crop)[None])
    np.testing.assert_allclose(found.flow, (wanted.template - cell_grid(64))[0], atol=0.02)
    np.testing.assert_allclose(found.matchability, torch.sigmoid(wanted.logit)[0], atol=1e-3)
    np.testing.assert_allclose(found.log_sigma, wanted.log_sigma[0], atol=1e-2)


def test_metadata_says_what_the_file_is(trained, tmp_path):
    export(trained[0], tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert set(metadata) == {*METADATA_KEYS, "weights_sha256"}
    assert metadata["images_seen"] == "1234" and metadata["stride"] == "2" and metadata["licence"] == "Apache-2.0"
    kinds = {node.op_type for node in model.graph.node}
    assert not kinds & {"BatchNormalization", "Shape", "If", "Loop"}


def test_files_of_two_checkpoints_of_one_recipe_are_not_mixed(trained, tmp_path):
    state = load_checkpoint(trained[0])
    later = {**state["average"], "head.bias": state["average"]["head.bias"] + 1.0}
    save_checkpoint(tmp_path / "later.pt", {**state, "average": later})
    beside = tmp_path / "net_int8.onnx"  # halves, which are quicker made, will do
    export(trained[0], beside, "half")
    export(tmp_path / "later.pt", tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"net_int8.onnx' is not .* of '.*net.onnx': weights_sha256 differ"):
        load_network("onnxruntime-cpu", tmp_path / "net.onnx")
    export(tmp_path / "later.pt", beside, "half")
    load_network("onnxruntime-cpu", tmp_path / "net.onnx").close()


def test_half_file_has_halves_inside_and_floats_outside(trained, tmp_path):
    checkpoint, network = trained
    export(checkpoint, tmp_path / "half.onnx", "half")
    model = onnx.load(tmp_path / "half.onnx")
    weights = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer if len(tensor.dims) == 4]
    assert weights and all(array.dtype == np.float16 for array in weights)
    output = OnnxRuntimeNetwork(tmp_path / "half.onnx").run(np.full((128, 128, 3), 90, np.uint8))
    assert output.flow.dtype == np.float32
    with torch.inference_mode():
        wanted = network(torch.full((1, 128, 128, 3), 90, dtype=torch.uint8))
    np.testing.assert_allclose(output.flow, (wanted.template - cell_grid(64))[0], atol=0.5)


def test_file_in_bytes_has_bytes_in_all_but_the_finest_level(trained, tmp_path):
    checkpoint, network = trained
    export(checkpoint, tmp_path / "bytes.onnx", "int8")
    model = onnx.load(tmp_path / "bytes.onnx")
    types = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    dequantised = {node.output[0]: types.get(node.input[0]) for node in model.graph.node
                   if node.op_type == "DequantizeLinear"}  # fmt: skip
    for node in model.graph.node:
        if node.op_type == "Conv":
            in_bytes = dequantised.get(node.input[1]) == onnx.TensorProto.INT8
            assert in_bytes is not any(part in node.name for part in ("/joins.3/", "/head/")), node.name
    assert {entry.key for entry in model.metadata_props} == {*METADATA_KEYS, "weights_sha256"}
    assert [opset.domain for opset in model.opset_import] == [""] and model.ir_version == 8, (
        "ONNX Runtime 1.17 reads it"
    )
    crop = np.full((128, 128, 3), 90, np.uint8)
    found = OnnxRuntimeNetwork(tmp_path / "bytes.onnx").run(crop)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(crop)[None])
    np.testing.assert_allclose(found.flow, (wanted.template - cell_grid(64))[0], atol=2.0)


def test_bytes_are_checked_as_the_tracker_computes_them(trained, tmp_path, monkeypatch):
    """On processors whose sums of bytes overflow a good file differs by a pixel and more without the cure."""
    export(trained[0], tmp_path / "net.onnx")
    monkeypatch.setattr(cpu_session, "bytes_overflow", lambda: True)
    session = training.export._session(onnx.load(tmp_path / "net.onnx"))
    assert session.get_session_options().get_session_config_entry("session.x64quantprecision") == "1"


def test_bytes_need_the_face_model_of_the_training(trained, tmp_path):
    state = load_checkpoint(trained[0])
    save_checkpoint(tmp_path / "other.pt", {**state, "template": {"kind": "cylindrical", "hash": "ab" * 32}})
    export(tmp_path / "other.pt", tmp_path / "half.onnx", "half")  # in which no face model has a part
    with pytest.raises(ValueError, match=r"other\.pt' was trained for .* template abababababab, .* DENSE_FACE_MODEL"):
        export(tmp_path / "other.pt", tmp_path / "net.onnx", "int8")
    assert not (tmp_path / "net.onnx").exists()


@pytest.mark.parametrize("precision", ["full", "half", "int8"])
def test_weights_that_are_not_finite_are_told_in_one_line(trained, tmp_path, precision):
    state = load_checkpoint(trained[0])
    broken = {**state["average"], "head.bias": state["average"]["head.bias"] * torch.nan}
    save_checkpoint(tmp_path / "broken.pt", {**state, "average": broken})
    with pytest.raises(ValueError, match=r"broken\.pt' has weights that are not finite \(average: head\.bias\); give"):
        export(tmp_path / "broken.pt", tmp_path / "net.onnx", precision)


def test_bytes_that_say_something_else_are_refused(trained, tmp_path, monkeypatch):
    monkeypatch.setattr(training.export, "_BYTES_TOLERANCE", 1e-9)
    with pytest.raises(RuntimeError, match=r"in bytes the flow differs by 0\.\d+ px in the mean, allowed is 1e-09"):
        export(trained[0], tmp_path / "net.onnx", "int8")
    assert not (tmp_path / "net.onnx").exists()


def test_a_wrong_export_is_refused(trained, tmp_path, monkeypatch):
    convert = training.export._to_onnx

    def damaged(module):
        model = convert(module)
        tensor = max(model.graph.initializer, key=lambda t: np.prod(t.dims))
        tensor.CopyFrom(numpy_helper.from_array(1.5 * numpy_helper.to_array(tensor), tensor.name))
        return model

    monkeypatch.setattr(training.export, "_to_onnx", damaged)
    with pytest.raises(RuntimeError, match="differs from torch"):
        export(trained[0], tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()
