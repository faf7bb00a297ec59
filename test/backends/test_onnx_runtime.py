import threading
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dense_face_ros.backends.model_file import check_template, companion, network_path
from dense_face_ros.backends.model_precision import cpu_network_path, gpu_network_path
from dense_face_ros.backends.onnx_runtime import OnnxRuntimeNetwork

HASH = "12" * 32
METADATA = {
    "format_version": "1", "architecture": "compact", "stride": "2", "template_kind": "cylindrical",
    "template_hash": HASH, "recipe": "none", "training_data": "none", "licence": "Apache-2.0", "images_seen": "0",
}  # fmt: skip


def write_network(
    path: Path, metadata=METADATA, cells=64, flow_name="flow", input_kind=TensorProto.UINT8, full=255.0
) -> Path:
    """A network whose flow is the red and green of the crop, its matchability the blue / ``full``."""
    node, size = helper.make_node, 128
    stride = size // cells
    constants = [
        numpy_helper.from_array(np.array([full], np.float32), "full"),
        numpy_helper.from_array(np.array([2, 1], np.int64), "split"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
    ]
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Transpose", ["float"], ["planes"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["planes"], ["cells"], kernel_shape=[stride, stride], strides=[stride, stride]),
        node("Split", ["cells", "split"], [flow_name, "blue"], axis=1),
        node("Squeeze", ["blue", "axis"], ["plane"]),
        node("Div", ["plane", "full"], ["matchability"]),
        node("Neg", ["matchability"], ["log_sigma"]),
    ]
    outputs = [
        helper.make_tensor_value_info(flow_name, TensorProto.FLOAT, [1, 2, cells, cells]),
        helper.make_tensor_value_info("matchability", TensorProto.FLOAT, [1, cells, cells]),
        helper.make_tensor_value_info("log_sigma", TensorProto.FLOAT, [1, cells, cells]),
    ]
    image = helper.make_tensor_value_info("image", input_kind, [1, size, size, 3])
    graph = helper.make_graph(nodes, "test", [image], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


@pytest.fixture
def network_file(tmp_path):
    return write_network(tmp_path / "net.onnx")


def crop_of(red, green, blue):
    return np.full((128, 128, 3), (red, green, blue), dtype=np.uint8)


def test_outputs_arrive_under_their_names(network_file):
    output = OnnxRuntimeNetwork(network_file).run(crop_of(10, 20, 51))
    assert output.flow.shape == (2, 64, 64) and output.matchability.shape == output.log_sigma.shape == (64, 64)
    assert (output.flow[0] == 10).all() and (output.flow[1] == 20).all()
    np.testing.assert_allclose(output.matchability, 0.2, rtol=1e-6)
    np.testing.assert_allclose(output.log_sigma, -0.2, rtol=1e-6)


def test_results_stay_when_the_next_crop_comes(network_file):
    network = OnnxRuntimeNetwork(network_file)
    first = network.run(crop_of(1, 2, 3))
    network.run(crop_of(100, 100, 100))
    assert (first.flow[0] == 1).all()


def test_threads_get_the_answers_to_their_own_crops(network_file):
    network = OnnxRuntimeNetwork(network_file)
    wrong = []

    def work(red: int) -> None:
        for _ in range(50):
            if not (network.run(crop_of(red, 0, 0)).flow[0] == red).all():
                wrong.append(red)

    threads = [threading.Thread(target=work, args=(red,)) for red in (10, 20, 30, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_view_into_a_frame_is_a_crop_too(network_file):
    frame = np.zeros((300, 400, 3), np.uint8)
    frame[50:178, 60:188] = (7, 8, 9)
    assert (OnnxRuntimeNetwork(network_file).run(frame[50:178, 60:188]).flow[1] == 8).all()


def test_finer_grids_are_taken_as_they_are(tmp_path):
    path = write_network(tmp_path / "net.onnx", {**METADATA, "stride": "1"}, cells=128)
    assert OnnxRuntimeNetwork(path).run(crop_of(1, 2, 3)).flow.shape == (2, 128, 128)


def test_name_and_metadata_are_for_diagnostics(network_file):
    network = OnnxRuntimeNetwork(network_file, threads=2)
    assert network.name.startswith("ONNX Runtime") and "2 threads" in network.name
    assert network.metadata == METADATA


def test_closed_networks_say_so(network_file):
    network = OnnxRuntimeNetwork(network_file)
    network.close()
    with pytest.raises(RuntimeError, match="has been closed"):
        network.run(crop_of(0, 0, 0))


@pytest.mark.parametrize("crop", [np.zeros((64, 64, 3), np.uint8), np.zeros((128, 128, 3), np.float32)])
def test_wrong_crops_are_named(network_file, crop):
    with pytest.raises(ValueError, match="the network takes uint8"):
        OnnxRuntimeNetwork(network_file).run(crop)


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'.*none.onnx' does not exist"):
        OnnxRuntimeNetwork(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"this is no network")
    with pytest.raises(ValueError, match=r"'.*bad.onnx' cannot be read"):
        OnnxRuntimeNetwork(tmp_path / "bad.onnx")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"flow_name": "motion"}, "'flow' should be float32"),
        ({"input_kind": TensorProto.FLOAT}, "'image' should be uint8"),
        ({"metadata": {}}, "lacks the metadata format_version"),
        ({"full": np.nan}, r"net.onnx' answers values that are not finite \(matchability, log_sigma\); export it"),
        ({"metadata": {**METADATA, "format_version": "7"}}, "format version 7; this package reads 1"),
    ],
)
def test_other_networks_are_refused(tmp_path, change, message):
    path = write_network(tmp_path / "net.onnx", **change)
    with pytest.raises(ValueError, match=message):
        OnnxRuntimeNetwork(path)


def test_a_flow_without_sides_is_another_network(tmp_path):
    model = onnx.load(write_network(tmp_path / "net.onnx", flow_name="motion"))
    model.graph.node.append(helper.make_node("ReduceMean", ["motion"], ["flow"], keepdims=0))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("flow", TensorProto.FLOAT, []))
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"net.onnx': 'flow' should be float32 \(1, 2, 'h', 'h'\), found \(\)"):
        OnnxRuntimeNetwork(tmp_path / "net.onnx")


def test_a_network_that_wants_more_than_a_picture_is_named(tmp_path):
    model = onnx.load(write_network(tmp_path / "net.onnx", flow_name="motion"))
    model.graph.node.append(helper.make_node("Add", ["motion", "hint"], ["flow"]))
    model.graph.input.append(helper.make_tensor_value_info("hint", TensorProto.FLOAT, [1]))
    model.graph.output[0].name = "flow"
    onnx.save(model, tmp_path / "net.onnx")
    with pytest.raises(ValueError, match=r"net.onnx' cannot be run \(.*hint.*\); give"):
        OnnxRuntimeNetwork(tmp_path / "net.onnx")


def test_a_network_for_another_template_is_refused():
    check_template(METADATA, Path("net.onnx"), HASH)
    with pytest.raises(ValueError, match=r"net.onnx' was trained for the cylindrical template 1212.* has template cd"):
        check_template(METADATA, Path("net.onnx"), "cd" * 32)


def test_threads_must_be_positive(network_file):
    with pytest.raises(ValueError, match="threads is 0"):
        OnnxRuntimeNetwork(network_file, threads=0)


def test_shipped_networks_go_by_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert network_path(Path("correspondence.onnx")) == network_path(None)
    with pytest.raises(FileNotFoundError, match=r"by its name: correspondence\.onnx, correspondence_free\.onnx$"):
        network_path(Path("none.onnx"))
    with pytest.raises(FileNotFoundError, match=r"elsewhere/correspondence\.onnx"):
        network_path(Path("elsewhere/correspondence.onnx"))
    own = tmp_path / "correspondence.onnx"
    own.write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    assert network_path(Path("correspondence.onnx")).samefile(own), "a file at hand comes first"


@pytest.mark.parametrize("suffix", ["_fp16", "_int8"])
def test_a_network_may_be_named_by_any_of_its_files(tmp_path: Path, suffix: str) -> None:
    named, base = tmp_path / f"net{suffix}.onnx", tmp_path / "net.onnx"
    named.write_bytes(b"")
    with pytest.raises(ValueError, match=rf"net{suffix}.onnx' is one of the files of network '.*net.onnx', which does"):
        network_path(named)
    base.write_bytes(b"")
    assert network_path(named) == base
    free = Path(f"correspondence_free{suffix}.onnx")
    assert network_path(free).name == "correspondence_free.onnx"
    assert gpu_network_path(free).name == "correspondence_free_fp16.onnx"
    assert cpu_network_path(free).name == "correspondence_free_int8.onnx"
    for kind in ("face_finder", "eyelids"):
        small = companion(network_path(free), kind)
        assert small is not None and small.name == f"{kind}_free.onnx"


def test_small_networks_belong_to_the_network_of_the_same_ending(tmp_path: Path) -> None:
    for name in ("face_finder_free.onnx", "face_finder.onnx"):
        (tmp_path / name).write_bytes(b"")
    assert companion(tmp_path / "correspondence_free.onnx", "face_finder") == tmp_path / "face_finder_free.onnx"
    assert companion(tmp_path / "correspondence.onnx", "face_finder") == tmp_path / "face_finder.onnx"
    assert companion(tmp_path / "correspondence_free.onnx", "eyelids") is None
    assert companion(tmp_path / "mine.onnx", "face_finder") is None
