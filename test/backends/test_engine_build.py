"""The shipped half-precision network in a real builder: TensorRT for RTX, which builds without a GPU."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from dense_face_ros.backends import engine_build
from dense_face_ros.backends.engine_build import (
    CannotBuild,
    EngineError,
    LogTail,
    UnreadableNetwork,
    build,
    full_version,
    tensorrt_module,
)
from dense_face_ros.backends.model_precision import gpu_network_path

#: The RTX edition keeps no kernel timings, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:Use Deprecated in TensorRT-RTX:DeprecationWarning")


@pytest.fixture(scope="module")
def trt():
    return pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed: pip install tensorrt-rtx")


@pytest.fixture(scope="module")
def shipped() -> bytes:
    return gpu_network_path(None).read_bytes()


def test_the_shipped_network_becomes_an_engine(trt, shipped):
    lines: list[str] = []
    engine, timing = build(trt, shipped, b"", lines.append)
    # Halves: the weights of the file, twice as small as single precision, and kernels that are made on the GPU.
    assert len(shipped) // 2 < len(engine) < 4 * len(shipped)
    assert any("step" in line for line in lines)
    again, _ = build(trt, shipped, timing, lines.append)
    assert len(again) == len(engine)


def test_for_gpus_older_than_it_expects_the_rtx_edition_is_told_to(trt, shipped):
    engine, _ = build(trt, shipped, b"", lambda line: None, capability=(7, 5))
    usual, _ = build(trt, shipped, b"", lambda line: None, capability=(8, 9))
    assert len(engine) != len(usual), "two builds for one differ in content alone"


def test_gpus_that_the_rtx_edition_does_not_know_are_told(trt, shipped):
    with pytest.raises(CannotBuild, match=r"TensorRT for RTX does not build for compute capability 6\.1"):
        build(trt, shipped, b"", lambda line: None, capability=(6, 1))


def test_an_error_tells_the_lines_since_it_could_have_begun(trt):
    earlier, logger = LogTail(trt), LogTail(trt).logger
    logger.log(trt.ILogger.ERROR, "no memory")
    later = LogTail(trt)
    assert later.logger is logger, "TensorRT takes one for all that lives"
    assert str(earlier.error("it failed")) == "it failed: no memory"
    assert str(later.error("it failed")) == "it failed: TensorRT gives no reason"
    for i in range(9):
        logger.log(trt.ILogger.WARNING, f"line {i}")
    assert str(later.error("it failed")).endswith("line 3 | line 4 | line 5 | line 6 | line 7 | line 8")


def test_timings_that_cannot_be_used_do_no_harm(trt, shipped):
    engine, _ = build(trt, shipped, b"timings of another version", lambda line: None)
    assert engine


def test_files_that_are_no_network_are_told_with_the_log(trt):
    with pytest.raises(UnreadableNetwork, match="TensorRT cannot read the network"):
        build(trt, b"no network", b"", lambda line: None)


def test_a_network_that_touches_bytes_before_casting_them_is_told_with_the_log(trt, tmp_path):
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Transpose", ["image"], ["planes"], perm=[0, 3, 1, 2])],
        "bytes",
        [helper.make_tensor_value_info("image", kind.UINT8, [1, 128, 128, 3])],
        [helper.make_tensor_value_info("planes", kind.UINT8, [1, 3, 128, 128])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(EngineError, match="UInt8"):
        build(trt, model.SerializeToString(), b"", lambda line: None)


def test_builders_that_cannot_start_are_told_with_the_cure(trt, monkeypatch, shipped):
    def nothing(logger: object) -> None:
        raise TypeError("pybind11::init(): factory function returned nullptr")

    broken = type("Broken", (), {"ILogger": trt.ILogger, "Builder": staticmethod(nothing)})
    with pytest.raises(EngineError, match="cannot start its builder; check the GPU with nvidia-smi"):
        build(broken, shipped, b"", lambda line: None)


@pytest.mark.parametrize(("said", "cure"), [
    ("createInferBuilder: Error Code 6: API Usage Error (CUDA initialization failure with error: 35. Please check your "
     "CUDA installation)", "driver is older than the CUDA .* such as tensorrt-cu12 .*Error Code 6"),
    ("IBuilder::buildSerializedNetwork: Error Code 9: API Usage Error (Target GPU SM 61 is not supported by this "
     "TensorRT release.)", "older GPUs need an older one, .*Target GPU SM 61"),
])  # fmt: skip
def test_machines_on_which_no_attempt_can_help_are_told_with_the_cure(trt, shipped, monkeypatch, said, cure):
    genuine = trt.Builder

    def refuse(*_: object) -> None:
        LogTail(trt).logger.log(trt.ILogger.ERROR, said)

    def start(logger: object) -> SimpleNamespace:
        if said.startswith("createInferBuilder"):
            refuse()
            raise TypeError("pybind11::init(): factory function returned nullptr")
        builder = genuine(logger)
        return SimpleNamespace(
            create_network=builder.create_network,
            create_builder_config=builder.create_builder_config,
            build_serialized_network=refuse,
        )

    monkeypatch.setattr(trt, "Builder", start)
    with pytest.raises(CannotBuild, match=cure):
        build(trt, shipped, b"", lambda line: None)


def test_tensorrt_is_taken_before_its_rtx_edition(monkeypatch):
    installed = {"tensorrt": SimpleNamespace(__name__="tensorrt", __version__="10.3.0"), "tensorrt_rtx": None}
    monkeypatch.setattr(importlib, "import_module", installed.__getitem__)
    assert full_version(tensorrt_module()) == "tensorrt 10.3.0"


def test_a_tensorrt_that_is_too_old_is_passed_over_and_told(monkeypatch):
    """That of JetPack 6.0 cannot build strongly typed networks, nor tell its steps."""
    old = SimpleNamespace(__name__="tensorrt", __version__="8.6.2")
    rtx = SimpleNamespace(__name__="tensorrt_rtx", __version__="1.6.1.120")
    monkeypatch.setattr(importlib, "import_module", {"tensorrt": old, "tensorrt_rtx": rtx}.__getitem__)
    assert tensorrt_module() is rtx

    def alone(name: str) -> SimpleNamespace:
        if name != "tensorrt":
            raise ImportError(name)
        return old

    monkeypatch.setattr(importlib, "import_module", alone)
    with pytest.raises(ImportError, match=r"version 8\.6\.2 is too old, 10 is needed.*JetPack 6\.1 or newer"):
        tensorrt_module()


def test_a_missing_tensorrt_is_told_with_the_cure(monkeypatch):
    def missing(name: str) -> None:
        raise OSError("libnvinfer.so.10: cannot open shared object file") if name == "tensorrt" else ImportError(name)

    monkeypatch.setattr(engine_build.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"libnvinfer.so.10.*on Jetson: apt install python3-libnvinfer"):
        tensorrt_module()
